/* SPDX-License-Identifier: Apache-2.0 */
/* An anomaly detector in C: an autoencoder has learned the machine's sound; what it cannot repeat is not the machine.
   Uses the C header of the archive alone, and integers alone: it fits a Cortex-M0+. */
#include "anomaly.h" /* of qnnx-model-lib-generator */
#include "board.h"
#include "spectrum.h"

enum { BANDS = ANOMALY_INPUT_INPUT_1_BYTES, SPECTRA = 4 };
#define LOWEST _Generic(anomaly_input_input_1(0), int8_t*: -128, uint8_t*: 0)
/* Stored values of half decibels, 2^16 = 1, and decibels of stored values, 2^12 = 1: constants, made by the compiler. */
#define STORED_PER_STEP ((int32_t)(32768.0f / ANOMALY_INPUT_INPUT_1_SCALE + 0.5f))
#define INPUT_SCALE ((int32_t)(4096.0f * ANOMALY_INPUT_INPUT_1_SCALE + 0.5f))
#define OUTPUT_SCALE ((int32_t)(4096.0f * ANOMALY_OUTPUT_IDENTITY_SCALE + 0.5f))
#define ALARM (20 * 256) /* squared decibels, 2^8 = 1; the bundled network: good below 3, broken above 70 */

static _Alignas(16) unsigned char arena[ANOMALY_ARENA_BYTES];
static uint8_t level[BANDS];
static int8_t heard[BANDS]; /* the input: the run overwrites it in the arena */

static void set_input(void) {
  for (int n = 0; n < BANDS; ++n) {
    const int32_t steps = (int32_t)level[n] - 170; /* half decibels */
    int32_t q = ((steps * STORED_PER_STEP + 0x8000) >> 16) - ANOMALY_INPUT_INPUT_1_OFFSET;
    q = q < LOWEST ? LOWEST : q > LOWEST + 255 ? LOWEST + 255 : q;
    anomaly_input_input_1(arena)[n] = (__typeof__(*anomaly_input_input_1(0)))q;
    heard[n] = (int8_t)(q - LOWEST - 128);
  }
}

/* Mean of squared differences of input and output, in decibels, 2^8 = 1. */
static uint32_t score(void) {
  uint64_t sum = 0;
  for (int n = 0; n < BANDS; ++n) {
    const int32_t in = (heard[n] + 128 + LOWEST + ANOMALY_INPUT_INPUT_1_OFFSET) * INPUT_SCALE;
    const int32_t out = (anomaly_output_Identity(arena)[n] + ANOMALY_OUTPUT_IDENTITY_OFFSET) * OUTPUT_SCALE;
    const int32_t d = (in - out) >> 8; /* 2^4 = 1 */
    sum += (uint32_t)(d * d);
  }
  return (uint32_t)(sum / BANDS);
}

static uint32_t checksum(const void* data, int bytes) { /* FNV-1a: for the test */
  const unsigned char* p = data;
  uint32_t h = 2166136261u;
  for (int n = 0; n < bytes; ++n) h = (h ^ p[n]) * 16777619u;
  return h;
}

int app_main(void) {
  for (uint32_t k = 0; k < 2 * SPECTRA; ++k) {
    const int broken = k >= SPECTRA;
    spectrum_make(k, broken, level, BANDS);
    set_input();
    board_start_timer();
    anomaly_infer(arena);
    board_print_value("network", board_ticks());
    board_print_value("hash", checksum(anomaly_output_Identity(arena), BANDS));
    board_print_value("score", score());
    board_print_value("alarm", score() > ALARM);
  }
  return 0;
}
