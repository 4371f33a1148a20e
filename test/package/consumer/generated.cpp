// SPDX-License-Identifier: Apache-2.0
// The digit network as the converter wrote it, included, typed, and run over the bundled test images.
//   generated FOLDER_OF_THE_IMAGES DIGITS_BIN
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "digits.cpp"

using digits = qnnx::model<qnnx_models::digits>;

static std::string bytes_of(const std::string& path) {
  std::ifstream f(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(f), {}};
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  alignas(64) static std::byte weights[digits::weight_bytes];
  const std::string bin = bytes_of(argv[2]);  // a tar of <tensor>.raw files
  for (std::size_t at = 0; at + 512 <= bin.size() && bin[at] != 0;) {
    const std::string name(bin.c_str() + at);
    const auto size = static_cast<std::size_t>(std::strtoul(bin.c_str() + at + 124, nullptr, 8));
    const int t = digits::graph().find(name.substr(0, name.size() - 4));
    if (t >= 0) std::memcpy(weights + digits::lowered::data.offset[static_cast<std::size_t>(t)], bin.data() + at + 512, size);
    at += 512 + (size + 511) / 512 * 512;
  }
  const std::string folder = argv[1];
  const std::string images = bytes_of(folder + "/test_images.u8");
  std::ifstream labels(folder + "/test_labels.txt");
  alignas(64) static std::byte packed[digits::packed_bytes + 1];
  static digits net{weights, digits::packed_bytes > 0 ? packed : nullptr};
  if constexpr (digits::packed_bytes > 0) qnnx_model_get()->pack(net.arena(), weights, packed);
  int right = 0, count = 0;
  for (int label; labels >> label; ++count) {
    const auto in = net.input<"image">();
    for (std::size_t i = 0; i < in.size(); ++i)
      in.set_real(i, static_cast<float>(static_cast<unsigned char>(images[static_cast<std::size_t>(count) * 784 + i])) / 255.0f);
    net.run();
    const auto out = net.output<"probabilities">();
    int best = 0;
    for (int k = 1; k < 10; ++k)
      if (out.real(static_cast<std::size_t>(k)) > out.real(static_cast<std::size_t>(best))) best = k;
    right += best == label ? 1 : 0;
  }
  std::printf("%d of %d digits right\n", right, count);
  return count == 300 && right >= 295 ? 0 : 1;  // onnxruntime: 296
}
