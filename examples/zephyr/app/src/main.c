/* SPDX-License-Identifier: Apache-2.0 */
/* The quickstart's digits in a Zephyr thread, a layer at a time: other threads of its priority run between layers. */
#include <zephyr/kernel.h>

#include "digits.h" /* made by the module */
#include "qnnx/model/abi.h"

const qnnx_model* digits_get(void);

static unsigned char arena[DIGITS_ARENA_BYTES] __aligned(16);

int main(void) {
  const qnnx_model* m = digits_get();
  for (int n = 0; n < DIGITS_INPUT_IMAGE_BYTES; ++n) /* a vertical stroke: a one */
    digits_input_image(arena)[n] = n % 28 >= 13 && n % 28 <= 15 && n / 28 >= 4 && n / 28 < 24 ? 255 : 0;
  for (int32_t step = 0; step < m->step_count; ++step) {
    m->run_step(arena, m->weights, NULL, step);
    k_yield();
  }
  int best = 0;
  for (int n = 1; n < DIGITS_OUTPUT_PROBABILITIES_BYTES; ++n)
    if (digits_output_probabilities(arena)[n] > digits_output_probabilities(arena)[best]) best = n;
  printk("class %d\n", best);
  return 0;
}
