// SPDX-License-Identifier: Apache-2.0
// oneDNN as a peer of kernel_bench: convolutions, depthwise, products (inner product), add, softmax. Weights are
// reordered once into the layout that the library chooses; u8 data without zero point, s8 weights with a scale per
// channel: its fast paths. ONEDNN_MAX_CPU_ISA limits the instruction set.
#include <oneapi/dnnl/dnnl.hpp>

#include <cstdint>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "peer.h"

using namespace dnnl;
using dt = memory::data_type;
using tag = memory::format_tag;

namespace {

struct opened_layer {
  primitive run;
  std::unordered_map<int, memory> args;
};
engine& cpu() {
  static engine e(engine::kind::cpu, 0);
  return e;
}
stream& queue() {
  static stream s(cpu());
  return s;
}

memory filled(const memory::desc& d) {
  memory m(d, cpu());
  std::mt19937 g(5);
  const std::size_t bytes = d.get_size();
  if (d.get_data_type() == dt::f32) {
    std::uniform_real_distribution<float> real(-1.0f, 1.0f);
    auto* p = static_cast<float*>(m.get_data_handle());
    for (std::size_t i = 0; i < bytes / 4; ++i) p[i] = real(g);
  } else if (d.get_data_type() == dt::s32) {
    auto* p = static_cast<std::int32_t*>(m.get_data_handle());
    for (std::size_t i = 0; i < bytes / 4; ++i) p[i] = static_cast<std::int32_t>(g() % 2000) - 1000;
  } else {
    auto* p = static_cast<std::uint8_t*>(m.get_data_handle());
    for (std::size_t i = 0; i < bytes; ++i) p[i] = static_cast<std::uint8_t>(g());
  }
  return m;
}
memory scales(std::int64_t n) {
  memory m({{n}, dt::f32, tag::x}, cpu());
  for (std::int64_t i = 0; i < n; ++i) static_cast<float*>(m.get_data_handle())[i] = 0.01f;
  return m;
}
/// Weights in `plain` layout, reordered to what the primitive wants.
memory packed(const memory::desc& plain, const memory::desc& wanted) {
  memory from = filled(plain);
  memory to(wanted, cpu());
  reorder(from, to).execute(queue(), from, to);
  queue().wait();
  return to;
}

opened_layer window(const peer_layer& l) {
  const bool depthwise = l.kind == peer_depthwise;
  const dt data = l.floats ? dt::f32 : dt::u8;
  const dt weight = l.floats ? dt::f32 : dt::s8;
  const memory::dim pad = (l.kernel - 1) / 2;
  const memory::dim out_h = (l.height + 2 * pad - l.kernel) / l.stride + 1;
  const memory::dim out_w = (l.width + 2 * pad - l.kernel) / l.stride + 1;
  const memory::desc x({1, l.depth, l.height, l.width}, data, tag::nhwc);
  const memory::desc y({1, l.channels, out_h, out_w}, data, tag::nhwc);
  const memory::dims shape = depthwise ? memory::dims{l.channels, 1, 1, l.kernel, l.kernel}
                                       : memory::dims{l.channels, l.depth, l.kernel, l.kernel};
  const memory::desc b({l.channels}, l.floats ? dt::f32 : dt::s32, tag::x);
  primitive_attr attr;
  if (!l.floats) {
    attr.set_scales_mask(DNNL_ARG_SRC, 0);
    attr.set_scales_mask(DNNL_ARG_WEIGHTS, depthwise ? 3 : 1);
    attr.set_scales_mask(DNNL_ARG_DST, 0);
  }
  const convolution_forward::primitive_desc pd(cpu(), prop_kind::forward_inference, algorithm::convolution_direct, x,
                                               {shape, weight, tag::any}, b, y, {l.stride, l.stride}, {0, 0},
                                               {pad, pad}, {pad, pad}, attr);
  opened_layer o{convolution_forward(pd), {}};
  o.args = {{DNNL_ARG_SRC, filled(x)},
            {DNNL_ARG_WEIGHTS, packed({shape, weight, depthwise ? tag::goihw : tag::oihw}, pd.weights_desc())},
            {DNNL_ARG_BIAS, filled(b)},
            {DNNL_ARG_DST, memory(y, cpu())}};
  if (!l.floats) {
    o.args[DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC] = scales(1);
    o.args[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] = scales(l.channels);
    o.args[DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST] = scales(1);
  }
  return o;
}
opened_layer product(const peer_layer& l) {
  const dt data = l.floats ? dt::f32 : dt::u8;
  const dt weight = l.floats ? dt::f32 : dt::s8;
  const memory::desc x({l.height, l.depth}, data, tag::ab);
  const memory::desc y({l.height, l.channels}, data, tag::ab);
  const memory::desc b({1, l.channels}, l.floats ? dt::f32 : dt::s32, tag::ab);
  primitive_attr attr;
  if (!l.floats) {
    attr.set_scales_mask(DNNL_ARG_SRC, 0);
    attr.set_scales_mask(DNNL_ARG_WEIGHTS, 2);
    attr.set_scales_mask(DNNL_ARG_DST, 0);
  }
  const matmul::primitive_desc pd(cpu(), x, {{l.depth, l.channels}, weight, tag::any}, b, y, attr);
  opened_layer o{matmul(pd), {}};
  o.args = {{DNNL_ARG_SRC, filled(x)},
            {DNNL_ARG_WEIGHTS, packed({{l.depth, l.channels}, weight, tag::ab}, pd.weights_desc())},
            {DNNL_ARG_BIAS, filled(b)},
            {DNNL_ARG_DST, memory(y, cpu())}};
  if (!l.floats) {
    o.args[DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC] = scales(1);
    o.args[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] = scales(l.channels);
    o.args[DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST] = scales(1);
  }
  return o;
}
opened_layer two_operands(const peer_layer& l) {
  const memory::desc d({l.height, l.depth}, l.floats ? dt::f32 : dt::u8, tag::ab);
  primitive_attr attr;
  if (!l.floats) {
    attr.set_scales_mask(DNNL_ARG_SRC_0, 0);
    attr.set_scales_mask(DNNL_ARG_SRC_1, 0);
  }
  const binary::primitive_desc pd(cpu(), l.kind == peer_add ? algorithm::binary_add : algorithm::binary_mul, d, d, d,
                                  attr);
  opened_layer o{binary(pd),
                 {{DNNL_ARG_SRC_0, filled(d)}, {DNNL_ARG_SRC_1, filled(d)}, {DNNL_ARG_DST, memory(d, cpu())}}};
  if (!l.floats) {
    o.args[DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC_0] = scales(1);
    o.args[DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC_1] = scales(1);
  }
  return o;
}
opened_layer rows(const peer_layer& l) {
  const memory::desc d({l.height, l.depth}, l.floats ? dt::f32 : dt::u8, tag::ab);
  primitive_attr attr;
  if (!l.floats) {
    attr.set_scales_mask(DNNL_ARG_SRC, 0);
    attr.set_scales_mask(DNNL_ARG_DST, 0);
  }
  const softmax_forward::primitive_desc pd(cpu(), prop_kind::forward_inference, algorithm::softmax_accurate, d, d, 1,
                                           attr);
  opened_layer o{softmax_forward(pd), {{DNNL_ARG_SRC, filled(d)}, {DNNL_ARG_DST, memory(d, cpu())}}};
  if (!l.floats) {
    o.args[DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC] = scales(1);
    o.args[DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST] = scales(1);
  }
  return o;
}

}  // namespace

extern "C" const char* peer_version() {
  static const std::string text = [] {
    const auto* v = dnnl_version();
    return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
  }();
  return text.c_str();
}
extern "C" void* peer_open(const peer_layer* l) try {
  switch (l->kind) {
    case peer_conv:
    case peer_depthwise:
      return new opened_layer(window(*l));
    case peer_product:
      return new opened_layer(product(*l));
    case peer_add:
    case peer_multiply:
      return new opened_layer(two_operands(*l));
    case peer_softmax:
      return new opened_layer(rows(*l));
    default:
      return nullptr;
  }
} catch (const error&) {
  return nullptr;
}
extern "C" void peer_run(void* opened) {
  auto* o = static_cast<opened_layer*>(opened);
  o->run.execute(queue(), o->args);
  queue().wait();
}
extern "C" void peer_close(void* opened) {
  delete static_cast<opened_layer*>(opened);
}
