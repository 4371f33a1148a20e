// SPDX-License-Identifier: Apache-2.0
#include "cli/options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "qnnx/version.hpp"

namespace qnnx::cli {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    std::string_view part = text.substr(0, end);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

namespace {

struct limits {
  std::size_t least;
  std::size_t most;
};
limits limits_of(arity a) {
  switch (a) {
    case arity::none: return {0, 0};
    case arity::one: return {1, 1};
    case arity::two: return {2, 2};
    case arity::two_or_three: return {2, 3};
    case arity::optional_one: return {0, 1};
    case arity::one_or_more: return {1, 1 << 20};
    case arity::any: return {0, 1 << 20};
  }
  return {0, 0};
}

/// "-3" and "-0.5" are values, "-3x" and "--name" are options.
bool looks_like_option(const std::string& s) {
  if (s.size() < 2 || s[0] != '-') return false;
  char* end = nullptr;
  std::strtod(s.c_str(), &end);
  return *end != '\0';
}

std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = indent;
  for (const std::string& word : split(text, ' ')) {
    if (column + word.size() + 1 > width && column > indent) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

}  // namespace

command::command(std::string program, std::string purpose) : program_(std::move(program)), purpose_(std::move(purpose)) {
  flag("-h, --help", "Print this text.");
  flag("--version", "Print the version.");
}

option& command::add(const std::string& names, arity n, const std::string& value, const std::string& help) {
  option o;
  o.names_ = split(names, ',');
  o.arity_ = n;
  o.value_ = value;
  o.help_ = help;
  options_.push_back(std::move(o));
  return options_.back();
}

void command::refused(const std::string& names, const std::string& reason) {
  add(names, arity::any, "", "").refused_ = reason;
}

const option& command::find(std::string_view name) const {
  for (const option& o : options_)
    if (std::find(o.names_.begin(), o.names_.end(), name) != o.names_.end()) return o;
  throw error(program_ + ": option " + std::string(name) + " is not in the table");
}

option& command::match(const std::string& name) {
  option* found = nullptr;
  std::string candidates;
  for (option& o : options_) {
    bool fits = false;
    for (const std::string& n : o.names_) {
      if (n == name) return o;
      if (name.size() > 2 && name.starts_with("--") && n.starts_with(name)) {
        if (!fits) candidates += (candidates.empty() ? "" : ", ") + n;
        fits = true;
      }
    }
    if (!fits) continue;
    if (found) found = &options_.front();  // ambiguous: told below
    else found = &o;
  }
  if (!found) throw usage_error("unknown option " + name + " (--help lists the options)");
  if (candidates.find(',') != std::string::npos) throw usage_error("option " + name + " could be " + candidates);
  return *found;
}

bool command::parse(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i];
    if (name.size() < 2 || name[0] != '-') throw usage_error("got '" + name + "', expected an option");
    std::vector<std::string> values;
    const std::size_t equals = name.starts_with("--") ? name.find('=') : std::string::npos;
    const bool joined = equals != std::string::npos;
    if (joined) {
      values.push_back(name.substr(equals + 1));
      name.resize(equals);
    }
    option& o = match(name);
    if (!o.refused_.empty()) throw usage_error("option " + o.names_.back() + " is not supported: " + o.refused_);
    const limits n = limits_of(o.arity_);
    if (joined && n.most == 0) throw usage_error("option " + name + " takes no value");
    while (!joined && values.size() < n.most && i + 1 < argc) {
      const std::string next = argv[i + 1];
      if (values.size() >= n.least ? looks_like_option(next) : next.size() > 2 && next.starts_with("--")) break;
      values.push_back(next);
      ++i;
    }
    if (values.size() < n.least)
      throw usage_error("option " + name + ": got " + std::to_string(values.size()) + " values, expected " + std::to_string(n.least) + " (" + o.value_ + ")");
    if (!o.choices_.empty())
      for (const std::string& v : values)
        if (std::find(o.choices_.begin(), o.choices_.end(), v) == o.choices_.end()) {
          std::string all;
          for (const std::string& c : o.choices_) all += (all.empty() ? "" : ", ") + c;
          throw usage_error("option " + name + ": got '" + v + "', expected one of " + all);
        }
    if (!o.given_.empty() && !o.repeatable_) throw usage_error("option " + name + " is given twice");
    o.given_.push_back(std::move(values));
  }
  if (given("--help")) {
    std::fputs(help().c_str(), stdout);
    return false;
  }
  if (given("--version")) {
    std::printf("%s (qnnx %s)\n", program_.c_str(), version_text);
    return false;
  }
  for (const option& a : options_) {
    if (a.required_ && a.given_.empty()) throw usage_error("option " + a.names_.back() + " is required");
    if (a.given_.empty()) continue;
    if (!a.note_.empty()) std::fprintf(stderr, "%s: warning: %s: %s\n", program_.c_str(), a.names_.back().c_str(), a.note_.c_str());
    for (const option& b : options_) {
      if (&a == &b || b.given_.empty()) continue;
      for (const std::string& g : a.groups_)
        if (std::find(b.groups_.begin(), b.groups_.end(), g) != b.groups_.end())
          throw usage_error("options " + a.names_.back() + " and " + b.names_.back() + " exclude each other");
    }
  }
  return true;
}

std::string command::text(std::string_view name) const {
  const option& o = find(name);
  if (o.given_.empty() || o.given_.back().empty()) return o.default_;
  return o.given_.back().front();
}

long command::integer(std::string_view name, long low, long high) const {
  const std::string s = text(name);
  long v = 0;
  const auto r = std::from_chars(s.data(), s.data() + s.size(), v);
  if (r.ec != std::errc{} || r.ptr != s.data() + s.size() || v < low || v > high)
    throw usage_error("option " + std::string(name) + ": got '" + s + "', expected an integer from " + std::to_string(low) + " to " + std::to_string(high));
  return v;
}

double command::number(std::string_view name, double low, double high) const {
  const std::string s = text(name);
  char* end = nullptr;
  const double v = std::strtod(s.c_str(), &end);
  if (s.empty() || *end != '\0' || !(v >= low && v <= high)) {
    char range[80];
    std::snprintf(range, sizeof range, "%g to %g", low, high);
    throw usage_error("option " + std::string(name) + ": got '" + s + "', expected a number from " + range);
  }
  return v;
}

std::string command::summary() const {
  std::vector<std::string> parts;
  for (const option& o : options_)
    for (const auto& use : o.given_) {
      std::string s = o.names_.back().substr(o.names_.back().find_first_not_of('-'));
      for (std::size_t i = 0; i < use.size(); ++i) s += (i ? " " : "=") + use[i];
      parts.push_back(s);
    }
  std::sort(parts.begin(), parts.end());
  std::string s;
  for (const std::string& p : parts) s += p + "; ";
  if (!s.empty()) s.pop_back();
  return s;
}

std::string command::help() const {
  std::string s = "usage: " + program_ + " [options]\n\n" + wrapped(purpose_, 0, 110) + "\n\noptions:\n";
  std::string refused;
  for (const option& o : options_) {
    std::string names;
    for (const std::string& n : o.names_) names += (names.empty() ? "" : ", ") + n;
    if (!o.refused_.empty()) {
      refused += "  " + names + "\n      " + wrapped(o.refused_, 6, 110) + "\n";
      continue;
    }
    std::string text = o.help_;
    if (!text.empty() && text.back() != '.') text += '.';
    if (!o.choices_.empty()) {
      text += " One of:";
      for (const std::string& c : o.choices_) text += " " + c;
      text += ".";
    }
    if (!o.default_.empty()) text += " Default: " + o.default_ + ".";
    if (o.required_) text += " Required.";
    if (o.repeatable_) text += " May be repeated.";
    if (!o.note_.empty()) text += " Note: " + o.note_ + ".";
    s += "  " + names + (o.value_.empty() ? "" : " " + o.value_) + "\n      " + wrapped(text, 6, 110) + "\n";
  }
  if (!refused.empty()) s += "\noptions of the SDK's tool that are refused:\n" + refused;
  return s;
}

int guarded(const std::string& program, int usage_code, const std::function<int()>& body, const std::function<int()>& failed) {
  try {
    return body();
  } catch (const usage_error& e) {
    std::fprintf(stderr, "%s: error: %s\n", program.c_str(), e.what());
    return usage_code;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "%s: error: out of memory\n", program.c_str());
    return failed();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: error: %s\n", program.c_str(), e.what());
    return failed();
  }
}

}  // namespace qnnx::cli
