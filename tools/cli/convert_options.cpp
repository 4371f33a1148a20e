// SPDX-License-Identifier: Apache-2.0
#include "cli/convert_options.hpp"

#include <cstdio>
#include <cstdlib>

namespace qnnx::cli {

command converter_options(const char* program, source_format source, output_format output) {
  command c(program, output == output_format::cpp ? "Converts a model to <name>.cpp, <name>.bin and <name>_net.json."
                                                  : "Converts a model to a DLC.");
  const bool onnx = source != source_format::tflite;
  const bool tflite = source != source_format::onnx;
  c.value("-i, --input_network", "FILE", "the model to convert").required();
  c.value("-o, --output_path", "FILE", "where to write; default: beside the input, with its name");
  c.values("-d, --input_dim, --desired_input_shape", arity::two, "NAME DIMS", "sizes of an input, as 1,3,224,224").repeatable();
  c.value("--out_node, --out_name, --out_tensor_node, --out_tensor_name", "NAME", "end the graph at this tensor").repeatable();
  if (onnx) {
    c.value("-b, --batch, --onnx_batch", "N", "dimension 0 of every input");
    c.values("-s, --define_symbol, --onnx_define_symbol", arity::two, "NAME VALUE", "value of a symbolic dimension").repeatable();
    c.flag("-n, --no_simplification, --onnx_no_simplification", "keep float arithmetic on constants in the graph");
    c.values("--preserve_io", arity::any, "[layout|datatype]", "inputs and outputs keep the model's axis order, or stay float when the model is quantized; bare: both");
    c.values("--dry_run", arity::optional_one, "[info|debug]", "import, list the ops, write nothing").choices({"info", "debug"});
    c.refused("--dump_custom_io_config_template", "custom I/O is not done; inputs and outputs are described by <name>_net.json");
  }
  if (tflite) {
    c.value("-sn, --signature_name, --tflite_signature_name", "NAME", "the signature to convert; default: the first subgraph");
    c.refused("--dump_relay", "there is no Relay stage here");
    c.refused("--show_unconsumed_nodes", "every node that an output needs is converted or refused by name");
  }
  c.value("--copyright_file", "FILE", "text for the head of the generated file");
  c.flag("--disable_batchnorm_folding", "keep batch normalisation as nodes");
  c.flag("--disable_relu_squashing", "keep the encoding before a Relu: the Relu stays a node");
  c.value("--float_bitwidth, --float_bw", "BITS", "width of what stays float").choices({"32", "16"}).standard("32");
  c.value("--input_list", "FILE", "calibrate with these inputs (float32 files in the layout of the graph's inputs) and quantize; without it the quantizer's options do nothing")
      .excludes("list or fallback");
  c.flag("--use_native_input_files", "the files of --input_list hold the inputs' own type");
  c.value("--quantization_overrides", "JSON", "encodings that win over calibration").excludes("overrides");
  c.flag("--ignore_encodings, --ignore_quantization_overrides", "forget the encodings of the source model").excludes("overrides");
  c.flag("--float_fallback, --enable_float_fallback", "quantize what has encodings, leave the rest float").excludes("list or fallback");
  c.value("--act_bitwidth, --act_bw", "BITS", "bits of activations").choices({"8", "16"}).standard("8");
  c.value("--weights_bitwidth, --weight_bw", "BITS", "bits of weights").choices({"4", "8", "16"}).standard("8");
  c.value("--bias_bitwidth, --bias_bw", "BITS", "bits of biases; 8 costs accuracy").choices({"8", "32"}).standard("32");
  c.value("--act_quantizer_calibration", "METHOD", "how activation ranges are found").choices({"min-max", "sqnr", "mse", "percentile", "entropy"}).standard("min-max");
  c.value("--param_quantizer_calibration", "METHOD", "how weight ranges are found").choices({"min-max", "sqnr", "mse", "percentile", "entropy"}).standard("min-max");
  c.value("--act_quantizer_schema", "SCHEMA", "encoding of activations").choices({"asymmetric", "symmetric", "unsignedsymmetric"}).standard("asymmetric");
  c.value("--param_quantizer_schema", "SCHEMA", "encoding of weights").choices({"asymmetric", "symmetric", "unsignedsymmetric"}).standard("asymmetric");
  c.value("--percentile_calibration_value", "PERCENT", "90 to 100").standard("99.99");
  c.value("--act_quantizer", "NAME", "older name of calibration and schema together").choices({"tf", "enhanced", "adjusted", "symmetric"});
  c.value("--param_quantizer", "NAME", "the same for weights").choices({"tf", "enhanced", "adjusted", "symmetric"});
  c.values("--use_per_channel_quantization", arity::optional_one, "[true|false]", "one scale per output channel of convolution weights; default: true, but false where a weight schema is given").choices({"true", "false"});
  c.values("--use_per_row_quantization", arity::optional_one, "[true|false]", "one scale per row of FullyConnected and MatMul weights; default: as for channels").choices({"true", "false"});
  c.values("--algorithms, --apply_algorithms", arity::one_or_more, "NAME", "cle: cross-layer equalization before calibration. Ours: bc, bias correction; gptq, rounding of weights with error feedback; none. Default: bc gptq (gptq alone with 8-bit biases)")
      .choices({"cle", "bc", "gptq", "none"});
  c.values("--pack_4_bit_weights", arity::optional_one, "[true|false]", "two 4-bit weights to a byte").choices({"true", "false"});
  c.value("--restrict_quantization_steps", "\"MIN MAX\"", "steps of symmetric weights, hexadecimal, as \"-0x80 0x7F\"");
  c.value("--dump_encoding_json", "FILE", "write all encodings of the quantized model");
  c.refused("-t, --input_type", "inputs are raw tensors; there is nothing to choose");
  c.refused("--input_dtype, --source_model_input_datatype", "the model's own input types are used");
  c.refused("-e, --input_encoding, --desired_input_color_encoding", "colour conversion is not done; convert the images before");
  c.refused("-l, --input_layout, --source_model_input_layout", "the layout follows from the source format; see --preserve_io");
  c.refused("--custom_io", "custom I/O is not done; see --preserve_io");
  c.refused("--io_config", "custom I/O is not done; see --preserve_io");
  c.refused("--dump_io_config_template", "custom I/O is not done; see --preserve_io");
  c.refused("--expand_lstm_op_structure", "recurrent ops are not done");
  c.refused("--keep_disconnected_nodes", "nodes that no output needs are dropped");
  c.refused("--keep_quant_nodes", "Q/DQ pairs become encodings");
  c.refused("--debug", "there is no debug log; errors name file, node and remedy");
  c.refused("--float_bias_bitwidth, --float_bias_bw", "biases follow --float_bitwidth");
  c.refused("--overwrite_model_prefix", "libraries export fixed names; model-lib-generator -l names them apart");
  c.refused("--exclude_named_tensors", "tensors keep their names");
  c.refused("-opl, --op_package_lib", "op packages are C++ headers here: docs/guide/add_an_op.md");
  c.refused("-cpl, --converter_op_package_lib", "op packages are C++ headers here: docs/guide/add_an_op.md");
  c.refused("-p, --package_name", "nodes carry their op's type name only");
  c.refused("-opc, --op_package_config", "op packages are C++ headers here: docs/guide/add_an_op.md");
  c.refused("--arch_checker", "the architecture checker is not done");
  c.refused("--use_dynamic_16_bit_weights", "16-bit weights of a MatMul with two inputs are not done");
  c.refused("--keep_weights_quantized", "weights of float ops stay float");
  c.refused("--use_native_dtype", "use --use_native_input_files");
  c.refused("--use_native_output_files", "that is an option of qnnx-net-run");
  if (output == output_format::dlc) {
    c.refused("--model_version", "the DLC carries the converter's version only");
    c.refused("--export_format", "a DLC is written with all its encodings");
  }
  return c;
}

bool switched_on(const command& c, const char* name) {
  if (!c.given(name)) return false;
  const auto& last = c.uses(name).back();
  return last.empty() || last[0] != "false";
}

shape parse_dims(const std::string& text, const std::string& option) {
  shape s;
  for (const std::string& part : split(text, ',')) {
    char* end = nullptr;
    const long d = std::strtol(part.c_str(), &end, 10);
    if (*end != 0 || d < 1 || d > INT32_MAX || s.rank() == max_rank)
      throw usage_error(option + ": got '" + text + "', expected up to 6 sizes as 1,3,224,224");
    s.push_back(static_cast<std::int32_t>(d));
  }
  if (s.rank() == 0) throw usage_error(option + ": got '" + text + "', expected sizes as 1,3,224,224");
  return s;
}

namespace {

calibration method_of(const command& c, const char* option) {
  const std::string name = c.text(option);
  if (name == "sqnr") return calibration::sqnr;
  if (name == "mse") return calibration::mse;
  if (name == "percentile") return calibration::percentile;
  if (name == "entropy") throw usage_error(std::string(option) + " entropy is not done; take sqnr, mse, percentile or min-max");
  return calibration::min_max;
}
schema schema_of_name(const std::string& name) {
  if (name == "symmetric") return schema::signed_symmetric;
  if (name == "unsignedsymmetric") return schema::unsigned_symmetric;
  return schema::unsigned_asymmetric;
}
void apply_old_name(const command& c, const char* option, calibration& method, schema& s) {
  if (!c.given(option)) return;
  const std::string name = c.text(option);
  if (name == "adjusted") std::fprintf(stderr, "%s adjusted is deprecated and taken as min-max\n", option);
  method = name == "enhanced" ? calibration::sqnr : calibration::min_max;
  s = name == "symmetric" ? schema::signed_symmetric : schema::unsigned_asymmetric;
}

}  // namespace

quantize_options quantizer_options(const command& c) {
  quantize_options q;
  q.act_bitwidth = static_cast<int>(c.integer("--act_bitwidth", 8, 16));
  q.weights_bitwidth = static_cast<int>(c.integer("--weights_bitwidth", 4, 16));
  q.bias_bitwidth = static_cast<int>(c.integer("--bias_bitwidth", 8, 32));
  apply_old_name(c, "--act_quantizer", q.act_calibration, q.act_schema);
  apply_old_name(c, "--param_quantizer", q.param_calibration, q.param_schema);
  if (!c.given("--act_quantizer") || c.given("--act_quantizer_calibration")) q.act_calibration = method_of(c, "--act_quantizer_calibration");
  if (!c.given("--param_quantizer") || c.given("--param_quantizer_calibration")) q.param_calibration = method_of(c, "--param_quantizer_calibration");
  if (!c.given("--act_quantizer") || c.given("--act_quantizer_schema")) q.act_schema = schema_of_name(c.text("--act_quantizer_schema"));
  if (!c.given("--param_quantizer") || c.given("--param_quantizer_schema")) q.param_schema = schema_of_name(c.text("--param_quantizer_schema"));
  q.percentile = c.number("--percentile_calibration_value", 90, 100);
  const bool schema_asked = c.given("--param_quantizer") || c.given("--param_quantizer_schema");
  const auto split = [&](const char* name) { return c.given(name) ? switched_on(c, name) : !schema_asked; };
  q.per_channel = split("--use_per_channel_quantization");
  q.per_row = split("--use_per_row_quantization");
  q.pack_4_bit_weights = !c.given("--pack_4_bit_weights") || switched_on(c, "--pack_4_bit_weights");
  q.ignore_encodings = c.given("--ignore_encodings");
  q.float_fallback = c.given("--float_fallback");
  if (c.given("--restrict_quantization_steps")) {
    const std::string text = c.text("--restrict_quantization_steps");
    char* end = nullptr;
    const long low = std::strtol(text.c_str(), &end, 16);
    while (*end == ' ' || *end == ',') ++end;
    char* last = nullptr;
    const long high = std::strtol(end, &last, 16);
    if (last == end || *last != 0 || low >= 0 || high <= 0)
      throw usage_error("--restrict_quantization_steps: got '" + text + "', expected two hexadecimal steps as \"-0x80 0x7F\"");
    q.restricted_steps = {low, high};
  }
  return q;
}

algorithms chosen_algorithms(const command& c) {
  algorithms a;
  const bool narrow = c.text("--bias_bitwidth") == "8";
  if (!c.given("--algorithms")) return {.cle = false, .bias = !narrow, .rounding = true};
  bool none = false;
  int count = 0;
  for (const auto& use : c.uses("--algorithms"))
    for (const std::string& name : use) {
      ++count;
      a.cle = a.cle || name == "cle";
      a.bias = a.bias || name == "bc";
      a.rounding = a.rounding || name == "gptq";
      none = none || name == "none";
    }
  if (none && count > 1) throw usage_error("--algorithms: got none with others, expected none alone");
  if (a.bias && narrow) throw usage_error("--algorithms bc makes 32-bit biases; leave out --bias_bitwidth 8");
  if (a.cle && c.given("--quantization_overrides"))
    throw usage_error("--algorithms cle moves the ranges that --quantization_overrides fixes; give one of them");
  return a;
}

}  // namespace qnnx::cli
