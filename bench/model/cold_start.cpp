// SPDX-License-Identifier: Apache-2.0
// One inference in a fresh process, as plain as an application can be: cold_start lib<model>.so
// Prints one JSON line: microseconds from the beginning of main to the library loaded and to the first result, and
// resident bytes that the model added. bench/model/cold_start.py starts it many times and adds what the system takes to
// start the process.
#include <dlfcn.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "qnnx/model/abi.h"

namespace {

long resident_bytes() {
  std::FILE* f = std::fopen("/proc/self/smaps_rollup", "r");
  if (!f) return -1;
  char line[256];
  long kb = -1;
  while (kb < 0 && std::fgets(line, sizeof line, f))
    if (std::sscanf(line, "Rss: %ld", &kb) != 1) kb = -1;
  std::fclose(f);
  return kb * 1024;
}
void* room(std::int64_t bytes) {
  return std::aligned_alloc(64, (static_cast<std::size_t>(bytes) + 127) / 64 * 64);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: cold_start lib<model>.so\n");
    return 2;
  }
  const long before = resident_bytes();
  const auto start = std::chrono::steady_clock::now();
  const auto since = [&] {
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
  };
  void* library = dlopen(argv[1], RTLD_NOW);
  const auto get = library ? reinterpret_cast<const qnnx_model* (*)()>(dlsym(library, "qnnx_model_get")) : nullptr;
  if (!get) {
    std::fprintf(stderr, "error: '%s' is no model library: %s\n", argv[1], dlerror());
    return 1;
  }
  const qnnx_model& m = *get();
  void* arena = room(m.arena_bytes);
  const void* packed = m.prepacked;
  if (!packed && m.packed_bytes > 0) {
    void* made = room(m.packed_bytes);
    m.pack(arena, m.weights, made);
    packed = made;
  }
  const double loaded = since();
  for (int i = 0; i < m.input_count; ++i) {
    const qnnx_model_tensor& t = m.tensors[m.inputs[i]];
    std::memset(static_cast<char*>(arena) + t.arena_offset, 0, static_cast<std::size_t>(t.bytes));
  }
  m.run(arena, m.weights, packed);
  const double first = since();
  const long after = resident_bytes();
  struct stat file {};
  if (stat(argv[1], &file) != 0) return 1;
  std::printf(
      "{\"name\": \"%s\", \"isa\": \"%s\", \"load_us\": %.1f, \"first_us\": %.1f, \"resident\": %ld, \"weights\": "
      "%lld, "
      "\"packed\": %lld, \"prepacked\": %s, \"arena\": %lld, \"file\": %lld}\n",
      m.name, m.isa, loaded, first, after - before, static_cast<long long>(m.weight_bytes),
      static_cast<long long>(m.packed_bytes), m.prepacked ? "true" : "false", static_cast<long long>(m.arena_bytes),
      static_cast<long long>(file.st_size));
  return 0;
}
