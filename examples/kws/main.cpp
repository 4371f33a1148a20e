// SPDX-License-Identifier: Apache-2.0
// Keyword spotting on a microcontroller: a second of int16 samples, the fixed-point front end, an int8 network. Here
// the samples are made by synth.hpp; on a board they come from a microphone's DMA buffer.
#include <type_traits>

#include "board.hpp"
#include "kws.h"  // of qnnx-model-lib-generator
#include "mfcc.hpp"
#include "synth.hpp"

namespace {

alignas(16) unsigned char arena[KWS_ARENA_BYTES];
std::int16_t audio[mfcc::rate];
mfcc::front_end front;

using stored = std::remove_pointer_t<decltype(kws_input_input_1(arena))>;
constexpr int classes = KWS_OUTPUT_IDENTITY_BYTES;
static_assert(KWS_INPUT_INPUT_1_BYTES == mfcc::frames * mfcc::coefficients);

/// The features go straight to the network's input, in the arena.
void listen() {
  constexpr std::int64_t per_scale = mfcc::inverse(KWS_INPUT_INPUT_1_SCALE);
  stored* to = kws_input_input_1(arena);
  front.start(audio, mfcc::rate);
  for (int f = 0; f < mfcc::frames; ++f) {
    std::int32_t c[mfcc::coefficients];
    front.frame(audio + f * mfcc::stride, c);
    for (const std::int32_t value : c) *to++ = mfcc::stored<stored>(value, per_scale, KWS_INPUT_INPUT_1_OFFSET);
  }
}

template <class T>
std::uint32_t checksum(const T* p, int count) {  // FNV-1a: for the test
  std::uint32_t h = 2166136261u;
  for (int i = 0; i < count; ++i) h = (h ^ static_cast<unsigned char>(p[i])) * 16777619u;
  return h;
}

}  // namespace

extern "C" int app_main() {
  for (int kind = 0; kind < synth::kinds; ++kind) {
    synth::make(kind, 7, audio);
    board::print("sound ");
    board::print(synth::names[kind]);
    board::start_timer();
    listen();
    board::print("\nfront_end", static_cast<std::uint32_t>(board::ticks()));
    board::print("features", checksum(kws_input_input_1(arena), KWS_INPUT_INPUT_1_BYTES));
    board::start_timer();
    kws_infer(arena);
    board::print("network", static_cast<std::uint32_t>(board::ticks()));
    const auto* score = kws_output_Identity(arena);
    board::print("scores", checksum(score, classes));
    board::print("heard", static_cast<std::uint32_t>(std::max_element(score, score + classes) - score));
  }
  return 0;
}
