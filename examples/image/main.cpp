// SPDX-License-Identifier: Apache-2.0
// Image classification: bytes of pixels in, the best class out. It reads sizes, places and encodings from the model's
// table, so any classifier of 8-bit images fits without a change.
#include <algorithm>

#include "board.hpp"
#include "image.h"   // of qnnx-model-lib-generator: sizes
#include "images.h"  // image_bytes, image_count, image_pixel (what a step of a byte is worth), images
#include "qnnx/model/abi.h"

extern "C" const qnnx_model* image_get(void);

namespace {

alignas(16) unsigned char arena[IMAGE_ARENA_BYTES];
constexpr std::uint32_t unsigned_8 = 0x408;  // Qnn_DataType_t: fixed point, unsigned, 8 bits; 0x308: signed

/// real = byte * image_pixel = (q + offset) * scale.
void show(const unsigned char* pixels, const qnnx_model_tensor& to) {
  const int lowest = to.type == unsigned_8 ? 0 : -128;
  const auto per_byte = static_cast<std::int32_t>(image_pixel / to.scale * 65536.0f + 0.5f);
  for (int n = 0; n < image_bytes; ++n) {
    const int q = ((pixels[n] * per_byte + 0x8000) >> 16) - to.offset;
    arena[to.arena_offset + n] = static_cast<unsigned char>(std::clamp(q, lowest, lowest + 255));
  }
}

}  // namespace

extern "C" int app_main() {
  const qnnx_model* m = image_get();
  const qnnx_model_tensor& in = m->tensors[m->inputs[0]];
  const qnnx_model_tensor& out = m->tensors[m->outputs[0]];
  if (in.bytes != image_bytes) return 1;
  for (const auto& pixels : images) {
    show(pixels, in);
    board::start_timer();
    image_infer(arena);
    board::print("network", static_cast<std::uint32_t>(board::ticks()));
    const unsigned char* score = arena + out.arena_offset;
    const auto flip = static_cast<unsigned char>(out.type == unsigned_8 ? 0 : 0x80);
    std::uint32_t h = 2166136261u;  // FNV-1a: for the test
    int best = 0;
    for (int n = 0; n < out.bytes; ++n) {
      h = (h ^ score[n]) * 16777619u;
      if ((score[n] ^ flip) > (score[best] ^ flip)) best = n;
    }
    board::print("hash", h);
    board::print("class", static_cast<std::uint32_t>(best));
  }
  return 0;
}
