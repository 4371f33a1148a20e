// SPDX-License-Identifier: Apache-2.0
#pragma once
// The command line of every driver as a table: names, values, choices, defaults, exclusive groups, and the options of
// the SDK's tools that are not done, which are refused by name with a reason. A unique prefix of a long name is
// enough, as with argparse; values follow as `--name value` or `--name=value`. --help and the tables in
// docs/reference/drivers.md come from the same entries. Layer 8.

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "qnnx/runtime/error.hpp"

namespace qnnx::cli {

/// A command line that cannot be run; the driver prints one line and exits with its usage code.
struct usage_error : error {
  using error::error;
};

/// How many values an option takes.
enum class arity { none, one, two, two_or_three, optional_one, one_or_more, any };

class option {
 public:
  option& required() { return required_ = true, *this; }
  option& repeatable() { return repeatable_ = true, *this; }
  option& choices(std::vector<std::string> all) { return choices_ = std::move(all), *this; }
  option& standard(std::string value) { return default_ = std::move(value), *this; }
  /// At most one option of a group may be given.
  option& excludes(std::string group) { return groups_.push_back(std::move(group)), *this; }
  /// Accepted, but the text says what to use instead or that it changes nothing.
  option& note(std::string text) { return note_ = std::move(text), *this; }

 private:
  friend class command;
  std::vector<std::string> names_;
  arity arity_ = arity::none;
  std::string value_;
  std::string help_;
  bool required_ = false;
  bool repeatable_ = false;
  std::vector<std::string> choices_;
  std::string default_;
  std::vector<std::string> groups_;
  std::string note_;
  std::string refused_;
  std::vector<std::vector<std::string>> given_;  // one entry per use
};

class command {
 public:
  command(std::string program, std::string purpose);

  /// `names`: "-i, --input_network".
  option& flag(const std::string& names, const std::string& help) { return add(names, arity::none, "", help); }
  option& value(const std::string& names, const std::string& value, const std::string& help) {
    return add(names, arity::one, value, help);
  }
  option& values(const std::string& names, arity n, const std::string& value, const std::string& help) {
    return add(names, n, value, help);
  }
  /// An option of the SDK's tool that this one does not do. Using it ends with the reason.
  void refused(const std::string& names, const std::string& reason);

  /// Reads the command line. Prints --help or --version and returns false where that was asked for.
  bool parse(int argc, const char* const* argv);

  bool given(std::string_view name) const { return !find(name).given_.empty(); }
  /// The last value, or the default.
  std::string text(std::string_view name) const;
  /// Text that must be an integer in [low, high].
  long integer(std::string_view name, long low, long high) const;
  double number(std::string_view name, double low, double high) const;
  /// The values of every use.
  const std::vector<std::vector<std::string>>& uses(std::string_view name) const { return find(name).given_; }
  /// "--a=1; --b=x; ": what was given, sorted, for headers of generated files.
  std::string summary() const;
  const std::string& program() const { return program_; }
  std::string help() const;

 private:
  option& add(const std::string& names, arity n, const std::string& value, const std::string& help);
  const option& find(std::string_view name) const;
  option& match(const std::string& name);

  std::string program_;
  std::string purpose_;
  std::deque<option> options_;
};

/// "a,b,c" -> parts, empty ones left out.
std::vector<std::string> split(std::string_view text, char separator);

/// Runs a driver: usage errors print one line and give `usage_code`; other errors give the code of `failed`.
int guarded(const std::string& program, int usage_code, const std::function<int()>& body,
            const std::function<int()>& failed = [] { return 1; });

}  // namespace qnnx::cli
