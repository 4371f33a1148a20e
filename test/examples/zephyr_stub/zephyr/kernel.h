/* SPDX-License-Identifier: Apache-2.0 */
/* Stand-ins of what examples/zephyr/app uses of Zephyr. */
#pragma once
#include <stddef.h>
#include <stdio.h>

#include "board.h"

#ifndef __aligned
#define __aligned(n) __attribute__((aligned(n)))
#endif
static inline void k_yield(void) { board_print("yield\n"); }
#define printk(...)                              \
  do {                                           \
    char line[80];                               \
    snprintf(line, sizeof line, __VA_ARGS__);    \
    board_print(line);                           \
  } while (0)
