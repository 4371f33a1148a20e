// SPDX-License-Identifier: Apache-2.0
// XNNPACK as a peer of kernel_bench: add, multiply, sigmoid, tanh and softmax of u8 data (and of floats where it has
// them).
#include <xnnpack.h>

#include <cstdint>
#include <random>
#include <vector>

#include "peer.h"

namespace {

struct opened_layer {
  xnn_operator_t run = nullptr;
  std::vector<std::uint8_t> a, b, y;
};

std::vector<std::uint8_t> filled(std::size_t n, bool floats, unsigned seed) {
  std::mt19937 g(seed);
  std::vector<std::uint8_t> v(n * (floats ? 4 : 1) + 64);
  if (floats) {
    std::uniform_real_distribution<float> real(-1.0f, 1.0f);
    for (std::size_t i = 0; i < n; ++i) reinterpret_cast<float*>(v.data())[i] = real(g);
  } else {
    for (std::uint8_t& x : v) x = static_cast<std::uint8_t>(g());
  }
  return v;
}

}  // namespace

extern "C" const char* peer_version() {
  return "XNNPACK of Debian 12 (2022-02-16)";
}
extern "C" void* peer_open(const peer_layer* l) {
  if (xnn_initialize(nullptr) != xnn_status_success) return nullptr;
  const auto rows = static_cast<std::size_t>(l->height);
  const auto depth = static_cast<std::size_t>(l->depth);
  const std::size_t shape[2] = {rows, depth};
  auto* o = new opened_layer{nullptr, filled(rows * depth, l->floats, 1), filled(rows * depth, l->floats, 2),
                             filled(rows * depth, l->floats, 3)};
  auto* fa = reinterpret_cast<float*>(o->a.data());
  auto* fb = reinterpret_cast<float*>(o->b.data());
  auto* fy = reinterpret_cast<float*>(o->y.data());
  const float inf = 1e30f;
  xnn_status s = xnn_status_unsupported_parameter;
  switch (l->kind) {
    case peer_add:
      if (l->floats) {
        s = xnn_create_add_nd_f32(-inf, inf, 0, &o->run);
        if (s == xnn_status_success) s = xnn_setup_add_nd_f32(o->run, 2, shape, 2, shape, fa, fb, fy, nullptr);
      } else {
        s = xnn_create_add_nd_qu8(128, 0.05f, 128, 0.05f, 128, 0.05f, 0, 255, 0, &o->run);
        if (s == xnn_status_success)
          s = xnn_setup_add_nd_qu8(o->run, 2, shape, 2, shape, o->a.data(), o->b.data(), o->y.data(), nullptr);
      }
      break;
    case peer_multiply:
      if (l->floats) {
        s = xnn_create_multiply_nd_f32(-inf, inf, 0, &o->run);
        if (s == xnn_status_success) s = xnn_setup_multiply_nd_f32(o->run, 2, shape, 2, shape, fa, fb, fy, nullptr);
      } else {
        s = xnn_create_multiply_nd_qu8(128, 0.05f, 128, 0.05f, 128, 0.05f, 0, 255, 0, &o->run);
        if (s == xnn_status_success)
          s = xnn_setup_multiply_nd_qu8(o->run, 2, shape, 2, shape, o->a.data(), o->b.data(), o->y.data(), nullptr);
      }
      break;
    case peer_sigmoid:
      if (l->floats) {
        s = xnn_create_sigmoid_nc_f32(depth, depth, depth, 0, &o->run);
        if (s == xnn_status_success) s = xnn_setup_sigmoid_nc_f32(o->run, rows, fa, fy, nullptr);
      } else {
        s = xnn_create_sigmoid_nc_qu8(depth, depth, depth, 128, 0.05f, 0, 1.0f / 256, 0, 255, 0, &o->run);
        if (s == xnn_status_success) s = xnn_setup_sigmoid_nc_qu8(o->run, rows, o->a.data(), o->y.data(), nullptr);
      }
      break;
    case peer_tanh:
      if (l->floats) break;
      s = xnn_create_tanh_nc_qu8(depth, depth, depth, 128, 0.05f, 128, 1.0f / 128, 0, 255, 0, &o->run);
      if (s == xnn_status_success) s = xnn_setup_tanh_nc_qu8(o->run, rows, o->a.data(), o->y.data(), nullptr);
      break;
    case peer_softmax:
      if (l->floats) {
        s = xnn_create_softmax_nc_f32(depth, depth, depth, 0, &o->run);
        if (s == xnn_status_success) s = xnn_setup_softmax_nc_f32(o->run, rows, fa, fy, nullptr);
      } else {
        s = xnn_create_softmax_nc_qu8(depth, depth, depth, 0.05f, 0, 1.0f / 256, 0, &o->run);
        if (s == xnn_status_success) s = xnn_setup_softmax_nc_qu8(o->run, rows, o->a.data(), o->y.data(), nullptr);
      }
      break;
    default:
      break;
  }
  if (s != xnn_status_success) {
    peer_close(o);
    return nullptr;
  }
  return o;
}
extern "C" void peer_run(void* opened) {
  xnn_run_operator(static_cast<opened_layer*>(opened)->run, nullptr);
}
extern "C" void peer_close(void* opened) {
  auto* o = static_cast<opened_layer*>(opened);
  if (o->run) xnn_delete_operator(o->run);
  delete o;
}
