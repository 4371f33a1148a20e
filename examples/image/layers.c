/* SPDX-License-Identifier: Apache-2.0 */
/* The same network a layer at a time, as a task of a real-time system runs it: between two layers it yields, so that a
   control loop waits for one layer at most, not for the network. Here the loop is a function that is called where an
   RTOS would switch tasks; two networks in two arenas take turns to show that all state is in the arena. */
#include <stddef.h>

#include "board.h"
#include "image.h"
#include "images.h"
#include "qnnx/model/abi.h"

const qnnx_model* image_get(void);

typedef struct {
  unsigned char* arena;
  int32_t next; /* step; step_count: the outputs are ready */
} job;

static _Alignas(16) unsigned char arenas[2][IMAGE_ARENA_BYTES];
static uint32_t longest; /* ticks between two yields */
static uint32_t yields;

static void control_loop(void) { ++yields; }

/* Runs one layer; 0 when the network is done. */
static int advance(const qnnx_model* m, job* j) {
  if (j->next == m->step_count) return 0;
  board_start_timer();
  m->run_step(j->arena, m->weights, NULL, j->next++);
  const uint32_t t = board_ticks();
  longest = t > longest ? t : longest;
  return 1;
}

static void show(const unsigned char* pixels, const qnnx_model_tensor* to, unsigned char* arena) {
  const int lowest = to->type == 0x408 ? 0 : -128; /* Qnn_DataType_t: unsigned fixed point of 8 bits */
  const int32_t per_byte = (int32_t)(image_pixel / to->scale * 65536.0f + 0.5f);
  for (int n = 0; n < image_bytes; ++n) {
    const int q = ((pixels[n] * per_byte + 0x8000) >> 16) - to->offset;
    arena[to->arena_offset + n] = (unsigned char)(q < lowest ? lowest : q > lowest + 255 ? lowest + 255 : q);
  }
}

int app_main(void) {
  const qnnx_model* m = image_get();
  const qnnx_model_tensor* out = &m->tensors[m->outputs[0]];
  for (int k = 0; k + 1 < image_count; k += 2) {
    job jobs[2] = {{arenas[0], 0}, {arenas[1], 0}};
    for (int j = 0; j < 2; ++j) show(images[k + j], &m->tensors[m->inputs[0]], jobs[j].arena);
    while (advance(m, &jobs[0]) | advance(m, &jobs[1])) control_loop();
    for (int j = 0; j < 2; ++j) {
      uint32_t h = 2166136261u; /* FNV-1a: for the test */
      for (int n = 0; n < out->bytes; ++n) h = (h ^ jobs[j].arena[out->arena_offset + n]) * 16777619u;
      board_print_value("hash", h);
    }
  }
  board_print_value("network", longest);
  board_print_value("yields", yields);
  return 0;
}
