// SPDX-License-Identifier: Apache-2.0
#include "qnnx/io/param_fields.hpp"

#include <boost/pfr/core.hpp>

#include "qnnx/io/text.hpp"
#include "qnnx/op/ops.hpp"

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wundefined-var-template"  // `params_object` is never read: only its members' names are
#endif

namespace qnnx::inline QNNX_ABI {

namespace detail {
// The name of field I: the compiler spells a pointer to the member of an object that is only declared.
template <class T>
struct params_holder {
  const T value;
};
template <class T>
extern const params_holder<T> params_object;
}  // namespace detail

namespace {

template <class Pointer>
struct wrapped {
  Pointer value;
};
template <class Pointer>
wrapped(Pointer) -> wrapped<Pointer>;

template <class Owner, auto Member>
constexpr std::string_view spelled_member() {
  return __PRETTY_FUNCTION__;
}
template <auto Value>
constexpr std::string_view spelled_value() {
  return __PRETTY_FUNCTION__;
}
constexpr bool word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
/// g++: "...; auto Member = wrapped<...>{(& params_object<P>....P::stride)}; ...", clang: "Member = {&params_object.value.stride}]".
template <class Params, std::size_t I>
consteval std::string_view field_name() {  // consteval: g++ 12 warns about the search in generated code
  std::string_view s = spelled_member<Params, wrapped{&boost::pfr::get<I>(detail::params_object<Params>.value)}>();
  s.remove_prefix(s.find("Member = "));
  std::size_t end = s.find("params_object");
  while (s[end] != '}') ++end;
  if (s[end - 1] == ')') --end;
  std::size_t begin = end;
  while (begin > 0 && word_character(s[begin - 1])) --begin;
  return s.substr(begin, end - begin);
}

/// "qnnx::op::neuron::elu" without the inline namespace, or empty for a value that has no enumerator.
template <auto Value>
std::string enumerator() {
  std::string_view s = spelled_value<Value>();
  s.remove_prefix(s.find("Value = ") + 8);
  s = s.substr(0, s.find_first_of(";]"));
  if (s.empty() || s[0] == '(') return {};
  std::string text(s);
  constexpr std::string_view first = "qnnx::v1_";
  if (text.starts_with(first)) text.erase(6, text.find("::", 6) + 2 - 6);
  return text;
}
template <class E>
const std::vector<std::string>& enumerators() {
  static const std::vector<std::string> all = []<std::size_t... I>(std::index_sequence<I...>) {
    return std::vector<std::string>{enumerator<static_cast<E>(I)>()...};
  }(std::make_index_sequence<64>{});
  return all;
}
[[maybe_unused]] std::string last_word(const std::string& s) { return s.substr(s.rfind(':') + 1); }

template <class V>
void add_value(param_field& f, V v) {
  if constexpr (std::is_same_v<V, float>) {
    f.form = field_form::real;
    f.real.push_back(v);
  } else if constexpr (std::is_enum_v<V>) {
    f.form = field_form::symbol;
    const auto n = static_cast<std::int64_t>(static_cast<std::underlying_type_t<V>>(v));
    const auto& names = enumerators<V>();
    for (const std::string& s : names)
      if (!s.empty()) f.type = s.substr(0, s.rfind("::"));
    f.whole.push_back(n);
    f.symbols.push_back(n >= 0 && n < static_cast<std::int64_t>(names.size()) ? last_word(names[static_cast<std::size_t>(n)]) : "");
  } else {
    f.form = std::is_same_v<V, bool> ? field_form::boolean : std::is_signed_v<V> ? field_form::integer : field_form::natural;
    f.whole.push_back(static_cast<std::int64_t>(v));
  }
}
/// The form of a field must be known for an empty list too.
template <class F>
param_field read_field(const F& value) {
  param_field f;
  if constexpr (detail::is_std_array<F>) {
    f.list = true;
    for (const auto& v : value) add_value(f, v);
  } else if constexpr (detail::is_number_list<F>) {
    f.list = f.open = true;
    for (int i = 0; i < value.size() && i < F::capacity(); ++i) add_value(f, value[i]);
  } else {
    add_value(f, value);
  }
  return f;
}

template <class V>
void take_value(const param_field& f, std::size_t i, V& v, const char* op) {
  const auto refuse = [&](const std::string& what) {
    throw error(std::string(op) + ": parameter " + f.name + ": " + what);
  };
  if constexpr (std::is_same_v<V, float>) {
    if (f.form == field_form::real) v = f.real[i];
    else v = static_cast<float>(f.whole[i]);
  } else if constexpr (std::is_enum_v<V>) {
    if (f.form == field_form::symbol && i < f.symbols.size() && !f.symbols[i].empty()) {
      const auto& names = enumerators<V>();
      for (std::size_t k = 0; k < names.size(); ++k)
        if (!names[k].empty() && last_word(names[k]) == f.symbols[i]) {
          v = static_cast<V>(k);
          return;
        }
      refuse("'" + f.symbols[i] + "' is not one of its values");
    }
    if (f.form == field_form::real || f.whole[i] < 0 || f.whole[i] > 0x7fffffff) refuse("not a value of the enumeration");
    v = static_cast<V>(f.whole[i]);
  } else {
    if (f.form == field_form::real) refuse("got a real number, expected an integer");
    const std::int64_t n = f.whole[i];
    v = static_cast<V>(n);
    if (static_cast<std::int64_t>(v) != n) refuse(std::to_string(n) + " does not fit");
  }
}
template <class F>
void take_field(const param_field& f, F& value, const char* op) {
  const auto expect = [&](bool fits, std::size_t n) {
    if (!fits)
      throw error(std::string(op) + ": parameter " + f.name + ": got " + std::to_string(f.size()) + " values, expected " + std::to_string(n));
  };
  if constexpr (detail::is_std_array<F>) {
    expect(f.size() == value.size(), value.size());
    for (std::size_t i = 0; i < value.size(); ++i) take_value(f, i, value[i], op);
  } else if constexpr (detail::is_number_list<F>) {
    expect(f.size() <= static_cast<std::size_t>(F::capacity()), static_cast<std::size_t>(F::capacity()));
    value = F{};
    for (std::size_t i = 0; i < f.size(); ++i) {
      std::int32_t v = 0;
      take_value(f, i, v, op);
      value.push_back(v);
    }
  } else {
    expect(f.size() == 1, 1);
    take_value(f, 0, value, op);
  }
}

template <class Params, class F>
void with_names(Params& p, F&& f) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (f(field_name<std::remove_const_t<Params>, I>(), boost::pfr::get<I>(p)), ...);
  }(std::make_index_sequence<boost::pfr::tuple_size_v<std::remove_const_t<Params>>>{});
}

template <class Params>
std::vector<param_field> fields_of(const words& w) {
  const auto p = from_words<Params>(w);
  const Params defaults{};
  std::vector<param_field> fields;
  with_names(p, [&](std::string_view name, const auto& value) {
    fields.push_back(read_field(value));
    fields.back().name = name;
  });
  std::size_t k = 0;
  with_names(defaults, [&](std::string_view, const auto& value) {
    const param_field d = read_field(value);
    fields[k].is_default = d.whole == fields[k].whole && d.real == fields[k].real;
    ++k;
  });
  return fields;
}
template <class Params>
words words_of(std::span<const param_field> fields, const char* op) {
  Params p{};
  for (const param_field& f : fields) {
    bool found = false;
    with_names(p, [&](std::string_view name, auto& value) {
      if (name != f.name) return;
      found = true;
      take_field(f, value, op);
    });
    if (!found) throw error(std::string(op) + ": has no parameter '" + f.name + "'");
  }
  return to_words(p);
}
template <class Params>
words default_words() {
  return to_words(Params{});
}

struct op_access {
  std::string_view name;
  std::string_view type;
  std::vector<param_field> (*fields)(const words&);
  words (*from_fields)(std::span<const param_field>, const char*);
  words (*defaults)();
};
const op_access& access_to(const op_info& op) {
  static constexpr op_access table[] = {
#define QNNX_OP(TYPE, HEADER, FAMILY)                                                            \
  {op::TYPE::name, "qnnx::op::" #TYPE, &fields_of<op::TYPE::params>, &words_of<op::TYPE::params>, \
   &default_words<op::TYPE::params>},
#include "qnnx/op/ops.inc"
#undef QNNX_OP
  };
  for (const op_access& a : table)
    if (a.name == op.name) return a;
  throw error("op '" + std::string(op.name) + "' is not in ops.inc: it cannot be written to a file");
}

}  // namespace

std::string_view cpp_name(const op_info& op) { return access_to(op).type; }
words default_params(const op_info& op) { return access_to(op).defaults(); }
std::vector<param_field> param_fields(const op_info& op, const words& params) { return access_to(op).fields(params); }
words param_words(const op_info& op, std::span<const param_field> fields) {
  return access_to(op).from_fields(fields, std::string(op.name).c_str());
}

std::string param_initializer(std::span<const param_field> fields) {
  std::string s = "{";
  for (const param_field& f : fields) {
    if (f.is_default) continue;
    if (s.size() > 1) s += ", ";
    s += "." + f.name + " = ";
    if (f.list) s += "{";
    for (std::size_t i = 0; i < f.size(); ++i) {
      if (i) s += ", ";
      switch (f.form) {
        case field_form::boolean: s += f.whole[i] ? "true" : "false"; break;
        case field_form::integer: s += std::to_string(f.whole[i]); break;
        case field_form::natural: s += std::to_string(f.whole[i]) + (f.whole[i] > 0x7fffffff ? "u" : ""); break;
        case field_form::real: s += float_literal(f.real[i]); break;
        case field_form::symbol:
          s += f.symbols[i].empty() ? "static_cast<" + f.type + ">(" + std::to_string(f.whole[i]) + ")" : f.type + "::" + f.symbols[i];
          break;
      }
    }
    if (f.list) s += "}";
  }
  return s + "}";
}

std::string field_json(const param_field& f) {
  std::string s = f.list ? "[" : "";
  for (std::size_t i = 0; i < f.size(); ++i) {
    if (i) s += ",";
    switch (f.form) {
      case field_form::boolean: s += f.whole[i] ? "true" : "false"; break;
      case field_form::integer:
      case field_form::natural: s += std::to_string(f.whole[i]); break;
      case field_form::real: s += float_json(f.real[i]); break;
      case field_form::symbol: s += f.symbols[i].empty() ? std::to_string(f.whole[i]) : json_string(f.symbols[i]); break;
    }
  }
  return f.list ? s + "]" : s;
}

}  // namespace qnnx::inline QNNX_ABI
