// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sounds to spot, made in integers so that a board, a host and the trainer hear the same: tones, sweeps and beeps in
// noise, with pitch, loudness, beginning and end drawn from a seed.
#include <cstdint>

#include "mfcc.hpp"

namespace synth {

inline constexpr int kinds = 6;
inline constexpr const char* names[kinds] = {"noise", "low", "high", "rising", "falling", "beeps"};

class random {
 public:
  explicit random(std::uint32_t seed) : state_(seed * 2654435761u + 12345u) { next(); }
  std::uint32_t next() { return state_ = state_ * 1664525u + 1013904223u; }
  std::int32_t between(std::int32_t lo, std::int32_t hi) {  // lo <= value < hi
    return lo +
           static_cast<std::int32_t>((static_cast<std::uint64_t>(next()) * static_cast<std::uint32_t>(hi - lo)) >> 32);
  }

 private:
  std::uint32_t state_;
};

/// Sine of a phase (2^32 = a turn), 2^15 = 1.
inline std::int32_t sine(std::uint32_t phase) {
  const auto k = static_cast<int>((phase >> 23) & 0xff);
  return (phase >> 31 ? -mfcc::sine(k) : mfcc::sine(k)) >> 15;
}

/// A second of sound of one kind.
inline void make(int kind, std::uint32_t seed, std::int16_t* samples) {
  random r(seed * kinds + static_cast<std::uint32_t>(kind));
  const std::int32_t noise = r.between(50, 1500);
  const std::int32_t loud = kind == 0 ? 0 : r.between(4000, 24000);
  const std::int32_t begin = r.between(0, 3000);
  const std::int32_t end = r.between(12500, 16000);
  const std::int32_t low = r.between(250, 550);
  const std::int32_t high = r.between(1500, 2800);
  const std::int32_t pause = r.between(1000, 1800);
  std::int32_t from = low;
  std::int32_t to = low;
  if (kind == 2 || kind == 4) from = high;
  if (kind == 2 || kind == 3) to = high;
  if (kind == 5) from = to = r.between(800, 1300);
  std::uint32_t phase = r.next();
  for (std::int32_t n = 0; n < mfcc::rate; ++n) {
    const bool on = n >= begin && n < end && (kind != 5 || ((n - begin) / pause) % 2 == 0);
    const std::int32_t hz = from + (to - from) * (n - begin) / (end - begin);
    phase += static_cast<std::uint32_t>(on ? hz : 0) * 268435u;  // 2^32 / 16000
    const std::int32_t tone = on ? (sine(phase) * (loud >> 1)) >> 14 : 0;
    samples[n] = static_cast<std::int16_t>(tone + r.between(-noise, noise));
  }
}

}  // namespace synth
