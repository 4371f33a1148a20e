/* SPDX-License-Identifier: Apache-2.0
 * What kernel_bench asks of another library: one layer, made once, run often, on one thread. A peer is a shared library
 * with these functions; bench/setup_peers.sh builds one per library, so that nothing else needs the libraries' headers.
 */
#ifndef QNNX_BENCH_PEER_H
#define QNNX_BENCH_PEER_H
#ifdef __cplusplus
extern "C" {
#endif

enum peer_kind { peer_none, peer_conv, peer_depthwise, peer_product, peer_add, peer_multiply, peer_sigmoid, peer_tanh, peer_softmax };

struct peer_layer {
  int kind;     /* peer_kind */
  int floats;   /* else 8 bit: u8 data, s8 weights with a scale per channel, 32-bit bias */
  int height, width, depth;        /* data, NHWC; product: height rows of depth; element by element: height rows of depth */
  int channels, kernel, stride;    /* result; padding (kernel - 1) / 2 */
};

const char* peer_version(void);
/* Null where the library does not have the layer. Data is random, never zeros. */
void* peer_open(const struct peer_layer* layer);
void peer_run(void* opened);
void peer_close(void* opened);

#ifdef __cplusplus
}
#endif
#endif
