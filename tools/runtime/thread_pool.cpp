// SPDX-License-Identifier: Apache-2.0
#include "qnnx/runtime/thread_pool.hpp"

#include <sched.h>

#include <fstream>
#include <set>
#include <string>

namespace qnnx::inline QNNX_ABI {

int physical_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    const unsigned n = std::thread::hardware_concurrency();
    return n == 0 ? 1 : static_cast<int>(n);
  }
  std::set<std::pair<int, int>> cores;  // package, core
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const auto number = [&](const char* what) {
      std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/" + what);
      int n = -1;
      return file >> n ? n : -1;
    };
    const int core = number("core_id");
    cores.emplace(number("physical_package_id"), core < 0 ? CPU_SETSIZE + cpu : core);  // not told: a core of its own
  }
  return cores.empty() ? 1 : static_cast<int>(cores.size());
}

}  // namespace qnnx::inline QNNX_ABI
