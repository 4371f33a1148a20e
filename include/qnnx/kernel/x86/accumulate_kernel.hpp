// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d and FullyConnected for x86: the packed form of the weights, and the calls into window_products, float_windows
// and winograd_floats. `Float` is an arithmetic of kernel/x86/arithmetic.hpp, `Bytes` the 8-bit half: dot_windows.hpp, widened_windows.hpp.
//   sum (x + ox) (w + ow) = sum x' w' + ox' sum w' + t sum x' + n t ox',  x' = x + f, ox' = ox - f, w' = w - d,
//   t = ow + d: f = 128 for signed data, d = 128 for unsigned weights; n taps
// so everything but t sum x' is folded into the bias when the weights are packed. Padding holds the zero point, which
// adds 0 to the whole. Layer 5a.

#include "qnnx/kernel/x86/finish8.hpp"
#include "qnnx/kernel/x86/float_windows.hpp"
#include "qnnx/kernel/x86/nibble_rows.hpp"
#include "qnnx/kernel/x86/winograd_floats.hpp"
#include "qnnx/op/conv2d.hpp"
#include "qnnx/op/fully_connected.hpp"

namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// Whether two stretches of memory have bytes in common (the planner may let them).
inline bool memory_shared(const void* a, std::int64_t a_bytes, const void* b, std::int64_t b_bytes) {
  const auto from = reinterpret_cast<std::uintptr_t>(a);
  const auto to = reinterpret_cast<std::uintptr_t>(b);
  return from < to + static_cast<std::uintptr_t>(b_bytes) && to < from + static_cast<std::uintptr_t>(a_bytes);
}

template <class View>
constexpr shape dims_of(const View& v) {
  shape s;
  for (int i = 0; i < v.rank(); ++i) s.push_back(v.extent(i));
  return s;
}

constexpr window_shape window_of(const shape& x, const shape& w, const shape& y, const op::conv2d::params& p) {
  window_shape s;
  s.batch = x[0], s.height = x[1], s.width = x[2], s.depth = x[3];
  s.out_h = y[1], s.out_w = y[2], s.channels = w[3];
  s.kernel_h = w[0], s.kernel_w = w[1];
  s.stride_h = p.stride[0], s.stride_w = p.stride[1], s.dilation_h = p.dilation[0], s.dilation_w = p.dilation[1];
  s.top = p.pad_amount[0], s.left = p.pad_amount[2];
  s.groups = p.group;
  s.padded = p.pad_amount != std::array<std::uint32_t, 4>{};
  return s;
}
/// Rows of a product are pixels of a column, so that a row of the result is one pixel (what may overlap the data).
constexpr window_shape window_of(const shape& x, const shape& w, const shape&, const op::fully_connected::params&) {
  window_shape s;
  s.depth = w[1];
  s.height = x.size() / w[1];
  s.out_h = s.height;
  s.channels = w[0];
  return s;
}

/// Where weight (tap, output channel) lies: conv [taps][Co], fully connected [Co][taps].
struct weight_steps {
  std::int64_t tap = 1;
  std::int64_t channel = 1;
};

/// Weight element `at` as an integer.
template <class W>
QNNX_INLINE std::int32_t weight_value(const W& w, std::int64_t at) { return static_cast<std::int32_t>(w.load(at)); }

#if QNNX_HAS_AVX2
/// Packs one channel group of float weights: biases, then panels.
template <class A, class W, class B>
void pack_floats(const window_shape& s, const W& w, std::int64_t origin, weight_steps step, const B& bias, std::int64_t first, std::byte* out) {
  const packed_layout l(s, A::lanes, A::piece_elements);
  std::memset(out, 0, static_cast<std::size_t>(l.bytes(1)));
  auto* biases = reinterpret_cast<float*>(out + l.word(bias_word));
  for (std::int64_t o = 0; o < l.channels; ++o) {
    if (bias.present()) biases[o] = static_cast<float>(bias.load(first + o));
    for (std::int64_t run = 0; run < l.runs; ++run)
      for (std::int64_t k = 0; k < l.pieces; ++k) {
        const float v = static_cast<float>(w.load(origin + (run * l.pieces + k) * step.tap + (first + o) * step.channel));
        std::memcpy(out + l.panels_at(1) + l.at(run, k, o), &v, 4);
      }
  }
}

/// What packing one channel group of 8-bit weights needs to know beside the weights.
struct byte_scales {
  std::int32_t data_offset = 0;
  bool data_signed = false;
  const std::int32_t* multipliers = nullptr;  // mantissa, exponent
  bool per_channel = false;
  rounding_mode mode = rounding_mode::rne;
  bool once = false;
  bool widened = false;        // the data has its offset in already
  bool weights_whole = false;  // and the packed weights theirs
};
/// What both packers of 8-bit weights keep while they go over the channels: flags, folded biases, the form of multipliers.
template <class W, class B>
struct channel_packer {
  const byte_scales& q;
  const W& w;
  const B& bias;
  std::int64_t taps;
  std::int32_t down = is_signed_fixed(W::type::code) ? 0 : 128;  // from the stored form of a weight to a signed byte
  packed_flags flags{scaling::rne};
  scaling_choice choice{};

  static std::int32_t* word(std::byte* out, const packed_layout& l, int i) { return reinterpret_cast<std::int32_t*>(out + l.word(i)); }
  vector_multiplier multiplier_of(std::int64_t channel) const {
    const std::int32_t* m = q.multipliers + (q.per_channel ? 2 * channel : 0);
    return vector_form({m[0], m[1]}, q.mode, q.once);
  }
  /// Zero points folded into the bias, the offset of the weights beside it. `sum` of the packed weights, `most` of their
  /// magnitudes.
  void fold(std::int64_t channel, std::int32_t sum, std::int64_t most, std::int32_t* bias_out, std::int32_t* offset_out) {
    const std::int32_t zero = q.widened ? 0 : q.data_offset - (q.data_signed ? 128 : 0);
    const std::int32_t weight_offset = q.weights_whole ? 0 : w.q->offset_at(q.per_channel ? channel : 0) + down;
    const std::uint32_t folded = static_cast<std::uint32_t>(zero) *
        (static_cast<std::uint32_t>(sum) + static_cast<std::uint32_t>(taps) * static_cast<std::uint32_t>(weight_offset));
    *bias_out = static_cast<std::int32_t>(folded + (bias.present() ? static_cast<std::uint32_t>(bias.load(channel)) : 0u));
    *offset_out = weight_offset;
    flags.weight_offset |= weight_offset != 0;
    most = 255 * (most + taps * (weight_offset < 0 ? -weight_offset : weight_offset));
    const std::int64_t biased = *bias_out;
    choice.add(multiplier_of(channel), most + (biased < 0 ? -biased : biased));
  }
  /// The same into the words of a packed form of which this is channel `channel`.
  void fold(std::int64_t channel, std::int32_t sum, std::int64_t most, std::byte* out, const packed_layout& l) {
    fold(channel, sum, most, word(out, l, bias_word) + channel, word(out, l, offset_word) + channel);
  }
  /// Multipliers of the channels from `first` on, and the flags.
  void store(std::byte* out, const packed_layout& l, std::int64_t first) {
    flags.how = choice.best();
    flags.bounded = choice.bounded;
    for (std::int64_t o = 0; o < l.channels; ++o)
      store_multiplier(multiplier_of(first + o), flags.how, word(out, l, factor_word) + o, word(out, l, mantissa_word) + o, word(out, l, shift_word) + o);
    for (std::int64_t o = l.channels; o < l.padded; ++o) word(out, l, shift_word)[o] = 31;
    std::memcpy(out, &flags, sizeof flags);
  }
};

template <class W, class B>
void pack_bytes(const packed_layout& l, const window_shape& s, const W& w, std::int64_t origin, weight_steps step, const B& bias, std::int64_t first,
                const byte_scales& q, std::byte* out) {
  std::memset(out, 0, static_cast<std::size_t>(l.bytes(packed_words)));
  const auto word = [&](int i) { return reinterpret_cast<std::int32_t*>(out + l.word(i)); };
  channel_packer<W, B> packer{q, w, bias, s.taps()};
  const bool with_offset = q.weights_whole;
  const std::int64_t elements = q.widened ? 2 : 4;  // of a piece
  const std::int64_t run_elements = s.taps() / l.runs;
  for (std::int64_t o = 0; o < l.channels; ++o) {
    const std::int64_t channel = first + o;
    const std::int32_t less = with_offset ? -w.q->offset_at(q.per_channel ? channel : 0) : packer.down;
    std::int32_t sum = 0;
    std::int64_t most = 0;  // magnitude of the sum
    for (std::int64_t run = 0; run < l.runs; ++run)
      for (std::int64_t k = 0; k < run_elements; ++k) {
        const std::int32_t v = weight_value(w, origin + (run * run_elements + k) * step.tap + channel * step.channel) - less;
        sum += v;
        most += v < 0 ? -v : v;
        std::byte* to = out + l.panels_at(packed_words) + l.at(run, k / elements, o);
        if (with_offset) {
          const auto wide = static_cast<std::int16_t>(v);
          std::memcpy(to + k % 2 * 2, &wide, 2);
        } else {
          to[k % elements] = static_cast<std::byte>(v);
        }
      }
    packer.fold(channel, sum, most, word(bias_word) + o, word(offset_word) + o);
  }
  packer.store(out, l, first);
}

#if QNNX_HAS_AVX512VNNI
/// Sum of n bytes, each with its sign bit flipped where `pattern` (four bytes) says so.
QNNX_INLINE std::int32_t byte_sum(const std::byte* p, std::int64_t n, std::uint32_t pattern) {
  const __m512i flip = _mm512_set1_epi32(static_cast<int>(pattern));
  __m512i sum = _mm512_setzero_si512();
  for (std::int64_t i = 0; i < n; i += 64) {
    const __mmask64 mask = n - i >= 64 ? ~0ull : (1ull << (n - i)) - 1;
    const __m512i x = _mm512_maskz_mov_epi8(mask, _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, p + i), flip));
    sum = _mm512_add_epi64(sum, _mm512_sad_epu8(x, _mm512_setzero_si512()));
  }
  return static_cast<std::int32_t>(_mm512_reduce_add_epi64(sum));
}
#else
/// Sum of n bytes, each with its sign bit flipped where `pattern` (four bytes) says so.
QNNX_INLINE std::int32_t byte_sum(const std::byte* p, std::int64_t n, std::uint32_t pattern) {
  const __m256i flip = _mm256_set1_epi32(static_cast<int>(pattern));
  __m256i sum = _mm256_setzero_si256();
  std::int64_t i = 0;
  for (; i + 32 <= n; i += 32)
    sum = _mm256_add_epi64(sum, _mm256_sad_epu8(_mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + i)), flip), _mm256_setzero_si256()));
  alignas(32) std::int64_t parts[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(parts), sum);
  std::int64_t all = parts[0] + parts[1] + parts[2] + parts[3];
  for (; i < n; ++i) all += std::to_integer<std::uint8_t>(p[i]) ^ (pattern & 255);
  return static_cast<std::int32_t>(all);
}
#endif

/// The sink of one call.
template <class Call, class Finish>
byte_output byte_output_of(const Call& c, const Finish& done, bool once) {
  byte_output o;
  const auto y = c.out();
  const epilogue& e = c.epi();
  o.y = reinterpret_cast<std::uint8_t*>(y.data);
  o.constants = c.constants();
  o.mode = c.rounding().mode();
  o.once = once && o.mode == rounding_mode::tflite;
  o.is_signed = is_signed_fixed(Call::out_type::code);
  o.zero = y.zero();
  o.vector = e.table < 0;
  if (e.residual >= 0) {
    const auto r = c.residual();
    o.residual = reinterpret_cast<const std::uint8_t*>(r.data);
    o.residual_offset = r.offset();
    o.mid_zero = -e.mid_offset;
    o.vector &= vector_add8::fits(c.constants() + 4, o.mode);
  }
  o.finish = &done;
  o.store = [](const void* f, std::int64_t index, std::int64_t channel, std::int32_t sum) {
    static_cast<const Finish*>(f)->store(index, channel, sum);
  };
  return o;
}

/// What finishes the 8-bit tiles of an arithmetic: in registers, and from memory.
template <class A>
struct byte_finish {
  using in_registers = finish_bytes8;
  static constexpr bool bounded = false;  // only results that are
  static constexpr take_function take = take_bytes8;
};
#if QNNX_HAS_AVX512VNNI
template <>
struct byte_finish<u8s8x16> {
  using in_registers = finish_bytes;
  static constexpr bool bounded = true;
  static constexpr take_function take = take_bytes;
};
template <>
struct byte_finish<s16x16> : byte_finish<u8s8x16> {};
#endif

/// FullyConnected of a few rows with packed 4-bit weights, in vectors of Lanes channels.
template <int Lanes>
struct nibble_weights {
  static constexpr bool fits(const window_shape& s) { return nibble_layout::fits(s); }
  static constexpr nibble_layout layout(const window_shape& s) { return {s, Lanes}; }
  static constexpr int parts(const window_shape& s) {
    const nibble_layout l = layout(s);
    return static_cast<int>((l.words.vectors + l.group - 1) / l.group);
  }
  template <class Call>
  static byte_scales scales(const Call& c) {
    return {c.template in<0>().offset(), is_signed_fixed(Call::out_type::code), c.constants() + finish_constants::header,
            c.template in<1>().q->scales != nullptr, c.rounding().mode(), true};
  }
  template <class Call>
  static void pack(const Call& c, const window_shape& s, std::byte* out) {
    const nibble_layout l = layout(s);
    const auto w = c.template in<1>();
    const auto bias = c.template in<2>();
    std::memset(out, 0, static_cast<std::size_t>(l.bytes()));
    const byte_scales q = scales(c);
    channel_packer<std::decay_t<decltype(w)>, std::decay_t<decltype(bias)>> packer{q, w, bias, s.taps()};
    if (Lanes == 8) packer.down = -8;  // nibbles without sign
    for (std::int64_t o = 0; o < s.channels; ++o) {
      std::int32_t sum = 0;
      std::int64_t most = 0;
      for (std::int64_t k = 0; k < s.depth; ++k) {
        const std::int32_t v = weight_value(w, o * s.depth + k) - packer.down;
        sum += v;
        most += v < 0 ? -v : v;
        out[l.panels_at() + l.at(k, o)] |= static_cast<std::byte>((v & 15) << (k % 8 < 4 ? 0 : 4));
      }
      packer.fold(o, sum, most, out, l.words);
    }
    packer.store(out, l.words, 0);
  }
  template <class Call>
  static void run(const Call& c, const window_shape& s) {
    const nibble_layout l = layout(s);
    const auto x = c.template in<0>();
    const finish<Call, true> done(c, c.template in<1>().q->scales != nullptr);
    byte_output o = byte_output_of(c, done, true);
    o.channels = s.channels;
    o.group_channels = s.group_channels();
    o.packed = c.packed();
    o.padded = l.words.padded;
    const std::uint32_t flip = o.is_signed ? 0x80808080u : 0;
    const auto rows = static_cast<int>(s.height);
    std::byte* made = c.scratch();  // the result may lie over the data; a row may end inside a step
    std::int32_t data_sums[nibble_rows];
    o.data_sums = data_sums;
    for (int r = 0; r < rows; ++r) {
      std::memcpy(made + r * l.row_bytes(), x.data + r * s.depth, static_cast<std::size_t>(s.depth));
      std::memset(made + r * l.row_bytes() + s.depth, 0, static_cast<std::size_t>(l.row_bytes() - s.depth));
      data_sums[r] = byte_sum(made + r * l.row_bytes(), s.depth, flip);
    }
    if constexpr (Lanes == 8) nibble_products8(l, made, rows, c.packed(), flip, o, c.piece);
    else nibble_products(l, made, rows, c.packed(), flip, o, c.piece);
  }
};
#endif

template <class Sig>
struct operand_types;
template <class Out, class X, class W, class B>
struct operand_types<Out(X, W, B)> {
  static constexpr bool floats = std::is_same_v<Out(X, W, B), types::f32(types::f32, types::f32, types::f32)>;
  static constexpr bool bytes = is_byte_v<X> && is_fixed_v<W> && bits_of(W::code) <= 8;
};

#if QNNX_HAS_AVX2
template <class Op, class Float, class Bytes>
struct accumulate_kernel : answers_as<Op> {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;
  static constexpr bool connected = std::is_same_v<Op, op::fully_connected>;

  template <class Sig>
  static constexpr bool supports = operand_types<Sig>::floats || operand_types<Sig>::bytes;

  /// For weights of a type: floats, or 8 or 4 bits.
  static constexpr packed_layout layout_of(const window_shape& s, dtype weights) {
    return is_fixed(weights) ? Bytes::layout(s, weights) : packed_layout(s, Float::lanes, 1);
  }
  /// Computed weights and windows of very many runs go to the reference.
  static constexpr bool takes(const window_shape& s, bool constant_weights) { return constant_weights && s.runs() <= most_runs; }
  using float_tiles = float_winograd<Float>;
  static constexpr bool winograd(const window_shape& s, bool bytes) { return !connected && !bytes && float_tiles::takes(s); }
  static constexpr window_shape window(const node_facts& f, const params& p) {
    return window_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p);
  }
  /// Whether the weights stay packed nibbles: a FullyConnected of a few rows.
  static constexpr bool nibbles(const window_shape& s, dtype weights) {
    return connected && weights == dtype::sfixed_4 && Bytes::nibbles::fits(s);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    const window_shape s = window(f, p);
    if (!takes(s, f.c.in(1).kind == tensor_kind::constant)) return 0;
    if (nibbles(s, f.c.in(1).type)) return Bytes::nibbles::layout(s).bytes();
    const dtype weights = f.c.in(1).type;
    if (winograd(s, is_fixed(weights))) return float_tiles(s).bytes();
    return is_fixed(weights) ? Bytes::packed_bytes(s, weights) : layout_of(s, weights).bytes(1) * s.groups;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const bool bytes = is_fixed(f.c.out(0).type);
    const window_shape s = window(f, p);
    if (nibbles(s, f.c.in(1).type)) return s.height * Bytes::nibbles::layout(s).row_bytes();
    return packed_bytes(f, p) ? patch_bytes(s, bytes) + (copies(s, bytes) ? byte_size(f.c.in(0)) : 0) : 0;
  }
  /// As Bytes::thin_scratch, of convolutions.
  static constexpr std::int64_t thin_scratch(const window_shape& s) {
    if constexpr (!connected && requires { Bytes::thin_scratch(s); }) return Bytes::thin_scratch(s);
    return 0;
  }
  static constexpr std::int64_t patch_bytes(const window_shape& s, bool bytes) {
    if (winograd(s, bytes)) return float_tiles(s).scratch();
    if (bytes && thin_scratch(s) > Bytes::scratch_bytes(s)) return (thin_scratch(s) + 63) / 64 * 64;
    return bytes ? Bytes::scratch_bytes(s) : float_scratch(s);
  }
  static constexpr int parts(const node_facts& f, const params& p) {
    const window_shape s = window(f, p);
    const bool bytes = is_fixed(f.c.out(0).type);
    if (!takes(s, f.c.in(1).kind == tensor_kind::constant)) return kernel::parts<reference>(f, p);
    if (nibbles(s, f.c.in(1).type)) return Bytes::nibbles::parts(s);
    if (winograd(s, bytes)) return float_tiles(s).parts(s);
    return bytes ? Bytes::parts(s, f.c.in(1).type) : window_parts(s, layout_of(s, f.c.in(1).type));
  }
  /// A product of several rows whose result overwrites its data would go row by row: it reads a copy.
  static constexpr bool copies(const window_shape& s, bool bytes) {
    return connected && (bytes ? Bytes::copies(s) : s.height > 1 && layout_of(s, dtype::float_32).vectors > Float::group);
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const auto b = c.template in<2>();
    const window_shape s = window_of(dims_of(c.template in<0>()), dims_of(w), dims_of(c.out()), c.params());
    const weight_steps step = connected ? weight_steps{1, s.depth} : weight_steps{s.channels, 1};
    if constexpr (connected && is_packed_v<typename Call::template in_type<1>>) {
      if (nibbles(s, Call::template in_type<1>::code)) return Bytes::nibbles::pack(c, s, out);
    }
    if constexpr (!connected && is_float_v<typename Call::out_type>) {
      if (float_tiles::takes(s)) return float_tiles::pack(s, w, b, out);
    }
    for (std::int64_t g = 0; g < s.groups; ++g) {
      const std::int64_t first = g * s.group_channels();
      if constexpr (is_float_v<typename Call::out_type>) {
        pack_floats<Float>(s, w, 0, step, b, first, out + g * layout_of(s, dtype::float_32).bytes(1));
      } else {
        Bytes::pack(c, s, step, first, connected, out + g * layout_of(s, Call::template in_type<1>::code).bytes(packed_words));
        if constexpr (!connected && requires { Bytes::thin_scratch(s); })
          if (thin_scratch(s) > 0) Bytes::pack_thin(c, s, step, out);
      }
    }
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto y = c.out();
    const window_shape s = window_of(dims_of(x), dims_of(w), dims_of(y), c.params());
    if (c.packed_missing() || !takes(s, c.s.inputs[1].where == bank::weights)) return reference::run(c);
    if constexpr (connected && is_packed_v<typename Call::template in_type<1>>) {
      if (nibbles(s, Call::template in_type<1>::code)) return Bytes::nibbles::run(c, s);
    }
    constexpr bool floats = is_float_v<typename Call::out_type>;
    constexpr std::int64_t element = floats ? 4 : 1;
    const packed_layout l = layout_of(s, Call::template in_type<1>::code);
    window_job j;
    j.data = reinterpret_cast<const std::byte*>(x.data);
    j.element_bytes = element;
    j.packed_step = l.bytes(floats ? 1 : packed_words);
    j.packed = c.packed() + l.panels_at(floats ? 1 : packed_words);
    j.bias = c.packed() + l.word(bias_word);
    j.scratch = c.scratch();
    j.piece = c.piece;
    j.shares_memory = memory_shared(x.data, x.size() * element, y.data, y.size() * element);
    if (j.shares_memory && copies(s, !floats)) {
      std::byte* copy = c.scratch() + patch_bytes(s, !floats);
      std::memcpy(copy, j.data, static_cast<std::size_t>(x.size() * element));
      j.data = copy;
      j.shares_memory = false;
    }
    if constexpr (floats) {
      float_output o;
      o.y = y.data;
      o.channels = s.channels;
      o.epi = c.epi();
      if (o.epi.residual >= 0) o.residual = c.residual().data;
      if constexpr (!connected) {
        if (float_tiles::takes(s)) return float_tiles::run(s, j, c.packed(), o);
      }
      float_windows<Float>(s, j, o);
    } else {
      if constexpr (!connected && requires { Bytes::thin_scratch(s); })
        if (thin_scratch(s) > 0 && Bytes::run_thin(c, s, l, j, c.packed())) return;
      Bytes::template run<connected>(c, s, l, j, c.packed(), 0);
    }
  }
};
#endif

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
