// SPDX-License-Identifier: Apache-2.0
#include "frontend/onnx/fold.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "qnnx/numeric/half.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {
dims_t strides_of(const dims_t& dims) {
  dims_t s(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) s[i - 1] = s[i] * dims[i];
  return s;
}
/// Strides of `dims` seen as `out` by broadcasting.
dims_t broadcast_strides(const dims_t& dims, const dims_t& out) {
  const dims_t own = strides_of(dims);
  dims_t s(out.size(), 0);
  for (std::size_t i = 0; i < dims.size(); ++i)
    if (dims[i] != 1) s[i + out.size() - dims.size()] = own[i];
  return s;
}
std::int64_t dot(const dims_t& at, const dims_t& strides) {
  std::int64_t p = 0;
  for (std::size_t i = 0; i < at.size(); ++i) p += at[i] * strides[i];
  return p;
}
constexpr std::int64_t largest = std::int64_t{1} << 26;  // elements of a folded tensor

constant of_reals(dims_t dims, const std::vector<float>& v, element type) {
  constant c = constant::of_floats(std::move(dims), v);
  if (type == element::float16) {
    c.type = type;
    c.data.resize(v.size() * 2);
    for (std::size_t i = 0; i < v.size(); ++i) {
      const std::uint16_t h = half_bits(v[i]);
      std::memcpy(c.data.data() + 2 * i, &h, 2);
    }
  }
  return c;
}
template <class T>
constant of_numbers(dims_t dims, const std::vector<T>& v, element type) {
  if constexpr (std::is_integral_v<T>) return constant::of_ints(std::move(dims), v, type);
  else return of_reals(std::move(dims), v, type);
}
template <class T>
std::vector<T> numbers(const constant& c) {
  if constexpr (std::is_integral_v<T>) return c.ints();
  else return c.floats();
}

using strings = std::string_view;
bool one_of(strings s, std::initializer_list<strings> list) { return std::find(list.begin(), list.end(), s) != list.end(); }

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - ((a % b != 0) && ((a < 0) != (b < 0))); }
std::int64_t wrap(std::uint64_t v) { return static_cast<std::int64_t>(v); }

template <class T>
T arithmetic(const arguments& a, strings op, T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    const auto ux = static_cast<std::uint64_t>(x);
    const auto uy = static_cast<std::uint64_t>(y);
    if (op == "Add") return wrap(ux + uy);
    if (op == "Sub") return wrap(ux - uy);
    if (op == "Mul") return wrap(ux * uy);
    if (op == "Div" || op == "Mod") {
      if (y == 0) a.fail("division of shapes by zero", "correct the model");
      if (y == -1) return op == "Div" ? wrap(0 - ux) : 0;
      if (op == "Div") return x / y;
      return a.integer("fmod", 0) ? x % y : x - floor_div(x, y) * y;
    }
    if (op == "Pow") {
      const double p = std::pow(static_cast<double>(x), static_cast<double>(y));
      return std::abs(p) < 9e18 ? static_cast<T>(p) : T{};
    }
  } else {
    if (op == "Add") return x + y;
    if (op == "Sub") return x - y;
    if (op == "Mul") return x * y;
    if (op == "Div") return x / y;
    if (op == "Mod") return a.integer("fmod", 0) ? std::fmod(x, y) : x - std::floor(x / y) * y;
    if (op == "Pow") return std::pow(x, y);
  }
  return op == "Min" ? std::min(x, y) : std::max(x, y);
}
template <class T>
bool compares(strings op, T x, T y) {
  if (op == "Equal") return x == y;
  if (op == "Less") return x < y;
  if (op == "LessOrEqual") return x <= y;
  if (op == "Greater") return x > y;
  if (op == "GreaterOrEqual") return x >= y;
  if (op == "And") return x != T{} && y != T{};
  if (op == "Or") return x != T{} || y != T{};
  return (x != T{}) != (y != T{});  // Xor
}

template <class T>
constant binary(const arguments& a, const constant& x, const constant& y, bool compare) {
  const dims_t out = broadcast(a, x.dims, y.dims);
  if (checked_size(a, out) > largest) a.fail("constant arithmetic on more than 64 M elements", "simplify the model first");
  const dims_t sx = broadcast_strides(x.dims, out);
  const dims_t sy = broadcast_strides(y.dims, out);
  const std::vector<T> vx = numbers<T>(x);
  const std::vector<T> vy = numbers<T>(y);
  const auto n = static_cast<std::size_t>(checked_size(a, out));
  std::vector<T> r(compare ? 0 : n);
  std::vector<std::int64_t> b(compare ? n : 0);
  dims_t at(out.size(), 0);
  for (std::size_t i = 0; i < n; ++i) {
    const T p = vx[static_cast<std::size_t>(dot(at, sx))];
    const T q = vy[static_cast<std::size_t>(dot(at, sy))];
    if (compare) b[i] = compares<T>(a.n->op_type, p, q);
    else r[i] = arithmetic<T>(a, a.n->op_type, p, q);
    for (std::size_t d = out.size(); d-- > 0;) {
      if (++at[d] < out[d]) break;
      at[d] = 0;
    }
  }
  return compare ? constant::of_ints(out, b, element::boolean) : of_numbers<T>(out, r, x.type);
}

template <class T>
constant unary(const constant& x, strings op) {
  std::vector<T> v = numbers<T>(x);
  for (T& e : v) {
    if (op == "Neg") e = std::is_integral_v<T> ? static_cast<T>(0 - static_cast<std::uint64_t>(e)) : -e;
    if (op == "Abs") e = e < T{} ? static_cast<T>(T{} - e) : e;
    if constexpr (!std::is_integral_v<T>) {
      if (op == "Floor") e = std::floor(e);
      if (op == "Ceil") e = std::ceil(e);
      if (op == "Round") e = std::nearbyint(e);
      if (op == "Sqrt") e = std::sqrt(e);
      if (op == "Reciprocal") e = 1.0f / e;
      if (op == "Exp") e = std::exp(e);
      if (op == "Log") e = std::log(e);
      if (op == "Sin") e = std::sin(e);
      if (op == "Cos") e = std::cos(e);
    } else if (op == "Not") {
      e = e == 0;
    }
  }
  return of_numbers<T>(x.dims, v, x.type);
}

template <class T>
constant reduce(const arguments& a, const constant& x, const std::vector<std::int64_t>& axes, strings op) {
  std::vector<bool> gone(x.dims.size(), axes.empty() && !a.integer("noop_with_empty_axes", 0));
  for (std::int64_t k : axes) gone[static_cast<std::size_t>(a.axis(k, x.dims.size()))] = true;
  dims_t kept;
  dims_t out;
  for (std::size_t i = 0; i < x.dims.size(); ++i) {
    kept.push_back(gone[i] ? 1 : x.dims[i]);
    if (!gone[i] || a.integer("keepdims", 1)) out.push_back(kept.back());
  }
  const dims_t strides = broadcast_strides(kept, x.dims);
  const auto n = static_cast<std::size_t>(checked_size(a, kept));
  std::vector<T> r(n, op == "ReduceProd" ? T{1} : T{});
  std::vector<std::int64_t> seen(n, 0);
  const std::vector<T> v = numbers<T>(x);
  dims_t at(x.dims.size(), 0);
  for (const T e : v) {
    const auto p = static_cast<std::size_t>(dot(at, strides));
    if (op == "ReduceProd") r[p] = arithmetic<T>(a, "Mul", r[p], e);
    else if (op == "ReduceMax") r[p] = seen[p] ? std::max(r[p], e) : e;
    else if (op == "ReduceMin") r[p] = seen[p] ? std::min(r[p], e) : e;
    else r[p] = arithmetic<T>(a, "Add", r[p], e);
    ++seen[p];
    for (std::size_t d = at.size(); d-- > 0;) {
      if (++at[d] < x.dims[d]) break;
      at[d] = 0;
    }
  }
  if (op == "ReduceMean")
    for (std::size_t i = 0; i < n; ++i)
      if (seen[i]) r[i] = static_cast<T>(r[i] / static_cast<T>(seen[i]));
  return of_numbers<T>(out, r, x.type);
}

constant cast(const arguments& a, const constant& x) {
  const auto to = static_cast<element>(a.integer("to", 1));
  if (to == x.type) return x;
  if (to == element::boolean) {
    std::vector<std::int64_t> v;
    for (float f : x.floats()) v.push_back(f != 0.0f);
    return constant::of_ints(x.dims, v, to);
  }
  if (to == element::float32 || to == element::float64 || to == element::bfloat16 || to == element::float16)
    return of_reals(x.dims, x.floats(), to == element::float16 ? to : element::float32);
  if (element_bytes(to) == 0) a.fail("cast to " + to_string(to), "only numbers and bool can be imported");
  return constant::of_ints(x.dims, x.ints(), to);
}

std::vector<std::int64_t> axes_of(const arguments& a, const std::vector<const constant*>& in, std::size_t input) {
  if (in.size() > input && in[input]) return in[input]->ints();
  return a.integers("axes").value_or(std::vector<std::int64_t>{});
}

constant gather(const arguments& a, const constant& x, const constant& i) {
  const auto axis = static_cast<std::size_t>(a.axis(a.integer("axis", 0), x.dims.size()));
  dims_t out(x.dims.begin(), x.dims.begin() + static_cast<std::ptrdiff_t>(axis));
  out.insert(out.end(), i.dims.begin(), i.dims.end());
  out.insert(out.end(), x.dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.dims.end());
  if (checked_size(a, out) > largest) a.fail("constant gather of more than 64 M elements", "simplify the model first");
  std::vector<std::int64_t> index = i.ints();
  for (std::int64_t& k : index) {
    if (k < -x.dims[axis] || k >= x.dims[axis]) a.fail("index " + std::to_string(k) + " outside " + std::to_string(x.dims[axis]), "correct the model");
    if (k < 0) k += x.dims[axis];
  }
  const dims_t sx = strides_of(x.dims);
  const dims_t si = strides_of(i.dims);
  const std::size_t ri = i.dims.size();
  return remap(x, out, [&](const dims_t& at) {
    std::int64_t p = 0;
    std::int64_t q = 0;
    for (std::size_t d = 0; d < axis; ++d) p += at[d] * sx[d];
    for (std::size_t d = 0; d < ri; ++d) q += at[axis + d] * si[d];
    p += index[static_cast<std::size_t>(q)] * sx[axis];
    for (std::size_t d = axis + 1; d < x.dims.size(); ++d) p += at[d + ri - 1] * sx[d];
    return p;
  });
}

constant concat(const arguments& a, const std::vector<const constant*>& in) {
  const auto axis = static_cast<std::size_t>(a.axis(a.integer("axis", 0), in[0]->dims.size()));
  constant c;
  c.type = in[0]->type;
  c.dims = in[0]->dims;
  c.dims[axis] = 0;
  for (const constant* x : in) {
    bool same = x->type == c.type && x->dims.size() == c.dims.size();
    for (std::size_t d = 0; same && d < c.dims.size(); ++d) same = d == axis || x->dims[d] == c.dims[d];
    if (!same) a.fail("constant inputs of different type or size", "correct the model");
    c.dims[axis] += x->dims[axis];
  }
  if (checked_size(a, c.dims) > largest) a.fail("constant concat of more than 64 M elements", "simplify the model first");
  std::int64_t outer = 1;
  for (std::size_t d = 0; d < axis; ++d) outer *= c.dims[d];
  for (std::int64_t o = 0; o < outer; ++o)
    for (const constant* x : in) {
      const std::size_t part = x->data.size() / static_cast<std::size_t>(outer);
      c.data.insert(c.data.end(), x->data.begin() + static_cast<std::ptrdiff_t>(part * static_cast<std::size_t>(o)),
                    x->data.begin() + static_cast<std::ptrdiff_t>(part * static_cast<std::size_t>(o + 1)));
    }
  return c;
}

constant slice(const arguments& a, const std::vector<const constant*>& in) {
  const constant& x = *in[0];
  slices s;
  if (a.opset < 10) {
    s.starts = a.integers("starts").value_or(std::vector<std::int64_t>{});
    s.ends = a.integers("ends").value_or(std::vector<std::int64_t>{});
    s.axes = a.integers("axes").value_or(std::vector<std::int64_t>{});
  } else {
    if (in.size() < 3 || !in[1] || !in[2]) a.fail("starts and ends are missing", "correct the model");
    s.starts = in[1]->ints();
    s.ends = in[2]->ints();
    if (in.size() > 3 && in[3]) s.axes = in[3]->ints();
    if (in.size() > 4 && in[4]) s.steps = in[4]->ints();
  }
  dims_t out = x.dims;
  dims_t begin(out.size(), 0);
  dims_t step(out.size(), 1);
  for (std::size_t i = 0; i < s.starts.size(); ++i) {
    if (i >= s.ends.size() || (!s.axes.empty() && i >= s.axes.size()) || (!s.steps.empty() && i >= s.steps.size()))
      a.fail("starts, ends, axes and steps differ in length", "correct the model");
    const auto axis = static_cast<std::size_t>(a.axis(s.axes.empty() ? static_cast<std::int64_t>(i) : s.axes[i], out.size()));
    const std::int64_t by = s.steps.empty() ? 1 : s.steps[i];
    if (by == 0) a.fail("a step of 0", "correct the model");
    const cut r = slice_range(x.dims[axis], s.starts[i], s.ends[i], by);
    begin[axis] = r.begin;
    step[axis] = r.step;
    out[axis] = r.count;
  }
  const dims_t strides = strides_of(x.dims);
  return remap(x, out, [&](const dims_t& at) {
    std::int64_t p = 0;
    for (std::size_t d = 0; d < at.size(); ++d) p += (begin[d] + at[d] * step[d]) * strides[d];
    return p;
  });
}
}  // namespace

constant transposed(const constant& in, const std::vector<int>& order) {
  const dims_t own = strides_of(in.dims);
  dims_t out;
  dims_t strides;
  for (int k : order) {
    out.push_back(in.dims[static_cast<std::size_t>(k)]);
    strides.push_back(own[static_cast<std::size_t>(k)]);
  }
  return remap(in, out, [&](const dims_t& at) { return dot(at, strides); });
}

std::optional<std::vector<constant>> fold(const arguments& a, const std::vector<const constant*>& in) {
  const strings op = a.n->op_type;
  if (!a.n->domain.empty()) return std::nullopt;
  const auto one = [](constant c) { return std::vector<constant>{std::move(c)}; };
  if (op == "Constant") {
    if (const auto* t = a.n->find("value"); t && t->t) return one(decode(*a.m, *t->t));
    if (const auto* v = a.n->find("value_float")) return one(constant::of_floats({}, {v->f}));
    if (const auto* v = a.n->find("value_int")) return one(constant::of_ints({}, {v->i}));
    if (const auto* v = a.n->find("value_floats")) return one(constant::of_floats({static_cast<std::int64_t>(v->floats.size())}, v->floats));
    if (const auto* v = a.n->find("value_ints")) return one(constant::of_ints({static_cast<std::int64_t>(v->ints.size())}, v->ints));
    a.fail("a constant without a dense numeric value", "store it as a dense tensor");
  }
  if (in.empty() || !in[0]) return std::nullopt;
  const constant& x = *in[0];
  if (one_of(op, {"Identity", "Dropout"})) return one(x);
  if (op == "Cast") return one(cast(a, x));
  if (one_of(op, {"Add", "Sub", "Mul", "Div", "Mod", "Pow", "Min", "Max"})) {
    constant r = x;
    if (in.size() == 1) return one(r);
    for (std::size_t i = 1; i < in.size(); ++i) {
      if (!in[i]) return std::nullopt;
      r = r.is_integer() && in[i]->is_integer() ? binary<std::int64_t>(a, r, *in[i], false) : binary<float>(a, r, *in[i], false);
    }
    return one(r);
  }
  if (one_of(op, {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor"}) && in.size() == 2 && in[1])
    return one(x.is_integer() ? binary<std::int64_t>(a, x, *in[1], true) : binary<float>(a, x, *in[1], true));
  if (one_of(op, {"Neg", "Abs", "Floor", "Ceil", "Round", "Sqrt", "Reciprocal", "Exp", "Log", "Sin", "Cos", "Not"}))
    return one(x.is_integer() ? unary<std::int64_t>(x, op) : unary<float>(x, op));
  if (one_of(op, {"ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceMean"}))
    return one(x.is_integer() ? reduce<std::int64_t>(a, x, axes_of(a, in, 1), op) : reduce<float>(a, x, axes_of(a, in, 1), op));
  if (op == "Gather" && in.size() == 2 && in[1] && !x.dims.empty()) return one(gather(a, x, *in[1]));
  if (op == "Concat") {
    for (const constant* c : in)
      if (!c) return std::nullopt;
    if (x.dims.empty()) a.fail("concat of scalars", "correct the model");
    return one(concat(a, in));
  }
  if (op == "Slice") return one(slice(a, in));
  if (op == "Trilu" && x.dims.size() >= 2) {
    const std::int64_t k = in.size() > 1 && in[1] && in[1]->size() == 1 ? in[1]->ints()[0] : 0;
    const bool upper = a.integer("upper", 1) != 0;
    const std::int64_t rows = x.dims[x.dims.size() - 2];
    const std::int64_t columns = x.dims.back();
    constant r = x;
    const auto width = static_cast<std::size_t>(element_bytes(x.type));
    for (std::int64_t i = 0; i < r.size(); ++i) {
      const std::int64_t off = i % columns - i / columns % rows;
      if (upper ? off < k : off > k) std::memset(r.data.data() + static_cast<std::size_t>(i) * width, 0, width);
    }
    return one(r);
  }
  if (op == "Reshape" || op == "Flatten" || op == "Squeeze" || op == "Unsqueeze") {
    constant r = x;
    if (op == "Reshape") {
      if (in.size() < 2 && !a.integers("shape")) return std::nullopt;
      if (in.size() > 1 && !in[1]) return std::nullopt;
      r.dims = reshaped(a, x.dims, in.size() > 1 ? in[1]->ints() : *a.integers("shape"), a.integer("allowzero", 0) != 0);
    } else if (op == "Flatten") {
      const std::int64_t axis = a.integer("axis", 1);
      const auto k = axis == static_cast<std::int64_t>(x.dims.size()) ? x.dims.size() : static_cast<std::size_t>(a.axis(axis, x.dims.size() + 1));
      r.dims = {std::accumulate(x.dims.begin(), x.dims.begin() + static_cast<std::ptrdiff_t>(k), std::int64_t{1}, std::multiplies<>()),
                std::accumulate(x.dims.begin() + static_cast<std::ptrdiff_t>(k), x.dims.end(), std::int64_t{1}, std::multiplies<>())};
    } else {
      std::vector<std::int64_t> axes = axes_of(a, in, 1);
      const bool drop = op == "Squeeze";
      const std::size_t rank = drop ? x.dims.size() : x.dims.size() + axes.size();
      std::vector<bool> marked(rank, drop && axes.empty());
      for (std::int64_t k : axes) marked[static_cast<std::size_t>(a.axis(k, rank))] = true;
      r.dims.clear();
      std::size_t from = 0;
      for (std::size_t d = 0; d < rank; ++d) {
        if (drop && (!marked[d] || (axes.empty() && x.dims[d] != 1))) r.dims.push_back(x.dims[d]);
        if (!drop) {
          if (!marked[d] && from >= x.dims.size()) a.fail("axes are given twice", "correct the model");
          r.dims.push_back(marked[d] ? 1 : x.dims[from++]);
        }
      }
      if (r.size() != x.size() || (!drop && from != x.dims.size())) a.fail("axes do not fit the shape", "correct the model");
    }
    return one(r);
  }
  if (op == "Transpose") {
    std::vector<std::int64_t> perm = a.integers("perm").value_or(std::vector<std::int64_t>{});
    if (perm.empty())
      for (std::size_t d = x.dims.size(); d-- > 0;) perm.push_back(static_cast<std::int64_t>(d));
    std::vector<int> order;
    for (std::int64_t k : perm) order.push_back(a.axis(k, x.dims.size()));
    std::vector<int> sorted = order;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t d = 0; d < sorted.size(); ++d)
      if (sorted[d] != static_cast<int>(d)) a.fail("perm is not a permutation", "correct the model");
    if (order.size() != x.dims.size()) a.fail("perm has the wrong length", "correct the model");
    return one(transposed(x, order));
  }
  if (op == "ConstantOfShape") {
    dims_t dims = x.ints();
    if (checked_size(a, dims) > largest) a.fail("more than 64 M elements", "simplify the model first");
    const auto n = static_cast<std::size_t>(checked_size(a, dims));
    const auto* t = a.n->find("value");
    if (!t || !t->t) return one(constant::of_floats(dims, std::vector<float>(n, 0.0f)));
    const constant v = decode(*a.m, *t->t);
    if (v.size() != 1) a.fail("the value is not one number", "correct the model");
    return one(remap(v, dims, [](const dims_t&) { return std::int64_t{0}; }));
  }
  if (op == "Range" && in.size() == 3 && in[1] && in[2]) {
    if (x.size() != 1 || in[1]->size() != 1 || in[2]->size() != 1) a.fail("range needs scalars", "correct the model");
    const bool whole = x.is_integer();
    const double start = whole ? static_cast<double>(x.ints()[0]) : static_cast<double>(x.floats()[0]);
    const double limit = whole ? static_cast<double>(in[1]->ints()[0]) : static_cast<double>(in[1]->floats()[0]);
    const double delta = whole ? static_cast<double>(in[2]->ints()[0]) : static_cast<double>(in[2]->floats()[0]);
    const double count = delta != 0 ? std::max(0.0, std::ceil((limit - start) / delta)) : -1;
    if (!(count >= 0 && count <= static_cast<double>(largest))) a.fail("a range of impossible length", "correct the model");
    const auto n = static_cast<std::size_t>(count);
    std::vector<std::int64_t> vi(whole ? n : 0);
    std::vector<float> vf(whole ? 0 : n);
    for (std::size_t i = 0; i < n; ++i) {
      const double v = start + static_cast<double>(i) * delta;
      if (whole) vi[i] = static_cast<std::int64_t>(v);
      else vf[i] = static_cast<float>(v);
    }
    const dims_t dims{static_cast<std::int64_t>(n)};
    return one(whole ? constant::of_ints(dims, vi, x.type) : of_reals(dims, vf, x.type));
  }
  if ((op == "Expand" || op == "Tile") && in.size() == 2 && in[1]) {
    dims_t out = in[1]->ints();
    if (op == "Expand") {
      checked_size(a, out);
      out = broadcast(a, x.dims, out);
    } else {
      if (out.size() != x.dims.size()) a.fail("repeats have the wrong length", "correct the model");
      for (std::size_t d = 0; d < out.size(); ++d) {
        if (out[d] < 0 || out[d] > 0x7fffffff) a.fail("impossible repeats", "correct the model");
        out[d] *= x.dims[d];
      }
    }
    if (checked_size(a, out) > largest) a.fail("more than 64 M elements", "simplify the model first");
    const dims_t own = strides_of(x.dims);
    const std::size_t shift = out.size() - x.dims.size();
    return one(remap(x, out, [&](const dims_t& at) {
      std::int64_t p = 0;
      for (std::size_t d = 0; d < x.dims.size(); ++d) p += at[d + shift] % x.dims[d] * own[d];
      return p;
    }));
  }
  if (op == "Where" && in.size() == 3 && in[1] && in[2] && in[1]->type == in[2]->type) {
    const dims_t out = broadcast(a, broadcast(a, x.dims, in[1]->dims), in[2]->dims);
    if (checked_size(a, out) > largest) a.fail("more than 64 M elements", "simplify the model first");
    constant both = *in[1];  // the two sources one behind the other
    both.data.insert(both.data.end(), in[2]->data.begin(), in[2]->data.end());
    const std::vector<std::int64_t> which = x.ints();
    const dims_t sc = broadcast_strides(x.dims, out);
    const dims_t s1 = broadcast_strides(in[1]->dims, out);
    const dims_t s2 = broadcast_strides(in[2]->dims, out);
    const std::int64_t second = in[1]->size();
    return one(remap(both, out, [&](const dims_t& at) {
      return which[static_cast<std::size_t>(dot(at, sc))] ? dot(at, s1) : second + dot(at, s2);
    }));
  }
  return std::nullopt;
}

}  // namespace qnnx::inline QNNX_ABI::onnx
