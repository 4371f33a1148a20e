// SPDX-License-Identifier: Apache-2.0
// quantizer_accuracy_bench MODEL.tflite INPUT_LIST LABELS [SETTING...]: accuracy of our own quantization of a float
// classifier, five-fold: fold f calibrates on the images k with k % 5 != f and is scored on the others, so every image
// is scored once, by a net that never saw it. One table row per setting (all, or those whose name is one of the
// arguments):
//   top-1       of all images, percent
//   same        images with the float net's top-1 class, percent
//   KL, SQNR    of the outputs against the float net's. Probabilities below 1/1000 count as 1/1000 (8 bits hold no less)
//   seen KL     the same on the calibration images, mean over the folds: what settings are chosen by
// Inputs are float32 files, as test/oracles/datasets.py writes them.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "frontend/tflite/tflite.hpp"
#include "qnnx/io/file.hpp"
#include "qnnx/runtime/equalize.hpp"
#include "qnnx/runtime/interpreter.hpp"
#include "qnnx/runtime/passes/optimize.hpp"
#include "qnnx/runtime/quantize.hpp"

using namespace qnnx;

namespace {

constexpr std::size_t folds = 5;

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
  if (d.images.size() < folds || d.images.size() != d.labels.size())
    throw error(list + ": got " + std::to_string(d.images.size()) + " images and " + std::to_string(d.labels.size()) + " labels");
  return d;
}

using outputs = std::vector<std::vector<float>>;

std::vector<float> infer(interpreter& run, int in, int out, const std::vector<std::byte>& image) {
  const auto bytes = run.bytes(in);
  if (bytes.size() != image.size())
    throw error("the input has " + std::to_string(bytes.size()) + " bytes, the file " + std::to_string(image.size()));
  std::copy(image.begin(), image.end(), bytes.begin());
  run.run();
  const auto* p = reinterpret_cast<const float*>(run.bytes(out).data());
  return {p, p + run.bytes(out).size() / sizeof(float)};
}

outputs all_outputs(const net& n, const data_set& d) {
  interpreter run(std::shared_ptr<const frozen_net>(n.freeze()));
  outputs y;
  for (const auto& image : d.images) y.push_back(infer(run, n.of_kind(tensor_kind::app_write).at(0), n.of_kind(tensor_kind::app_read).at(0), image));
  return y;
}

double divergence(const std::vector<float>& real, const std::vector<float>& stored) {
  const auto floored = [](const std::vector<float>& y) {
    std::vector<double> p(y.begin(), y.end());
    double sum = 0;
    for (double& v : p) sum += v = std::max(v, 1e-3);
    for (double& v : p) v /= sum;
    return p;
  };
  const std::vector<double> a = floored(real);
  const std::vector<double> b = floored(stored);
  double kl = 0;
  for (std::size_t i = 0; i < a.size(); ++i) kl += a[i] * std::log(a[i] / b[i]);
  return kl;
}

std::ptrdiff_t top(const std::vector<float>& y) { return std::max_element(y.begin(), y.end()) - y.begin(); }

struct score {
  int right = 0;
  int same = 0;
  double signal = 0;
  double noise = 1e-30;
  double kl = 0;
  double seen_kl = 0;
  std::int64_t weights = 0;

  void add(const std::vector<float>& real, const std::vector<float>& stored, int label) {
    right += top(stored) == label ? 1 : 0;
    same += top(stored) == top(real) ? 1 : 0;
    for (std::size_t i = 0; i < real.size(); ++i) {
      const double f = static_cast<double>(real[i]);
      const double e = f - static_cast<double>(stored[i]);
      signal += f * f;
      noise += e * e;
    }
    kl += divergence(real, stored);
  }
  void print(const char* what, std::size_t count) const {
    const auto n = static_cast<double>(count);
    std::printf("%-48s top-1 %6.2f  same %6.2f  KL %.4f  SQNR %5.1f dB  seen KL %.4f  weights %lld bytes\n", what, 100.0 * right / n,
                100.0 * same / n, kl / n, 10 * std::log10(signal / noise), seen_kl / n / (folds - 1), static_cast<long long>(weights));
    std::fflush(stdout);
  }
};

struct setting {
  const char* name;
  quantize_options options{};
  bool bias = false;
  bool rounding = false;
  bool cle = false;
  bool stored = true;  // false: the float net after cle
};

score evaluate(const net& real, const data_set& d, const outputs& floats, const setting& s) {
  score total;
  for (std::size_t fold = 0; fold < folds; ++fold) {
    std::vector<std::size_t> seen;
    for (std::size_t k = 0; k < d.images.size(); ++k)
      if (k % folds != fold) seen.push_back(k);
    const auto samples = [&](std::size_t k, std::span<const std::span<std::byte>> inputs) {
      if (k >= seen.size()) return false;
      std::copy(d.images[seen[k]].begin(), d.images[seen[k]].end(), inputs[0].begin());
      return true;
    };
    net source = real;
    if (s.cle) {
      equalize_layers(source);
      absorb_biases(source, samples);
    }
    net n = source;
    if (s.stored) {
      calibrate(n, samples, s.options);
      quantize(n, s.options);
    }
    if (s.bias || s.rounding) refine(n, source, samples, {.rounding = s.rounding, .bias = s.bias});
    total.weights = 0;
    for (const net_tensor& t : n.tensors)
      if (t.kind == tensor_kind::constant) total.weights += static_cast<std::int64_t>(t.data.size());
    const outputs y = all_outputs(n, d);
    for (std::size_t k = 0; k < y.size(); ++k) {
      if (k % folds == fold) total.add(floats[k], y[k], d.labels[k]);
      else total.seen_kl += divergence(floats[k], y[k]);
    }
  }
  return total;
}

std::vector<setting> settings() {
  std::vector<setting> all;
  quantize_options o;
  all.push_back({"8 bit, per tensor", o});
  all.push_back({"8 bit, per tensor, bias", o, true});
  all.push_back({"8 bit, per tensor, bias, rounding", o, true, true});
  all.push_back({"float after cle", o, false, false, true, false});
  all.push_back({"8 bit, per tensor, cle", o, false, false, true});
  all.push_back({"8 bit, per tensor, cle, bias, rounding", o, true, true, true});
  o.per_channel = o.per_row = true;
  all.push_back({"8 bit, per channel", o});
  all.push_back({"8 bit, per channel, bias", o, true});
  all.push_back({"8 bit, per channel, rounding", o, false, true});
  all.push_back({"8 bit, per channel, bias, rounding", o, true, true});
  o.act_calibration = calibration::sqnr;
  all.push_back({"8 bit, per channel, sqnr", o});
  all.push_back({"8 bit, per channel, sqnr, bias", o, true});
  all.push_back({"8 bit, per channel, sqnr, bias, rounding", o, true, true});
  o.act_calibration = calibration::percentile;
  all.push_back({"8 bit, per channel, percentile, bias, rounding", o, true, true});
  o.act_calibration = calibration::mse;
  all.push_back({"8 bit, per channel, mse, bias, rounding", o, true, true});
  o.act_calibration = calibration::min_max;
  o.act_bitwidth = 16;
  all.push_back({"16-bit activations, per channel", o});
  all.push_back({"16-bit activations, per channel, bias", o, true});
  all.push_back({"16-bit activations, per channel, bias, rounding", o, true, true});
  o.weights_bitwidth = 16;
  all.push_back({"16-bit activations and weights, per channel", o});
  o.act_bitwidth = 8;
  o.weights_bitwidth = 4;
  o.param_calibration = calibration::mse;
  all.push_back({"4-bit weights by mse, per channel", o});
  all.push_back({"4-bit weights by mse, per channel, bias", o, true});
  all.push_back({"4-bit weights by mse, per channel, bias, rounding", o, true, true});
  return all;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4) throw error("usage: quantizer_accuracy_bench MODEL.tflite INPUT_LIST LABELS [SETTING...]");
  net real = tflite::import_model(argv[1]);
  passes::optimize(real);
  const data_set d = read_set(argv[2], argv[3]);
  const outputs floats = all_outputs(real, d);
  score exact;
  for (std::size_t k = 0; k < floats.size(); ++k) exact.add(floats[k], floats[k], d.labels[k]);
  exact.print("float", floats.size());
  for (const setting& s : settings()) {
    bool asked = argc == 4;
    for (int i = 4; i < argc; ++i) asked = asked || std::string_view(s.name) == argv[i];
    if (asked) evaluate(real, d, floats, s).print(s.name, floats.size());
  }
} catch (const error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 2;
}
