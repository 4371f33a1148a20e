// SPDX-License-Identifier: Apache-2.0
#pragma once
// What qnnx-net-run does with one model and one input list: reads raw files, joins batches, runs, writes
// Result_<n>/<tensor>.raw and the profile. Layer 8.

#include <set>
#include <string>
#include <vector>

#include "cli/executable.hpp"
#include "qnnx/io/input_list.hpp"

namespace qnnx::cli {

struct run_settings {
  std::string output_dir = "./output";
  bool debug = false;                    // every tensor that a step makes
  std::vector<std::string> outputs;      // else these, else the graph's outputs
  bool native_inputs = false;
  std::set<std::string> native_input_names;
  bool native_outputs = false;
  long inferences = 0;                   // 0: the list once
  double seconds = 0;                    // 0: no limit
  long keep_outputs = -1;                // -1: one result per batch of the list
  long batch_multiplier = 1;
};

struct node_time {
  double sum = 0;
  double least = 0;
  double most = 0;
};
struct run_report {
  std::vector<double> inference_us;   // every inference
  std::vector<node_time> nodes;       // with per-node timing
  std::size_t results = 0;            // folders written
};

/// Runs the list. `per_node` times every step (detailed profile); --debug does so too.
run_report run_list(executable& model, const input_list& list, const run_settings& settings, bool per_node);

/// The profile in the columns of the SDK's viewer: Msg Timestamp,Message,Time,Unit of Measurement,Timing
/// Source,Event Level,Event Identifier.
std::string profile_csv(const executable& model, const run_report& report, double load_us, bool per_node);

}  // namespace qnnx::cli
