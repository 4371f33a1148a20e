// SPDX-License-Identifier: Apache-2.0
// What every translator reads of a node (attributes, axes, sizes), and constants with their elements in another place.
#include "frontend/onnx/fold.hpp"

#include <algorithm>

namespace qnnx::inline QNNX_ABI::onnx {

void arguments::fail(const std::string& what, const std::string& remedy) const {
  const std::string name = !n->name.empty() ? n->name : n->outputs.empty() ? std::string() : n->outputs[0];
  throw error(m->file.name + ": node '" + name + "' (" + (n->domain.empty() ? "" : n->domain + ".") + n->op_type + "): " + what +
              ": " + remedy);
}
std::int64_t arguments::integer(std::string_view name, std::int64_t otherwise) const {
  const attribute_proto* a = n->find(name);
  return a ? a->i : otherwise;
}
std::int64_t arguments::integer_in(std::string_view name, std::int64_t otherwise, std::int64_t least, std::int64_t most) const {
  const std::int64_t v = integer(name, otherwise);
  if (v < least || v > most)
    fail(std::string(name) + " is " + std::to_string(v), "use " + std::to_string(least) + " to " + std::to_string(most));
  return v;
}
float arguments::real(std::string_view name, float otherwise) const {
  const attribute_proto* a = n->find(name);
  return a ? a->f : otherwise;
}
std::string arguments::word(std::string_view name, const std::string& otherwise) const {
  const attribute_proto* a = n->find(name);
  return a ? a->s : otherwise;
}
std::optional<std::vector<std::int64_t>> arguments::integers(std::string_view name) const {
  const attribute_proto* a = n->find(name);
  if (!a) return std::nullopt;
  return a->ints;
}
int arguments::axis(std::int64_t a, std::size_t rank) const {
  const auto r = static_cast<std::int64_t>(rank);
  if (a < -r || a >= r) fail("axis " + std::to_string(a) + " of a tensor of rank " + std::to_string(r), "correct the model");
  return static_cast<int>(a < 0 ? a + r : a);
}

std::int64_t checked_size(const arguments& a, const dims_t& dims) {
  std::int64_t n = 1;
  for (std::int64_t d : dims) {
    if (d < 0 || d > 0x7fffffff || (d > 0 && n > (std::int64_t{1} << 31) / d))
      a.fail("a tensor with an impossible size", "correct the model or its input sizes");
    n *= d;
  }
  return n;
}

dims_t reshaped(const arguments& a, const dims_t& in, const std::vector<std::int64_t>& wanted, bool allow_zero) {
  const std::int64_t total = checked_size(a, in);
  dims_t out;
  std::int64_t known = 1;
  int free = -1;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    std::int64_t d = wanted[i];
    if (d == 0 && !allow_zero && i < in.size()) d = in[i];
    if (d == -1 && free < 0) free = static_cast<int>(i);
    else if (d < 0 || d > 0x7fffffff || (d > 0 && known > (std::int64_t{1} << 31) / d)) a.fail("the new shape has an impossible size", "correct the model");
    else known *= d;
    out.push_back(d);
  }
  if (free >= 0) out[static_cast<std::size_t>(free)] = known > 0 ? total / known : 0;
  if (checked_size(a, out) != total)
    a.fail("cannot reshape " + std::to_string(total) + " elements to " + std::to_string(checked_size(a, out)),
           "correct the model or its input sizes");
  return out;
}

dims_t broadcast(const arguments& a, const dims_t& x, const dims_t& y) {
  dims_t r(std::max(x.size(), y.size()));
  for (std::size_t i = 0; i < r.size(); ++i) {
    const std::int64_t dx = i + x.size() < r.size() ? 1 : x[i + x.size() - r.size()];
    const std::int64_t dy = i + y.size() < r.size() ? 1 : y[i + y.size() - r.size()];
    if (dx != dy && dx != 1 && dy != 1) a.fail("inputs of sizes " + std::to_string(dx) + " and " + std::to_string(dy) + " do not broadcast",
                                               "correct the model or its input sizes");
    r[i] = dx == 1 ? dy : dx;
  }
  return r;
}

cut slice_range(std::int64_t size, std::int64_t begin, std::int64_t end, std::int64_t step) {
  if (size <= 0) return {0, 1, 0};
  if (begin < 0) begin = begin < -size ? 0 : begin + size;
  if (end < 0) end = end < -size ? -1 : end + size;
  if (step > 0) {
    begin = std::clamp<std::int64_t>(begin, 0, size);
    end = std::clamp<std::int64_t>(end, 0, size);
    return {begin, step, end > begin ? (end - begin - 1) / step + 1 : 0};
  }
  begin = std::clamp<std::int64_t>(begin, 0, size - 1);
  end = std::clamp<std::int64_t>(end, -1, size - 1);
  const std::int64_t back = step == INT64_MIN ? INT64_MAX : -step;
  return {begin, -back, begin > end ? (begin - end - 1) / back + 1 : 0};
}

constant remap(const constant& in, const dims_t& out, const std::function<std::int64_t(const dims_t&)>& place) {
  constant c;
  c.type = in.type;
  c.dims = out;
  const auto width = static_cast<std::size_t>(element_bytes(in.type));
  const std::int64_t n = c.size();
  c.data.resize(static_cast<std::size_t>(n) * width);
  dims_t at(out.size(), 0);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t from = place(at);
    std::memcpy(c.data.data() + static_cast<std::size_t>(i) * width, in.data.data() + static_cast<std::size_t>(from) * width, width);
    for (std::size_t d = out.size(); d-- > 0;) {
      if (++at[d] < out[d]) break;
      at[d] = 0;
    }
  }
  return c;
}

}  // namespace qnnx::inline QNNX_ABI::onnx
