// SPDX-License-Identifier: Apache-2.0
// The bundled digit network from C++: its class, with the arena in a section of its own, at once and layer by layer.
#include "board.h"
#include "digits.hpp"

using qnnx::firmware::digits;

namespace {

alignas(16) __attribute__((section(".bss.model"))) unsigned char arena[digits::arena_bytes];
constexpr digits network(arena);
static_assert(sizeof(digits::input_image_array) == DIGITS_INPUT_IMAGE_BYTES && digits::arena_bytes < 16384 && digits::input_image_scale > 0);

uint32_t fill(uint32_t state) {
  for (auto& q : network.input_image()) {
    state = state * 1664525u + 1013904223u;
    q = static_cast<unsigned char>(state >> 24);
  }
  return state;
}
void print_checksum() {  // FNV-1a
  uint32_t h = 2166136261u;
  for (const auto& q : network.output_probabilities()) h = (h ^ static_cast<unsigned char>(q)) * 16777619u;
  board_print_value("hash", h);
}

}  // namespace

extern "C" int app_main() {
  const uint32_t state = fill(1);
  network.run();
  print_checksum();
  (void)fill(state);
  for (int32_t k = 0; k < digits::steps; ++k) network.run_step(k);
  print_checksum();
  return 0;
}
