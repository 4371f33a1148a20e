// SPDX-License-Identifier: Apache-2.0
// Times one compiled model library: run_library_bench [--steps] [--threads N] [--batches N] [--milliseconds N] lib<model>.so
// Prints one JSON line: nanoseconds of one inference, minimum and median over batches, and with --steps the same for
// each step. No profiling code lies between the steps of the first figure. Random data, never zeros.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "qnnx/model/abi.h"
#include "qnnx/runtime/thread_pool.hpp"

namespace {

using clock_type = std::chrono::steady_clock;

struct timing {
  double least = 0;
  double median = 0;
};

timing summary(std::vector<double> ns) {
  std::sort(ns.begin(), ns.end());
  return {ns.front(), ns[ns.size() / 2]};
}

/// Repeats f in batches of about equal time; nanoseconds of one call.
template <class F>
timing measure(F&& f, int batches, double milliseconds) {
  long repeat = 1;
  for (;;) {
    const auto start = clock_type::now();
    for (long i = 0; i < repeat; ++i) f();
    const double ms = std::chrono::duration<double, std::milli>(clock_type::now() - start).count();
    if (ms >= milliseconds) break;
    repeat = ms < milliseconds / 16 ? repeat * 8 : repeat * 2;
  }
  std::vector<double> ns;
  for (int b = 0; b < batches; ++b) {
    const auto start = clock_type::now();
    for (long i = 0; i < repeat; ++i) f();
    ns.push_back(std::chrono::duration<double, std::nano>(clock_type::now() - start).count() / static_cast<double>(repeat));
  }
  return summary(ns);
}

unsigned char* aligned(std::int64_t bytes) {
  const auto n = (static_cast<std::size_t>(bytes) + 127) / 64 * 64;
  auto* p = static_cast<unsigned char*>(std::aligned_alloc(64, n));
  std::memset(p, 0, n);
  return p;
}

void fill(const qnnx_model_tensor& t, unsigned char* at, std::mt19937& g) {
  std::uniform_real_distribution<float> real(-1.0f, 1.0f);
  if ((t.type & 0xf00u) == 0x200u && (t.type & 0xffu) == 0x32u) {  // QNN_DATATYPE_FLOAT_32
    for (std::int64_t i = 0; i < t.bytes; i += 4) {
      const float v = real(g);
      std::memcpy(at + i, &v, 4);
    }
  } else {
    for (std::int64_t i = 0; i < t.bytes; ++i) at[i] = static_cast<unsigned char>(g());
  }
}

/// Times step k of a model, whose tensors before it are in `arena`, and leaves those after it there. The plan may put a
/// result over its data; a step that then gives something else the second time (Quantize of floats would read bytes) has the
/// bytes that it writes put back before each run, and what that takes is subtracted.
timing time_step(const qnnx_model& m, const qnnx_executor& on, unsigned char* arena, const unsigned char* packed, std::int32_t k, double milliseconds) {
  const auto size = static_cast<std::size_t>(m.arena_bytes);
  const std::vector<unsigned char> before(arena, arena + size);
  const auto run = [&] { m.run_on(&on, arena, m.weights, packed, k, k + 1); };
  run();
  const std::vector<unsigned char> after(arena, arena + size);
  run();
  const bool same = std::equal(after.begin(), after.end(), arena);
  timing t;
  if (same) {
    t = measure(run, 5, milliseconds);
  } else {
    std::size_t from = 0, to = size;
    while (from < to && before[from] == after[from]) ++from;
    while (to > from && before[to - 1] == after[to - 1]) --to;
    const auto put_back = [&] {
      std::memcpy(arena + from, before.data() + from, to - from);
      asm volatile("" ::: "memory");
    };
    const timing putting = measure(put_back, 5, milliseconds);
    t = measure([&] { put_back(); run(); }, 5, milliseconds);
    t.least = std::max(t.least - putting.least, 0.0);
    t.median = std::max(t.median - putting.median, 0.0);
  }
  std::memcpy(arena, after.data(), size);
  return t;
}

}  // namespace

int main(int argc, char** argv) {
  bool steps = false;
  int threads = 1;
  int batches = 15;
  double milliseconds = 4;
  const char* path = nullptr;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    if (a == "--steps") steps = true;
    else if (a == "--threads" && i + 1 < argc) threads = std::max(std::atoi(argv[++i]), 1);
    else if (a == "--batches" && i + 1 < argc) batches = std::max(std::atoi(argv[++i]), 1);
    else if (a == "--milliseconds" && i + 1 < argc) milliseconds = std::atof(argv[++i]);
    else path = argv[i];
  }
  if (!path) {
    std::fprintf(stderr, "usage: run_library_bench [--steps] [--threads N] [--batches N] [--milliseconds N] lib<model>.so\n");
    return 2;
  }
  void* library = dlopen(path, RTLD_NOW);
  const auto get = library ? reinterpret_cast<const qnnx_model* (*)()>(dlsym(library, "qnnx_model_get")) : nullptr;
  if (!get) {
    std::fprintf(stderr, "error: '%s' is no model library: %s\n", path, dlerror());
    return 1;
  }
  const qnnx_model& m = *get();
  qnnx::thread_pool pool(threads);
  const qnnx::executor shared = pool.threads_of_steps();
  const qnnx_executor on{shared.threads, shared.context, shared.run};
  unsigned char* arena = aligned((m.arena_bytes + 63) / 64 * 64 + (threads - 1) * m.thread_bytes);
  const unsigned char* packed = static_cast<const unsigned char*>(m.prepacked);
  if (!packed) {
    unsigned char* made = aligned(m.packed_bytes);
    m.pack(arena, m.weights, made);
    packed = made;
  }
  std::mt19937 g(1);
  for (int i = 0; i < m.input_count; ++i) fill(m.tensors[m.inputs[i]], arena + m.tensors[m.inputs[i]].arena_offset, g);
  std::vector<unsigned char> start(arena, arena + m.arena_bytes);
  // The plan may put other tensors where an input was: it is written again before each inference (else floats would
  // grow into infinities or denormals), and what that takes is subtracted.
  const auto feed = [&] {
    for (int i = 0; i < m.input_count; ++i) {
      const qnnx_model_tensor& t = m.tensors[m.inputs[i]];
      std::memcpy(arena + t.arena_offset, start.data() + t.arena_offset, static_cast<std::size_t>(t.bytes));
      asm volatile("" ::: "memory");
    }
  };
  const timing feeding = measure(feed, batches, milliseconds / 4);
  const auto inference = [&](const qnnx_executor& e) {
    return [&] { feed(); m.run_on(&e, arena, m.weights, packed, 0, m.step_count); };
  };
  const qnnx_executor alone{1, nullptr, nullptr};
  timing whole;
  timing one;  // thread, in turns with all of them: a shared machine changes its speed
  if (threads == 1) {
    whole = one = measure(inference(on), batches, milliseconds);
  } else {
    std::vector<double> all_ns, one_ns;
    for (int b = 0; b < batches; ++b) {
      one_ns.push_back(measure(inference(alone), 1, milliseconds).least);
      all_ns.push_back(measure(inference(on), 1, milliseconds).least);
    }
    whole = summary(all_ns);
    one = summary(one_ns);
  }
  for (timing* t : {&whole, &one}) {
    t->least -= feeding.least;
    t->median -= feeding.median;
  }
  std::printf("{\"name\": \"%s\", \"isa\": \"%s\", \"macs\": %lld, \"arena\": %lld, \"weights\": %lld, \"packed\": %lld, \"threads\": %d, \"thread_bytes\": %lld, \"min_ns\": %.1f, \"median_ns\": %.1f, "
              "\"one_thread_min_ns\": %.1f, \"one_thread_median_ns\": %.1f",
              m.name, m.isa, static_cast<long long>(m.macs), static_cast<long long>(m.arena_bytes),
              static_cast<long long>(m.weight_bytes), static_cast<long long>(m.packed_bytes), threads, static_cast<long long>(m.thread_bytes), whole.least, whole.median, one.least, one.median);
  if (steps) {
    std::printf(", \"steps\": [");
    std::memcpy(arena, start.data(), start.size());
    for (std::int32_t k = 0; k < m.step_count; ++k) {
      const timing t = time_step(m, on, arena, packed, k, milliseconds / 8);
      std::printf("%s{\"name\": \"%s\", \"type\": \"%s\", \"macs\": %lld, \"min_ns\": %.1f, \"median_ns\": %.1f}", k ? ", " : "",
                  m.steps[k].name, m.steps[k].type, static_cast<long long>(m.steps[k].macs), t.least, t.median);
    }
    std::printf("]");
  }
  std::printf("}\n");
  return 0;
}
