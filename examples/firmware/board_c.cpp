// SPDX-License-Identifier: Apache-2.0
#include "board.h"

#include "board.hpp"

extern "C" {
void board_print(const char* text) {
  board::print(text);
}
void board_print_value(const char* name, std::uint32_t value) {
  board::print(name, value);
}
void board_start_timer() {
  board::start_timer();
}
std::uint32_t board_ticks() {
  return static_cast<std::uint32_t>(board::ticks());
}
}
