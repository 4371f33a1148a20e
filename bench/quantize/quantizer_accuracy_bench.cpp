// SPDX-License-Identifier: Apache-2.0
// quantizer_accuracy_bench MODEL.tflite INPUT_LIST LABELS: accuracy of our own quantization of a float model. Every
// fifth line of the list calibrates, the others are scored; one table row per setting. Inputs are float32 files, as
// test/oracles/datasets.py writes them.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "frontend/tflite/tflite.hpp"
#include "qnnx/io/file.hpp"
#include "qnnx/runtime/interpreter.hpp"
#include "qnnx/runtime/passes/optimize.hpp"
#include "qnnx/runtime/quantize.hpp"

using namespace qnnx;

namespace {

struct data_set {
  std::vector<std::vector<std::byte>> images;
  std::vector<int> labels;
};

data_set read_set(const std::string& list, const std::string& labels) {
  data_set d;
  const std::string folder = list.substr(0, list.rfind('/') + 1);
  std::ifstream lines(list);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#' || line[0] == '%') continue;
    d.images.push_back(read_file(file_exists(line) ? line : folder + line));
  }
  std::ifstream numbers(labels);
  for (int n; numbers >> n;) d.labels.push_back(n);
  if (d.images.empty() || d.images.size() != d.labels.size())
    throw error(list + ": got " + std::to_string(d.images.size()) + " images and " + std::to_string(d.labels.size()) + " labels");
  return d;
}

bool calibrates(std::size_t k) { return k % 5 == 0; }

struct score {
  double top1 = 0;
  double sqnr = 0;
  double milliseconds = 0;
  std::int64_t weights = 0;
};

/// `floats`: outputs of the float net to compare with; filled when empty.
score evaluate(const net& n, const data_set& d, std::vector<std::vector<float>>& floats) {
  interpreter run(std::shared_ptr<const frozen_net>(n.freeze()));
  const int in = n.of_kind(tensor_kind::app_write).at(0);
  const int out = n.of_kind(tensor_kind::app_read).at(0);
  const bool first = floats.empty();
  std::size_t at = 0;
  int right = 0;
  int count = 0;
  double signal = 0;
  double noise = 1e-30;
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t k = 0; k < d.images.size(); ++k) {
    if (calibrates(k)) continue;
    const auto bytes = run.bytes(in);
    if (bytes.size() != d.images[k].size()) throw error("the input has " + std::to_string(bytes.size()) + " bytes, the file " + std::to_string(d.images[k].size()));
    std::copy(d.images[k].begin(), d.images[k].end(), bytes.begin());
    run.run();
    const auto* p = reinterpret_cast<const float*>(run.bytes(out).data());
    const std::vector<float> y(p, p + run.bytes(out).size() / sizeof(float));
    if (first) floats.push_back(y);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const double f = static_cast<double>(floats[at][i]);
      signal += f * f;
      noise += (f - static_cast<double>(y[i])) * (f - static_cast<double>(y[i]));
    }
    ++at;
    right += std::max_element(y.begin(), y.end()) - y.begin() == d.labels[k] ? 1 : 0;
    ++count;
  }
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  score s{100.0 * right / count, 10 * std::log10(signal / noise), took.count() / count, 0};
  for (const net_tensor& t : n.tensors)
    if (t.kind == tensor_kind::constant) s.weights += static_cast<std::int64_t>(t.data.size());
  return s;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) throw error("usage: quantizer_accuracy_bench MODEL.tflite INPUT_LIST LABELS");
  net real = tflite::import_model(argv[1]);
  passes::optimize(real, {.log = [](std::string_view pass, int n) { std::printf("%.*s: %d\n", static_cast<int>(pass.size()), pass.data(), n); }});
  const data_set d = read_set(argv[2], argv[3]);
  const auto samples = [&](std::size_t k, std::span<const std::span<std::byte>> inputs) {
    if (5 * k >= d.images.size()) return false;
    std::copy(d.images[5 * k].begin(), d.images[5 * k].end(), inputs[0].begin());
    return true;
  };
  std::vector<std::vector<float>> floats;
  const auto row = [&](const char* what, const net& n) {
    const score s = evaluate(n, d, floats);
    std::printf("%-44s top-1 %6.2f %%  output SQNR %6.1f dB  %7.2f ms  weights %8lld bytes\n", what, s.top1, s.sqnr,
                s.milliseconds, static_cast<long long>(s.weights));
    std::fflush(stdout);
  };
  row("float", real);
  const auto stored = [&](const char* what, const quantize_options& o, bool correct = false) {
    net n = real;
    calibrate(n, samples, o);
    quantize(n, o);
    if (correct) correct_biases(n, real, samples);
    row(what, n);
  };
  quantize_options o;
  stored("8 bit, per tensor", o);
  stored("8 bit, per tensor, bias correction", o, true);
  o.per_channel = true;
  stored("8 bit, per channel", o);
  o.per_row = true;
  stored("8 bit, per channel and row", o);
  stored("8 bit, per channel and row, bias correction", o, true);
  o.act_calibration = calibration::sqnr;
  stored("8 bit, sqnr, bias correction", o, true);
  o.param_calibration = calibration::mse;
  stored("8 bit, sqnr, weights mse, bias correction", o, true);
  o.act_calibration = o.param_calibration = calibration::min_max;
  o.bias_bitwidth = 8;
  stored("8 bit, per channel and row, 8-bit bias", o);
  o.bias_bitwidth = 32;
  o.act_schema = schema::signed_asymmetric;
  stored("8 bit signed, per channel and row", o);
  o.act_schema = schema::unsigned_asymmetric;
  o.weights_bitwidth = 4;
  stored("4-bit weights, per channel and row", o);
  o.param_calibration = calibration::mse;
  stored("4-bit weights by mse, per channel and row", o);
  stored("4-bit weights by mse, bias correction", o, true);
  o.param_calibration = calibration::min_max;
  o.weights_bitwidth = 8;
  o.act_calibration = calibration::percentile;
  stored("8 bit, percentile 99.99", o);
  o.act_calibration = calibration::sqnr;
  stored("8 bit, sqnr", o);
  o.act_calibration = calibration::mse;
  stored("8 bit, mse", o);
  o.act_calibration = calibration::min_max;
  o.act_bitwidth = 16;
  stored("16-bit activations, 8-bit weights", o);
  stored("16-bit activations, 8-bit weights, corrected", o, true);
  o.weights_bitwidth = 16;
  stored("16-bit activations, 16-bit weights", o);
} catch (const error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 2;
}
