/* SPDX-License-Identifier: Apache-2.0 */
/* Spectra of a machine, made in integers so that board, host and trainer see the same: a hum with harmonics at one of
   three speeds, louder or softer; a broken one has a bump where none belongs. Levels 0 to 255 are half decibels from
   -85 dB. Bands repeat every 64 (the MLPerf Tiny network takes ten frames of 64). */
#ifndef QNNX_EXAMPLE_SPECTRUM_H
#define QNNX_EXAMPLE_SPECTRUM_H
#include <stdint.h>

static inline uint32_t spectrum_random(uint32_t* state, uint32_t below) {
  *state = *state * 1664525u + 1013904223u;
  return (*state >> 16) % below;
}

static inline void spectrum_make(uint32_t seed, int broken, uint8_t* level, int bands) {
  uint32_t state = seed * 2654435761u + (broken ? 99u : 7u);
  spectrum_random(&state, 2);
  const int spacing = 7 + 2 * (int)spectrum_random(&state, 3);
  const int load = (int)spectrum_random(&state, 30);
  const int bump = 3 + (int)spectrum_random(&state, 58);
  const int height = 70 + (int)spectrum_random(&state, 40);
  for (int n = 0; n < bands; ++n) {
    const int band = n % 64;
    int value = 60 + load - band / 2 + (int)spectrum_random(&state, 9);
    if (band % spacing == spacing - 1) value += 70 + load - band / 2;
    if (broken && band >= bump - 2 && band <= bump + 2) value += height;
    level[n] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
  }
}
#endif
