/* SPDX-License-Identifier: Apache-2.0 */
/* What a compiled model library exports: plain C, constant data and three functions. QNNX_EXPORT_MODEL
   (model/export.hpp) defines it; qnnx-net-run and any C program read it. Layer 6a.

   A host library exports `const qnnx_model* qnnx_model_get(void)` and `uint32_t qnnx_model_abi_version(void)`;
   a firmware archive uses `<name>` in place of `qnnx_model`, and exports `<name>_run` and `<name>_run_step` as well. */
#ifndef QNNX_MODEL_ABI_H
#define QNNX_MODEL_ABI_H

#include <stdint.h>

#define QNNX_MODEL_ABI_VERSION 2u

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qnnx_model_tensor {
  const char* name;
  uint32_t type;          /* Qnn_DataType_t */
  uint32_t kind;          /* Qnn_TensorType_t: 0 input, 1 output, 2 state, 3 between nodes, 4 static, 5 left out */
  uint32_t encoding;      /* Qnn_QuantizationEncoding_t; 255: none */
  uint32_t bits;          /* effective width, 0: the width of the type */
  int32_t axis;           /* per-axis and block encodings */
  int32_t block;
  float scale;            /* real = (q + offset) * scale */
  int32_t offset;
  const float* scales;    /* per-axis and block encodings: scale_count entries, else null */
  const int32_t* offsets; /* the same, or null where all are 0 */
  uint32_t scale_count;
  int32_t rank;
  int32_t dims[6];
  int64_t bytes;
  int64_t arena_offset;   /* -1: not in the arena */
  int64_t weight_offset;  /* -1: not static */
} qnnx_model_tensor;

typedef struct qnnx_model_step {
  const char* name;
  const char* type;       /* QNN op name */
  int64_t macs;
  const int32_t* inputs;  /* tensor indices, -1: left out */
  const int32_t* outputs;
  int32_t input_count;
  int32_t output_count;
} qnnx_model_step;

/* Threads that belong to the caller: run() calls work(data, 0 .. count - 1), each once, in any order, on any threads, and
   returns when all are done. It is called once for each step that is worth it, with 2 <= count <= threads; results do not
   depend on threads. */
typedef struct qnnx_executor {
  int32_t threads;
  void* context;
  void (*run)(void* context, void (*work)(void* data, int32_t index), void* data, int32_t count);
} qnnx_executor;

typedef struct qnnx_model {
  uint32_t abi_version;
  uint32_t rounding; /* 0 nearest even, 1 TFLite, 2 half up */
  const char* name;
  const char* isa;   /* instruction set of the kernels inside */
  int64_t arena_bytes;
  int64_t weight_bytes;
  int64_t packed_bytes;
  int64_t macs;
  const qnnx_model_tensor* tensors;
  const qnnx_model_step* steps;
  const int32_t* inputs; /* tensor indices in the graph's order */
  const int32_t* outputs;
  int32_t tensor_count;
  int32_t step_count;
  int32_t input_count;
  int32_t output_count;
  const void* weights;   /* the embedded blob, or null: the caller brings weight_bytes bytes */
  /* All memory is 64-byte aligned (firmware archives: the arena 16-byte). Where an archive was made for several memory
     banks, `arena` points to an array of as many pointers. `packed` is `prepacked` where there is one; else it is made once
     by pack(). It may be null where packed_bytes is 0. */
  void (*run)(void* arena, const void* weights, const void* packed);
  void (*run_step)(void* arena, const void* weights, const void* packed, int32_t step);
  void (*pack)(void* arena, const void* weights, void* packed);
  /* Steps [first, last) on an executor. For n threads the arena has arena_bytes rounded up to 64 and (n - 1) *
     thread_bytes more. Null in firmware. */
  void (*run_on)(const qnnx_executor* executor, void* arena, const void* weights, const void* packed, int32_t first, int32_t last);
  int64_t thread_bytes;
  const void* prepacked; /* what pack() makes, embedded when the library was built, or null: then pack() makes it */
} qnnx_model;

/* Section .qnnx_facts of a firmware object: read by the library generator, dropped by the linker. */
#define QNNX_MODEL_FACTS_VERSION 3u
typedef struct qnnx_model_facts {
  uint32_t version;
  uint32_t count; /* rows that follow: inputs, then outputs */
  uint32_t peak_count; /* then rows of what lives when the arena is fullest; kind 255: scratch of the step */
  uint32_t peak_step;
  char peak_name[112]; /* of the step */
  int64_t arena_bytes;
  int64_t weight_bytes;
  int64_t packed_bytes;
  int64_t macs;
  int64_t steps;
} qnnx_model_facts;
typedef struct qnnx_model_fact {
  char name[112];
  int64_t arena_offset;
  int64_t bytes;
  uint32_t kind;
  uint32_t type;
  float scale;
  int32_t offset;
  int32_t rank;
  int32_t dims[7];
} qnnx_model_fact;

#ifdef __cplusplus
}
#endif
#endif
