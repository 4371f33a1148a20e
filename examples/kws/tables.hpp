// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tables of the front end, made in constant evaluation: no floating point is left in the program.
#include <array>
#include <cstdint>

namespace mfcc {

/// The features of MLPerf Tiny's keyword spotting: one second at 16 kHz, 49 frames of 30 ms every 20 ms, 40 mel bands
/// from 20 to 4000 Hz, 10 cepstral coefficients.
inline constexpr int rate = 16000;
inline constexpr int window = 480;
inline constexpr int stride = 320;
inline constexpr int points = 512;  // of the transform; the window is followed by zeros
inline constexpr int mels = 40;
inline constexpr int coefficients = 10;
inline constexpr int frames = 1 + (rate - window) / stride;
inline constexpr double low_hz = 20;
inline constexpr double high_hz = 4000;
inline constexpr int bins = 128;  // 0 to 127 of 257: bin 128 is 4000 Hz, where the last band has ended

namespace maths {  // of constants only

inline constexpr double pi = 3.14159265358979323846;

/// Taylor series, for angles within a turn or so.
constexpr double sine(double x) {
  double term = x;
  double sum = x;
  for (int n = 1; n < 20; ++n) {
    term *= -x * x / ((2 * n) * (2 * n + 1));
    sum += term;
  }
  return sum;
}
/// Sine of a part of a turn, reduced to the half turn around 0.
constexpr double sine_of_turn(double t) {
  t -= static_cast<double>(static_cast<long long>(t));
  if (t > 0.5) t -= 1;
  return sine(2 * pi * t);
}
constexpr double cosine_of_turn(double t) {
  return sine_of_turn(t + 0.25);
}

/// ln(x) = 2 artanh((x - 1) / (x + 1)), after halving to [1, 2).
constexpr double log(double x) {
  double halvings = 0;
  for (; x >= 2; x /= 2) ++halvings;
  for (; x < 1; x *= 2) --halvings;
  const auto series = [](double y) {
    const double z = (y - 1) / (y + 1);
    double power = z;
    double sum = 0;
    for (int n = 1; n < 60; n += 2) {
      sum += power / n;
      power *= z * z;
    }
    return 2 * sum;
  };
  return series(x) + halvings * series(2);
}
constexpr double root(double x) {
  double y = x > 1 ? x : 1;
  for (int i = 0; i < 60; ++i) y = (y + x / y) / 2;
  return y;
}
constexpr double mel(double hz) {
  return 1127 * log(1 + hz / 700);
}
template <class T>
constexpr T rounded(double x) {
  return static_cast<T>(x < 0 ? x - 0.5 : x + 0.5);
}

}  // namespace maths

/// Sine of k / 512 of a turn for a quarter of it, 2^30 = 1.
inline constexpr auto quarter_sine = [] {
  std::array<std::int32_t, points / 4 + 1> t{};
  for (int k = 0; k <= points / 4; ++k)
    t[static_cast<std::size_t>(k)] = maths::rounded<std::int32_t>(maths::sine_of_turn(k / double{points}) * (1 << 30));
  return t;
}();

/// First half and middle of the Hann window (periodic: w[n] = w[480 - n]), 2^30 = 1: its errors are noise beside a loud
/// tone.
inline constexpr auto half_hann = [] {
  std::array<std::int32_t, window / 2 + 1> t{};
  for (int n = 0; n <= window / 2; ++n)
    t[static_cast<std::size_t>(n)] =
        maths::rounded<std::int32_t>((0.5 - 0.5 * maths::cosine_of_turn(n / double{window})) * (1 << 30));
  return t;
}();

/// Triangles overlap by halves: a bin lies on the rising side of one band and the falling side of the band below.
struct slope {
  std::uint8_t band = 0;   // whose rising side it is, 0 to 40; the band below is band - 1. 255: below 20 Hz
  std::uint16_t rise = 0;  // its weight there, 2^15 = 1; the rest belongs to the band below
};
inline constexpr auto slopes = [] {
  std::array<slope, bins> t{};
  const double step = (maths::mel(high_hz) - maths::mel(low_hz)) / (mels + 1);
  for (int k = 0; k < bins; ++k) {
    const double at = (maths::mel(k * double{rate} / points) - maths::mel(low_hz)) / step;
    if (k == 0 || at < 0)  // the constant part is left out
      t[static_cast<std::size_t>(k)] = {255, 0};
    else
      t[static_cast<std::size_t>(k)] = {static_cast<std::uint8_t>(at),
                                        maths::rounded<std::uint16_t>((at - static_cast<int>(at)) * 32768)};
  }
  return t;
}();

/// log2(1 + k / 64), 2^16 = 1.
inline constexpr auto log2_table = [] {
  std::array<std::int32_t, 65> t{};
  for (int k = 0; k <= 64; ++k)
    t[static_cast<std::size_t>(k)] = maths::rounded<std::int32_t>(maths::log(1 + k / 64.0) / maths::log(2) * 65536);
  return t;
}();

/// Cosine transform of base-2 logarithms, to cepstral coefficients of natural ones: cos(pi k (m + 1/2) / 40) ln 2 times
/// 2 / sqrt(2 * 40), 2^17 = 1.
inline constexpr auto cosines = [] {
  std::array<std::array<std::int16_t, mels>, coefficients> t{};
  const double scale = maths::log(2) * 2 / maths::root(2 * mels) * (1 << 17);
  for (int k = 0; k < coefficients; ++k)
    for (int m = 0; m < mels; ++m)
      t[static_cast<std::size_t>(k)][static_cast<std::size_t>(m)] =
          maths::rounded<std::int16_t>(maths::cosine_of_turn(k * (m + 0.5) / (2 * mels)) * scale);
  return t;
}();

}  // namespace mfcc
