/* SPDX-License-Identifier: Apache-2.0 */
/* The bundled digit network from C: at once, layer by layer with a second run in turns, and on Cortex-M with a timer
   whose interrupt runs a layer of the second one between any two instructions of the first. */
#include "board.h"
#include "digits.h"

static _Alignas(16) unsigned char first[DIGITS_ARENA_BYTES], second[DIGITS_ARENA_BYTES];

static uint32_t fill(void* arena, uint32_t state) { /* the bytes of test/commands.py */
  unsigned char* p = (unsigned char*)digits_input_image(arena);
  for (int i = 0; i < DIGITS_INPUT_IMAGE_BYTES; ++i) {
    state = state * 1664525u + 1013904223u;
    p[i] = (unsigned char)(state >> 24);
  }
  return state;
}
static uint32_t checksum(void* arena) { /* FNV-1a */
  const unsigned char* p = (const unsigned char*)digits_output_probabilities(arena);
  uint32_t h = 2166136261u;
  for (int i = 0; i < DIGITS_OUTPUT_PROBABILITIES_BYTES; ++i) h = (h ^ p[i]) * 16777619u;
  return h;
}

#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
static volatile uint32_t interrupts, runs, wrong;
static uint32_t second_input, expected;
static int32_t step;
static __attribute__((aligned(512))) void (*vectors[16])(void);

static void on_timer(void) {
  if (step == 0) (void)fill(second, second_input);
  digits_infer_step(second, step);
  interrupts = interrupts + 1;
  step = step + 1 == DIGITS_STEPS ? 0 : step + 1;
  if (step != 0) return;
  runs = runs + 1;
  if (checksum(second) != expected) wrong = wrong + 1;
}

static void interrupted(uint32_t first_expected) {
  volatile uint32_t* const vtor = (volatile uint32_t*)0xE000ED08u;
  volatile uint32_t* const systick = (volatile uint32_t*)0xE000E010u; /* control, reload, value */
  void (*const* old)(void) = (void (*const*)(void)) * vtor;
  for (int i = 0; i < 15; ++i) vectors[i] = old[i];
  vectors[15] = on_timer;
  *vtor = (uint32_t)vectors;
  systick[1] = 613; /* ticks: no divisor of anything */
  systick[2] = 0;
  systick[0] = 7;
  while (runs < 3) {
    (void)fill(first, 1);
    digits_infer(first);
    if (checksum(first) != first_expected) wrong = wrong + 1;
  }
  systick[0] = 0;
  board_print_value("interrupts", interrupts);
  board_print_value("wrong", wrong);
}
#endif

int app_main(void) {
  const uint32_t state = fill(first, 1);
  digits_infer(first);
  const uint32_t a = checksum(first);
  board_print_value("hash", a);
  (void)fill(first, state);
  digits_infer(first);
  const uint32_t b = checksum(first);
  board_print_value("hash", b);
  (void)fill(first, 1);
  (void)fill(second, state);
  for (int32_t k = 0; k < DIGITS_STEPS; ++k) {
    digits_infer_step(first, k);
    digits_infer_step(second, k);
  }
  board_print_value("hash", checksum(first));
  board_print_value("hash", checksum(second));
#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
  second_input = state;
  expected = b;
  interrupted(a);
#endif
  return 0;
}
