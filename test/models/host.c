/* SPDX-License-Identifier: Apache-2.0 */
/* host LIBRARY OUTPUT [INPUT...]: loads a model library and runs it once on files of stored values, or without files on
   pseudo-random ones; the outputs go to OUTPUT, one after the other. With -DQNNX_STEPS step by step, each between two marks
   that bench/firmware/instruction_counter.c counts between. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "qnnx/model/abi.h"

static void* aligned(long long n) { return aligned_alloc(64, (size_t)((n + 127) / 64 * 64)); }

static void random_values(const qnnx_model* m, char* arena) {
  unsigned state = 1;
  for (int i = 0; i < m->input_count; ++i) {
    const qnnx_model_tensor* t = m->tensors + m->inputs[i];
    for (long long k = 0; k < t->bytes; ++k) {
      state = state * 1664525u + 1013904223u;
      arena[t->arena_offset + k] = (char)(state >> 24);
    }
  }
}

#ifdef QNNX_STEPS
static void mark(int n) {
  if (write(-1, "", (size_t)n) >= 0) abort();
}
static void run(const qnnx_model* m, void* arena, const void* packed) {
  for (int i = 0; i < m->step_count; ++i) {
    const qnnx_model_step* s = m->steps + i;
    const qnnx_model_tensor* y = m->tensors + s->outputs[0];
    long long results = 1;
    for (int d = 0; d < y->rank; ++d) results *= y->dims[d];
    dprintf(1, "step %s %lld %lld\n", s->type, (long long)s->macs, results);
    mark(1);
    m->run_step(arena, m->weights, packed, i);
    mark(2);
  }
}
#else
static void run(const qnnx_model* m, void* arena, const void* packed) { m->run(arena, m->weights, packed); }
#endif

int main(int argc, char** argv) {
  void* so = argc < 3 ? 0 : dlopen(argv[1], RTLD_NOW);
  if (!so) return fprintf(stderr, "%s\n", argc < 3 ? "host LIBRARY OUTPUT [INPUT...]" : dlerror()), 1;
  const qnnx_model* (*get)(void) = (const qnnx_model* (*)(void))dlsym(so, "qnnx_model_get");
  const qnnx_model* m = get();
  if (!m) return fprintf(stderr, "QNNX_ISA names a set that is not there\n"), 4;
  char* arena = aligned(m->arena_bytes);
  void* packed = m->packed_bytes ? aligned(m->packed_bytes) : 0;
  if (packed) m->pack(arena, m->weights, packed);
  if (argc == 3) random_values(m, arena);
  else if (argc != 3 + m->input_count) return 2;
  for (int i = 0; i < argc - 3; ++i) {
    const qnnx_model_tensor* t = m->tensors + m->inputs[i];
    FILE* f = fopen(argv[3 + i], "rb");
    if (!f || fread(arena + t->arena_offset, 1, (size_t)t->bytes, f) != (size_t)t->bytes) return 3;
    fclose(f);
  }
  run(m, arena, packed);
  FILE* out = fopen(argv[2], "wb");
  if (!out) return 5;
  for (int i = 0; i < m->output_count; ++i) {
    const qnnx_model_tensor* t = m->tensors + m->outputs[i];
    fwrite(arena + t->arena_offset, 1, (size_t)t->bytes, out);
  }
  return fclose(out);
}
