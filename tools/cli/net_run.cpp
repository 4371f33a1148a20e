// SPDX-License-Identifier: Apache-2.0
#include "cli/net_run.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <numeric>

#include "qnnx/io/file.hpp"
#include "qnnx/io/real_values.hpp"
#include "qnnx/io/text.hpp"

namespace qnnx::cli {

namespace {

using clock = std::chrono::steady_clock;

double microseconds_since(clock::time_point start) {
  return std::chrono::duration<double, std::micro>(clock::now() - start).count();
}

/// Reads inputs of consecutive lines into the native form of one run (batch_multiplier graphs).
class batch_reader {
 public:
  batch_reader(executable& model, const input_list& list, const run_settings& s) : model_(model), list_(list), settings_(s) {
    for (int i : model.inputs) {
      const tensor_desc& d = model.tensors[static_cast<std::size_t>(i)].desc;
      const std::string name(d.name);
      const bool native = s.native_inputs || s.native_input_names.count(name) > 0;
      const std::int64_t file_bytes = native ? byte_size(d) : d.dims.size() * 4;
      const std::int64_t batch = d.dims.rank() > 0 ? std::max<std::int64_t>(d.dims[0], 1) : 1;
      inputs_.push_back({i, name, native, static_cast<std::size_t>(file_bytes), static_cast<std::size_t>(batch), {}});
    }
  }
  /// Lines [first, first + count) -> native bytes per input; returns how many lines were used.
  std::size_t read(std::size_t first) {
    std::size_t used = 1;
    for (std::size_t k = 0; k < inputs_.size(); ++k) used = std::max(used, read_input(k, first));
    return used;
  }
  /// Puts piece `m` of the batch into the graph's inputs.
  void load(std::size_t m) {
    for (const input& in : inputs_) {
      const exec_tensor& t = model_.tensors[static_cast<std::size_t>(in.tensor)];
      const std::span<std::byte> to = model_.bytes(in.tensor);
      const std::span<const std::byte> from(in.bytes.data() + m * in.file_bytes, in.file_bytes);
      if (in.native) {
        std::memcpy(to.data(), from.data(), from.size());
      } else {
        std::vector<float> reals(from.size() / sizeof(float));
        std::memcpy(reals.data(), from.data(), from.size());
        store_reals(t.desc, t.q, reals, to);
      }
    }
  }

 private:
  struct input {
    int tensor;
    std::string name;
    bool native;
    std::size_t file_bytes;  // of the graph's tensor in the form of the file
    std::size_t batch;
    std::vector<std::byte> bytes;
  };
  std::size_t read_input(std::size_t k, std::size_t first) {
    input& in = inputs_[k];
    const std::size_t multiplier = static_cast<std::size_t>(settings_.batch_multiplier);
    const std::size_t whole = in.file_bytes * multiplier;
    const std::size_t elements = in.batch * multiplier;
    const std::size_t one = whole / elements;
    in.bytes.clear();
    std::size_t used = 0;
    while (in.bytes.size() < whole && first + used < list_.lines.size()) {
      const input_line& line = list_.lines[first + used];
      const std::string path = files_for(list_, line, model_.input_names())[k];
      const std::vector<std::byte> file = read_file(path);
      const bool fits = file.size() == whole || (elements > 1 && file.size() == one);
      if (!fits || (used > 0 && file.size() != one)) {
        std::string expected = std::to_string(whole);
        if (elements > 1) expected += " (or " + std::to_string(one) + " for one element of the batch)";
        throw error("'" + path + "': got " + std::to_string(file.size()) + " bytes, expected " + expected + " for input '" + in.name + "' " +
                    std::string(in.native ? to_string(model_.tensors[static_cast<std::size_t>(in.tensor)].desc.type) : std::string_view("float32")) +
                    "[" + dims_text(model_.tensors[static_cast<std::size_t>(in.tensor)].desc.dims) + "]");
      }
      in.bytes.insert(in.bytes.end(), file.begin(), file.end());
      ++used;
      if (file.size() == whole) break;
    }
    while (in.bytes.size() < whole)  // the last batch is filled up with its last element
      in.bytes.insert(in.bytes.end(), in.bytes.end() - static_cast<std::ptrdiff_t>(one), in.bytes.end());
    return used;
  }
  executable& model_;
  const input_list& list_;
  const run_settings& settings_;
  std::vector<input> inputs_;
};

/// The tensors to write, and their bytes as runs deliver them.
class result_writer {
 public:
  result_writer(executable& model, const run_settings& s) : model_(model), settings_(s) {
    if (s.debug) {
      for (const exec_step& step : model.steps)
        for (int t : step.outputs) add(t);
    }
    for (const std::string& name : s.outputs) {
      int t = model.find(name);
      if (t < 0) t = model.find(clean_name(name));
      if (t < 0 || model.tensors[static_cast<std::size_t>(t)].desc.kind == tensor_kind::constant)
        throw error("the model '" + model.name + "' has no tensor '" + name + "' to write");
      add(t);
    }
    if (kept_.empty())
      for (int t : model.outputs) add(t);
    for (const auto& [t, bytes] : kept_) step_by_step_ |= needs_steps(model.tensors[static_cast<std::size_t>(t)].desc.kind);
  }
  bool step_by_step() const { return step_by_step_; }
  void begin() {
    for (auto& [t, bytes] : kept_) bytes.clear();
  }
  /// Copies what step k made; a tensor's place may be reused right after.
  void after_step(int k) {
    for (int t : model_.steps[static_cast<std::size_t>(k)].outputs)
      if (auto it = kept_.find(t); it != kept_.end()) append(it->second, t);
  }
  void after_run() {
    for (auto& [t, bytes] : kept_) append(bytes, t);
  }
  /// Inputs asked for by name are made by no step: they are copied before the run.
  void before_run() {
    for (auto& [t, bytes] : kept_)
      if (step_by_step_ && model_.tensors[static_cast<std::size_t>(t)].desc.kind == tensor_kind::app_write) append(bytes, t);
  }
  void write(const std::string& folder) {
    make_folder(folder);
    for (const auto& [t, bytes] : kept_) {
      const exec_tensor& x = model_.tensors[static_cast<std::size_t>(t)];
      const std::string stem = folder + "/" + std::string(x.desc.name);
      if (settings_.native_outputs) {
        write_file(stem + "_native.raw", bytes);
        continue;
      }
      std::vector<float> all;
      const auto one = static_cast<std::size_t>(byte_size(x.desc));
      for (std::size_t at = 0; at + one <= bytes.size() && one > 0; at += one) {
        const std::vector<float> reals = load_reals(x.desc, x.q, std::span(bytes).subspan(at, one));
        all.insert(all.end(), reals.begin(), reals.end());
      }
      write_file(stem + ".raw", std::as_bytes(std::span(all)));
    }
  }

 private:
  /// Bytes that a later step may overwrite.
  static bool needs_steps(tensor_kind k) { return k == tensor_kind::native || k == tensor_kind::app_write; }
  void add(int t) { kept_[t]; }
  void append(std::vector<std::byte>& to, int t) {
    const auto from = model_.bytes(t);
    to.insert(to.end(), from.begin(), from.end());
  }
  executable& model_;
  const run_settings& settings_;
  std::map<int, std::vector<std::byte>> kept_;
  bool step_by_step_ = false;
};

}  // namespace

run_report run_list(executable& model, const input_list& list, const run_settings& settings, bool per_node) {
  if (list.lines.empty()) throw error("'" + list.path + "': got no inputs, expected one inference per line");
  run_report report;
  report.nodes.resize(model.steps.size());
  batch_reader reader(model, list, settings);
  run_settings asked = settings;
  if (asked.outputs.empty()) asked.outputs = list.output_tensors;
  for (const std::string& layer : list.output_layers) {  // "#" names layers: all their outputs
    const auto step = std::find_if(model.steps.begin(), model.steps.end(), [&](const exec_step& s) { return s.name == layer || s.name == clean_name(layer); });
    if (step == model.steps.end()) throw error("'" + list.path + "': the model has no layer '" + layer + "'");
    for (int t : step->outputs) asked.outputs.emplace_back(model.tensors[static_cast<std::size_t>(t)].desc.name);
  }
  result_writer writer(model, asked);
  const bool stepwise = per_node || writer.step_by_step();
  const auto begin = clock::now();
  std::size_t line = 0;
  bool first_pass = true;
  for (long n = 0;; ++n) {
    if (line >= list.lines.size()) {
      line = 0;
      first_pass = false;
      if (settings.inferences == 0 && settings.seconds <= 0) break;
    }
    if (settings.inferences > 0 && n >= settings.inferences) break;
    if (settings.seconds > 0 && n > 0 && microseconds_since(begin) >= settings.seconds * 1e6) break;
    line += reader.read(line);
    writer.begin();
    double spent = 0;
    for (long m = 0; m < settings.batch_multiplier; ++m) {
      reader.load(static_cast<std::size_t>(m));
      if (!stepwise) {
        const auto start = clock::now();
        model.run();
        spent += microseconds_since(start);
        writer.after_run();
        continue;
      }
      writer.before_run();
      model.run([&](int k, double us) {
        spent += us;
        node_time& t = report.nodes[static_cast<std::size_t>(k)];
        const bool first = report.inference_us.empty() && m == 0;
        t.sum += us;
        t.least = first ? us : std::min(t.least, us);
        t.most = std::max(t.most, us);
        writer.after_step(k);
      });
    }
    report.inference_us.push_back(spent);
    const bool keep = settings.keep_outputs >= 0 ? n < settings.keep_outputs : first_pass;
    if (!keep) continue;
    writer.write(settings.output_dir + "/Result_" + std::to_string(n));
    ++report.results;
  }
  return report;
}

std::string profile_csv(const executable& model, const run_report& report, double load_us, bool per_node) {
  std::string s = "Msg Timestamp,Message,Time,Unit of Measurement,Timing Source,Event Level,Event Identifier\n";
  double at = 0;
  const auto row = [&](const char* message, double us, const char* source, const char* level, const std::string& id) {
    char head[96];
    std::snprintf(head, sizeof head, "%.0f,%s,%.3f,US,%s,%s,", at, message, us, source, level);
    s += head + csv_cell(id) + "\n";
  };
  row("INIT", load_us, "NETRUN", "ROOT", model.name);
  at += load_us;
  const auto count = static_cast<double>(std::max<std::size_t>(report.inference_us.size(), 1));
  for (double us : report.inference_us) {
    row("EXECUTE", us, "NETRUN", "ROOT", model.name);
    at += us;
  }
  if (per_node)
    for (std::size_t k = 0; k < model.steps.size(); ++k)  // the average over all inferences
      row("NODE", report.nodes[k].sum / count, "BACKEND", "SUB-EVENT", model.steps[k].name + ":OpId_" + std::to_string(k));
  row("DE-INIT", 0, "NETRUN", "ROOT", model.name);
  return s;
}

}  // namespace qnnx::cli
