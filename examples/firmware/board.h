/* SPDX-License-Identifier: Apache-2.0 */
/* The board for C programs: board_c.cpp, beside board.cpp (Cortex-M) or user.cpp (the rest). */
#ifndef QNNX_EXAMPLE_BOARD_H
#define QNNX_EXAMPLE_BOARD_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

void board_print(const char* text);
void board_print_value(const char* name, uint32_t value); /* "name value\n" */
void board_start_timer(void);
uint32_t board_ticks(void); /* since board_start_timer; 0 where the board has no timer */

#ifdef __cplusplus
}
#endif
#endif
