// SPDX-License-Identifier: Apache-2.0
// Spelling of values, parameter fields, input lists, float files, the option table.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "cli/options.hpp"
#include "drivers/folder.hpp"
#include "qnnx/io/file.hpp"
#include "qnnx/io/input_list.hpp"
#include "qnnx/io/param_fields.hpp"
#include "qnnx/io/real_values.hpp"
#include "qnnx/io/text.hpp"
#include "qnnx/op/ops.hpp"

using namespace qnnx;

TEST_CASE("floats read back to the same bits, through float and through double") {
  std::uint32_t bits = 12345;
  for (int i = 0; i < 20000; ++i) {
    bits = bits * 1664525u + 1013904223u;
    const float x = std::bit_cast<float>(bits);
    if (!std::isfinite(x)) continue;
    const std::string s = float_text(x);
    float back = 0;
    REQUIRE(parse_float(s, back));
    CHECK(std::bit_cast<std::uint32_t>(back) == bits);
    CHECK(std::bit_cast<std::uint32_t>(static_cast<float>(std::strtod(s.c_str(), nullptr))) == bits);
  }
  CHECK(float_literal(1.0f) == "1.0f");
  CHECK(float_literal(0.1f) == "0.1f");
  CHECK(float_json(std::numeric_limits<float>::infinity()) == "\"inf\"");
}

namespace {
/// A function for each op: one test case with all their checks took the compiler four minutes.
template <class Op>
void check_fields(const char* name) {
  INFO(name);
  const words standard = default_params(info<Op>);
  CHECK(cpp_name(info<Op>) == std::string("qnnx::op::") + name);
  const auto fields = param_fields(info<Op>, standard);
  CHECK(fields.size() == boost::pfr::tuple_size_v<typename Op::params>);
  for (const param_field& f : fields) {
    CHECK(!f.name.empty());
    CHECK(clean_name(f.name) == f.name);
    CHECK(f.is_default);
    CHECK((f.form != field_form::symbol || f.type.starts_with("qnnx::")));
  }
  CHECK(param_words(info<Op>, fields) == standard);
}
}  // namespace

TEST_CASE("every parameter of every op has a name and survives the way through its fields") {
  int ops = 0;
#define QNNX_OP(TYPE, HEADER, FAMILY) \
  check_fields<op::TYPE>(#TYPE);      \
  ++ops;
#include "qnnx/op/ops.inc"
#undef QNNX_OP
  CHECK(ops > 0);
  const op::conv2d::params p{.stride = {2, 3}, .group = 4};
  const auto fields = param_fields(info<op::conv2d>, to_words(p));
  CHECK(param_initializer(fields) == "{.stride = {2, 3}, .group = 4}");
  CHECK(param_words(info<op::conv2d>, fields) == to_words(p));
}

TEST_CASE("reals: nearest even, saturation, offsets, NaN") {
  const tensor_desc t{.name = "t", .kind = tensor_kind::app_write, .type = dtype::ufixed_8, .dims = {7}, .enc = scale_offset(0.5f, -10)};
  quant q;
  q.scale = 0.5f;
  q.offset = -10;
  const float in[] = {0.0f, 0.25f, 0.75f, -5.0f, -100.0f, 1e30f, std::numeric_limits<float>::quiet_NaN()};
  std::byte out[7];
  store_reals(t, q, in, out);
  const int expected[] = {10, 10, 12, 0, 0, 255, 10};
  for (int i = 0; i < 7; ++i) CHECK(static_cast<int>(out[i]) == expected[i]);
  const auto back = load_reals(t, q, out);
  CHECK(back[2] == 1.0f);
  CHECK(back[5] == 122.5f);
}

TEST_CASE("input lists: names, outputs, faults with their line") {
  const cli::temporary_folder folder(temporary_root());
  const std::string path = folder.file("list.txt");
  write_text(path, "#layer_a layer_b\n%t0 t1\nb:=two.raw a:=one.raw\n\none.raw two.raw\nc:=x.raw a:=y.raw\none.raw\n");
  const input_list list = read_input_list(path);
  CHECK(list.output_layers == std::vector<std::string>{"layer_a", "layer_b"});
  CHECK(list.output_tensors == std::vector<std::string>{"t0", "t1"});
  REQUIRE(list.lines.size() == 4);
  CHECK(files_for(list, list.lines[0], {"a", "b"}) == std::vector<std::string>{"one.raw", "two.raw"});
  CHECK(files_for(list, list.lines[1], {"a", "b"}) == std::vector<std::string>{"one.raw", "two.raw"});
  CHECK(error_of([&] { files_for(list, list.lines[2], {"a", "b"}); }).find("line 6: the model has no input 'c'") != std::string::npos);
  CHECK(error_of([&] { files_for(list, list.lines[3], {"a", "b"}); }).find("line 7: got 1 files, expected 2") != std::string::npos);
  CHECK(one_line(error_of([&] { read_input_list(folder.file("none.txt")); })));
}

namespace {
cli::command sample_command() {
  cli::command c("prog", "A test.");
  c.value("-i, --input_network", "PATH", "in").required();
  c.values("-d, --input_dim", cli::arity::two, "NAME DIMS", "dims").repeatable();
  c.flag("--debug", "all").excludes("outputs");
  c.value("--set_output_tensors", "SPEC", "some").excludes("outputs");
  c.value("--set_output_layers", "SPEC", "some");
  c.value("--act_bitwidth", "N", "bits").choices({"8", "16"}).standard("8");
  c.value("--offset", "N", "a number").standard("0");
  c.refused("--custom_io", "not done");
  return c;
}
std::string parse_error(std::vector<const char*> arguments) {
  cli::command c = sample_command();
  arguments.insert(arguments.begin(), "prog");
  return error_of([&] { c.parse(static_cast<int>(arguments.size()), arguments.data()); });
}
}  // namespace

TEST_CASE("option table: prefixes, values, groups, choices, refusals") {
  CHECK(parse_error({"-i", "a"}).empty());
  CHECK(parse_error({"--input_n=a", "--deb"}).empty());
  CHECK(parse_error({"--input_network", "a", "--offset", "-3"}).empty());
  CHECK(parse_error({}) == "option --input_network is required");
  CHECK(parse_error({"-i", "a", "--debugger"}) == "unknown option --debugger (--help lists the options)");
  CHECK(parse_error({"-i", "a", "--set_output", "t"}) == "option --set_output could be --set_output_tensors, --set_output_layers");
  CHECK(parse_error({"-i", "a", "--debug", "--set_output_tensors", "t"}) == "options --debug and --set_output_tensors exclude each other");
  CHECK(parse_error({"-i", "a", "--act_bitwidth", "7"}) == "option --act_bitwidth: got '7', expected one of 8, 16");
  CHECK(parse_error({"-i", "a", "--custom_io", "x.yaml"}) == "option --custom_io is not supported: not done");
  CHECK(parse_error({"-i", "a", "stray"}) == "got 'stray', expected an option");
  CHECK(parse_error({"-i", "a", "-i", "b"}) == "option -i is given twice");
  CHECK(parse_error({"-i", "a", "-d", "x"}) == "option -d: got 1 values, expected 2 (NAME DIMS)");
  cli::command c = sample_command();
  const char* const argv[] = {"prog", "-i", "m.onnx", "-d", "a", "1,2", "-d", "b", "3"};
  REQUIRE(c.parse(9, argv));
  CHECK(c.uses("--input_dim").size() == 2);
  CHECK(c.text("--act_bitwidth") == "8");
  CHECK(c.summary() == "input_dim=a 1,2; input_dim=b 3; input_network=m.onnx;");
  CHECK(c.help().find("--custom_io") != std::string::npos);
}
