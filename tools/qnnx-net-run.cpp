// SPDX-License-Identifier: Apache-2.0
// qnnx-net-run: runs a compiled model library or a DLC over an input list. Exit codes: docs/reference/drivers.md.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <numeric>

#include "cli/net_run.hpp"
#include "cli/options.hpp"
#include "qnnx/io/dlc.hpp"
#include "qnnx/io/file.hpp"
#include "qnnx/runtime/thread_pool.hpp"

using namespace qnnx;

namespace {

// clang-format off
enum exit_code : int { ok = 0, unknown = 3, bad_argument = 4, bad_backend = 10, bad_graph = 14, not_finalized = 15, not_executed = 17 };
// clang-format on

cli::command make_command() {
  cli::command c("qnnx-net-run", "Runs a model over the inputs of a list and writes <output_dir>/Result_<n>/<tensor>.raw.");
  c.value("--model", "SO[,SO]", "Model libraries made by qnnx-model-lib-generator.").excludes("source");
  c.value("--dlc_path", "DLC[,DLC]", "Containers made by qnnx-converter; they run in the interpreter.").excludes("source");
  c.value("--backend", "NAME|SO", "reference, cpu, or a library with kernels. A model library runs the code compiled into it.").standard("cpu");
  c.value("--input_list", "FILE[,FILE]", "One list per model; __ skips a model.").required();
  c.value("--output_dir", "DIR", "Where results go.").standard("./output");
  c.flag("--debug", "Write every intermediate tensor.").excludes("outputs");
  c.value("--set_output_tensors", "SPEC", "Tensors to write: t0,t1 or g0:t0,t1;g1:t0 or a .txt file that holds this.").excludes("outputs");
  c.flag("--use_native_output_files", "Write <tensor>_native.raw in the tensor's own type.");
  c.flag("--use_native_input_files", "Input files hold the tensor's own type, not float32.").excludes("native_inputs");
  c.value("--native_input_tensor_names", "SPEC", "Only these inputs are native: t0,t1 or g0:t0,t1;g1:t0.").excludes("native_inputs");
  c.value("--num_inferences", "N", "Loop over the list until N inferences have run.");
  c.value("--duration", "SEC", "Loop over the list until this time has passed.");
  c.value("--keep_num_outputs", "N", "Write the first N results only.");
  c.value("--batch_multiplier", "N", "Input and output files hold N times the graph's batch.").standard("1");
  c.value("--num_threads", "N", "Threads that share the steps of a model; results do not depend on it. Standard: one for each physical core.");
  c.value("--profiling_level", "LEVEL", "basic: load and inference times; detailed: every node too.").choices({"basic", "detailed"});
  c.value("--log_level", "LEVEL", "How much to print on stderr.").choices({"error", "warn", "info", "debug", "verbose"}).standard("warn");
  c.flag("--synchronous", "Accepted: execution is always synchronous.");
  c.flag("--use_mmap", "Accepted: containers are always mapped.");
  c.refused("--retrieve_context", "context binaries are not written or read; use --model or --dlc_path");
  c.refused("--retrieve_context_timeout", "context binaries are not written or read");
  c.refused("--validate_binary", "context binaries are not written or read");
  c.refused("--model_prefix", "model libraries export one C descriptor without prefixes");
  c.refused("--op_packages", "op packages are compiled in, or come with a --backend library");
  c.refused("--perf_profile", "this backend has no power profiles; nothing would change");
  c.refused("--config_file", "the reference and cpu backends have nothing to configure");
  c.refused("--shared_buffer", "there is no device memory to share");
  c.refused("--io_tensor_mem_handle_type", "there is no device memory to share");
  c.refused("--timeout", "this backend does not support timeout signals");
  c.refused("--max_input_cache_tensor_sets", "inputs are not cached");
  c.refused("--max_input_cache_size_mb", "inputs are not cached");
  c.refused("--platform_options", "this backend has no platform options");
  c.refused("--graph_profiling_start_delay", "profiling begins with the first inference");
  c.refused("--graph_profiling_num_executions", "profiling covers every inference");
  return c;
}

/// The tensors that a SPEC names for a graph.
std::vector<std::string> names_for(const std::string& spec, const std::string& graph) {
  std::vector<std::string> names;
  for (const std::string& part : cli::split(spec, ';')) {
    const std::size_t colon = part.find(':');
    if (colon != std::string::npos && part.substr(0, colon) != graph) continue;
    for (const std::string& t : cli::split(colon == std::string::npos ? part : part.substr(colon + 1), ',')) names.push_back(t);
  }
  return names;
}

void print_times(const cli::executable& model, const cli::run_report& report) {
  std::vector<double> t = report.inference_us;
  if (t.empty()) return;
  const double sum = std::accumulate(t.begin(), t.end(), 0.0);
  const auto [least, most] = std::minmax_element(t.begin(), t.end());
  std::printf("%s: %zu inferences, %zu results, latency us: avg %.1f, min %.1f, max %.1f; arena %lld bytes, weights %lld bytes, kernels %s\n",
              model.name.c_str(), t.size(), report.results, sum / static_cast<double>(t.size()), *least, *most,
              static_cast<long long>(model.arena_bytes), static_cast<long long>(model.weight_bytes), model.isa.c_str());
}

int run(int argc, char** argv, int& stage) {
  cli::command c = make_command();
  if (!c.parse(argc, argv)) return ok;
  if (!c.given("--model") && !c.given("--dlc_path")) throw cli::usage_error("one of --model and --dlc_path is required");
  const bool libraries = c.given("--model");
  const std::vector<std::string> models = cli::split(c.text(libraries ? "--model" : "--dlc_path"), ',');
  const std::vector<std::string> lists = cli::split(c.text("--input_list"), ',');
  if (models.empty() || models.size() != lists.size())
    throw cli::usage_error("got " + std::to_string(lists.size()) + " input lists, expected one for each of " + std::to_string(models.size()) + " models");
  cli::run_settings settings;
  settings.debug = c.given("--debug");
  settings.native_inputs = c.given("--use_native_input_files");
  settings.native_outputs = c.given("--use_native_output_files");
  if (c.given("--num_inferences")) settings.inferences = c.integer("--num_inferences", 1, 1L << 40);
  if (c.given("--duration")) settings.seconds = c.number("--duration", 1e-3, 1e7);
  if (c.given("--keep_num_outputs")) settings.keep_outputs = c.integer("--keep_num_outputs", 0, 1L << 40);
  settings.batch_multiplier = c.integer("--batch_multiplier", 1, 1 << 20);
  std::string output_spec = c.text("--set_output_tensors");
  if (output_spec.ends_with(".txt")) {
    output_spec = read_text(output_spec);
    std::replace(output_spec.begin(), output_spec.end(), '\n', ',');
  }
  const std::string output_dir = c.text("--output_dir");
  make_folder(output_dir);
  const std::string level = c.text("--log_level");
  const bool talkative = level == "info" || level == "debug" || level == "verbose";

  thread_pool pool(c.given("--num_threads") ? static_cast<int>(c.integer("--num_threads", 1, 1024)) : physical_cores());

  stage = bad_backend;
  const cli::backend backend = cli::find_backend(c.text("--backend"));
  for (std::size_t k = 0; k < models.size(); ++k) {
    if (lists[k] == "__") continue;
    stage = bad_graph;
    const auto start = std::chrono::steady_clock::now();
    std::unique_ptr<cli::executable> model;
    if (libraries) {
      model = cli::open_library(models[k], pool.threads_of_steps());
    } else {
      const net n = read_dlc(models[k]);
      stage = not_finalized;
      model = cli::interpret(n, backend.table, backend.kernels, pool.threads_of_steps());
    }
    const double load_us = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
    if (talkative) std::fprintf(stderr, "qnnx-net-run: info: '%s' loaded in %.0f us: %zu steps, kernels %s\n", models[k].c_str(), load_us, model->steps.size(), model->isa.c_str());
    stage = not_executed;
    cli::run_settings one = settings;
    one.output_dir = models.size() > 1 ? output_dir + "/" + model->name : output_dir;
    one.outputs = names_for(output_spec, model->name);
    for (const std::string& t : names_for(c.text("--native_input_tensor_names"), model->name)) {
      const int found = model->find(t);
      if (found < 0 || model->tensors[static_cast<std::size_t>(found)].desc.kind != tensor_kind::app_write) {
        stage = bad_argument;
        throw error("option --native_input_tensor_names: the model '" + model->name + "' has no input '" + t + "'");
      }
      one.native_input_names.insert(t);
    }
    const bool detailed = c.text("--profiling_level") == "detailed";
    const cli::run_report report = cli::run_list(*model, read_input_list(lists[k]), one, detailed);
    if (c.given("--profiling_level"))
      write_text(one.output_dir + "/qnnx-profiling-data_0.csv", cli::profile_csv(*model, report, load_us, detailed));
    print_times(*model, report);
  }
  return ok;
}

}  // namespace

int main(int argc, char** argv) {
  int stage = bad_argument;
  return cli::guarded("qnnx-net-run", bad_argument, [&] { return run(argc, argv, stage); }, [&] { return stage; });
}
