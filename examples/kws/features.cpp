// SPDX-License-Identifier: Apache-2.0
// The board's sounds and features on a host. `features FOLDER FIRST_SEED COUNT` writes <kind>_<seed>.pcm (int16, 16000
// samples) and .q16 (int32, 2^16 = 1, 49 x 10 coefficients) of every kind; `features FILE.pcm...` a .q16 beside each.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "mfcc.hpp"
#include "synth.hpp"

namespace {

template <class T>
bool write(const std::string& path, const std::vector<T>& data) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size() * sizeof(T)));
  return static_cast<bool>(file);
}

std::vector<std::int32_t> features_of(const std::vector<std::int16_t>& samples) {
  mfcc::front_end front;
  std::vector<std::int32_t> features(mfcc::frames * mfcc::coefficients);
  front.start(samples.data(), mfcc::rate);
  for (int f = 0; f < mfcc::frames; ++f)
    front.frame(samples.data() + f * mfcc::stride, features.data() + f * mfcc::coefficients);
  return features;
}

int of_files(int count, char** paths) {
  for (int k = 0; k < count; ++k) {
    const std::string path = paths[k];
    std::vector<std::int16_t> samples(mfcc::rate);
    std::ifstream file(path, std::ios::binary);
    if (!file.read(reinterpret_cast<char*>(samples.data()), mfcc::rate * 2) ||
        !write(path.substr(0, path.size() - 4) + ".q16", features_of(samples))) {
      std::fprintf(stderr, "features: '%s': expected a .pcm file of 16000 samples in a folder that can be written\n",
                   path.c_str());
      return 1;
    }
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count > 1 && std::string(words[1]).ends_with(".pcm")) return of_files(count - 1, words + 1);
  if (count != 4) {
    std::fprintf(stderr, "usage: features FOLDER FIRST_SEED COUNT | features FILE.pcm...\n");
    return 2;
  }
  const auto first = static_cast<unsigned>(std::atoi(words[2]));
  const auto seeds = static_cast<unsigned>(std::atoi(words[3]));
  std::vector<std::int16_t> samples(mfcc::rate);
  for (int kind = 0; kind < synth::kinds; ++kind)
    for (unsigned seed = first; seed < first + seeds; ++seed) {
      synth::make(kind, seed, samples.data());
      const std::string name = std::string(words[1]) + "/" + std::to_string(kind) + "_" + std::to_string(seed);
      if (!write(name + ".pcm", samples) || !write(name + ".q16", features_of(samples))) {
        std::fprintf(stderr, "features: cannot write '%s': does the folder exist?\n", name.c_str());
        return 1;
      }
    }
  return 0;
}
