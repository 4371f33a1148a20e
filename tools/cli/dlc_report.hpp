// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a container holds: layers with shapes, types, parameters, multiply-accumulates; encodings; totals; the memory
// plan. As text, CSV, JSON. Layer 8.

#include <string>

#include "qnnx/runtime/net.hpp"

namespace qnnx::cli {

struct dlc_report {
  explicit dlc_report(const net& n);
  std::string text(const std::string& path) const;
  std::string csv() const;
  std::string json() const;

 private:
  const net& net_;
  std::shared_ptr<const frozen_net> frozen_;
  std::vector<std::int64_t> macs_;
  std::vector<std::int64_t> offset_;  // per tensor, -1: not in the arena
  std::int64_t arena_ = 0;
  std::int64_t bound_ = 0;
  std::int64_t parameters_ = 0;
  std::int64_t all_macs_ = 0;
};

}  // namespace qnnx::cli
