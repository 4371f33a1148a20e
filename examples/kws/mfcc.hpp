// SPDX-License-Identifier: Apache-2.0
#pragma once
// Cepstral coefficients of speech in integers: window, transform of 512 points, magnitudes, mel bands, logarithm,
// cosine transform. The definition is TensorFlow's (tf.signal.stft, linear_to_mel_weight_matrix,
// mfccs_from_log_mel_spectrograms) with MLPerf Tiny's settings: samples divided by the clip's largest, magnitudes,
// log(x + 1e-6). No heap, no libm.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "tables.hpp"

namespace mfcc {

struct complex {
  std::int32_t re = 0;
  std::int32_t im = 0;
};

/// sin and cos of k / 512 of a turn, k from 0 to 256, 2^30 = 1.
inline std::int32_t sine(int k) {
  return quarter_sine[static_cast<std::size_t>(k <= points / 4 ? k : points / 2 - k)];
}
inline std::int32_t cosine(int k) {
  return k <= points / 4 ? sine(points / 4 - k) : -sine(k - points / 4);
}

/// exp(-i turn k / 512), and a product with it.
struct turn {
  std::int32_t c;
  std::int32_t s;
  explicit turn(int k) : c(cosine(k)), s(sine(k)) {}
  complex operator()(complex a) const {
    return {static_cast<std::int32_t>((std::int64_t{a.re} * c + std::int64_t{a.im} * s + half) >> 30),
            static_cast<std::int32_t>((std::int64_t{a.im} * c - std::int64_t{a.re} * s + half) >> 30)};
  }
  static constexpr std::int64_t half = 1 << 29;
};

/// Discrete Fourier transform of 256 complex points, in place, unscaled: the caller leaves room for the sum.
inline void transform(complex* x) {
  constexpr unsigned n = points / 2;
  for (unsigned i = 1, j = 0; i < n; ++i) {  // bit-reversed order
    unsigned bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (unsigned half = 1; half < n; half *= 2)
    for (unsigned k = 0; k < half; ++k) {
      const turn w(static_cast<int>(k * (n / half)));
      for (unsigned at = k; at < n; at += 2 * half) {
        const complex a = x[at];
        const complex b = k == 0 ? x[at + half] : w(x[at + half]);
        x[at] = {a.re + b.re, a.im + b.im};
        x[at + half] = {a.re - b.re, a.im - b.im};
      }
    }
}

/// Square root to 16 bits: two steps of Newton's from a straight line.
inline std::uint32_t root(std::uint64_t v) {
  if (v == 0) return 0;
  const int shift = std::countl_zero(v) & ~1;
  const auto m = static_cast<std::uint32_t>((v << shift) >> 32);  // [2^30, 2^32)
  std::uint32_t y = (m >> 17) + (m >> 20) + 27351;                // 0.5627 m + 0.4173 of full range, within 2 %
  y = (y + m / y) >> 1;
  y = (y + m / y) >> 1;
  const int up = 16 - shift / 2;
  return up >= 0 ? y << up : y >> -up;
}

/// Base-2 logarithm, 2^16 = 1, of v > 0: table of 64 pieces, straight between.
inline std::int32_t log2(std::uint64_t v) {
  const int shift = std::countl_zero(v);
  const auto m = static_cast<std::uint32_t>((v << shift) >> 32) << 1;  // fraction of 32 bits
  const std::uint32_t piece = m >> 26;
  const auto within = static_cast<std::int32_t>((m >> 10) & 0xffff);
  const std::int32_t low = log2_table[piece];
  const std::int32_t rise = log2_table[piece + 1] - low;
  return ((63 - shift) << 16) + low + ((rise * within + 0x8000) >> 16);
}

/// Coefficients of one frame after another. 2.4 KB of RAM.
class front_end {
 public:
  /// The clip's largest sample, by which MLPerf Tiny divides (dividing before a logarithm is subtracting after it), and
  /// by how many bits a soft clip may grow.
  void start(const std::int16_t* samples, int count) {
    const auto [low, high] = std::minmax_element(samples, samples + count);
    const auto loudest = static_cast<unsigned>(std::max<int>(*high, ~*low));
    grow_ = std::max(0, std::countl_zero(loudest) - 17);
    const auto peak = static_cast<std::uint64_t>(std::max<int>(*high, 1)) << grow_;
    floor_ = peak * one / 1000000;  // 1e-6
    reference_ = log2(peak * one);
  }
  /// 480 samples to 10 coefficients, 2^16 = 1.
  void frame(const std::int16_t* samples, std::int32_t* out) {
    load(samples);
    transform(data_);
    collect();
    std::int32_t level[mels];
    for (int m = 0; m < mels; ++m) level[m] = log2((band_[m] << 8) + floor_) - reference_;
    for (std::size_t k = 0; k < coefficients; ++k) {
      std::int64_t sum = 1 << 16;
      for (std::size_t m = 0; m < mels; ++m) sum += std::int64_t{cosines[k][m]} * level[m];
      out[k] = static_cast<std::int32_t>(sum >> 17);
    }
  }

 private:
  /// A sample of 1 in the mel bands: 2^7 in the transform, 2 by its halves, 2^15 by the triangles; 2^8 more where the
  /// floor is added, a part of a bit in silence.
  static constexpr std::uint64_t one = std::uint64_t{1} << 31;

  /// Even samples to the real parts, odd ones to the imaginary. Below 2^22, so that sums of 256 stay below 2^30.
  void load(const std::int16_t* samples) {
    const auto weighted = [&](int n) {
      const std::int64_t w = half_hann[static_cast<std::size_t>(n <= window / 2 ? n : window - n)];
      return static_cast<std::int32_t>(((samples[n] * w << grow_) + (1 << 22)) >> 23);
    };
    for (int n = 0; n < points / 2; ++n)
      data_[n] = 2 * n < window ? complex{weighted(2 * n), weighted(2 * n + 1)} : complex{};
  }
  /// Twice bin k of the 512 real points is A - i exp(-i turn k / 512) B with A = Z[k] + Z*[256 - k], B = Z[k] - Z*[256
  /// - k].
  void collect() {
    std::fill_n(band_, mels, 0);
    for (int k = 0; k < bins; ++k) {
      const slope s = slopes[static_cast<std::size_t>(k)];
      if (s.band == 255) continue;
      const complex z = data_[k];
      const complex y = data_[points / 2 - k];
      const complex b = turn(k)({z.re - y.re, z.im + y.im});
      const std::int64_t re = std::int64_t{z.re} + y.re + b.im;
      const std::int64_t im = std::int64_t{z.im} - y.im - b.re;
      const std::uint64_t size = root(static_cast<std::uint64_t>(re * re) + static_cast<std::uint64_t>(im * im));
      if (s.band < mels) band_[s.band] += size * s.rise;
      if (s.band > 0) band_[s.band - 1] += size * (32768u - s.rise);
    }
  }

  complex data_[points / 2] = {};
  std::uint64_t band_[mels] = {};
  int grow_ = 0;
  std::uint64_t floor_ = 0;
  std::int32_t reference_ = 0;
};

/// The stored value of a coefficient in a tensor of Scale and Offset, real = (q + Offset) * Scale; T: its type.
template <class T>
constexpr T stored(std::int32_t value, std::int64_t per_scale, std::int32_t offset) {
  const std::int64_t q = ((value * per_scale + (std::int64_t{1} << 31)) >> 32) - offset;
  constexpr bool is_signed = T(-1) < T(0);
  constexpr std::int64_t lowest = is_signed ? -128 : 0;
  return static_cast<T>(std::clamp<std::int64_t>(q, lowest, lowest + 255));
}
/// 1 / scale for stored(), 2^16 = 1; a constant of the program.
consteval std::int64_t inverse(double scale) {
  return static_cast<std::int64_t>(65536 / scale + 0.5);
}

}  // namespace mfcc
