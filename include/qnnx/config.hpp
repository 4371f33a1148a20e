// SPDX-License-Identifier: Apache-2.0
#pragma once
// The only header with #ifdef: what the compiler and the target are, and the name of the instruction set the
// whole translation unit is compiled for. Every other header lives in `namespace qnnx::inline QNNX_ABI`, so
// that two translation units built for two instruction sets never share an inline function.
// Layer 0. Floating point: build with -ffp-contract=off (the CMake target does), else a compiler may fuse a
// multiply and an add and change the last bit.

#include <cstddef>
#include <cstdint>

#if defined(_MSC_VER) && !defined(__clang__)
#define QNNX_INLINE __forceinline
#define QNNX_NOINLINE __declspec(noinline)
#else
#define QNNX_INLINE inline __attribute__((always_inline))
#define QNNX_NOINLINE __attribute__((noinline))
#endif

// Whether the compiler's messages print a string in a template argument whole (clang before 16 cuts it).
#if defined(__clang__) && __clang_major__ < 16
#define QNNX_PRINTS_STRING_ARGUMENTS 0
#else
#define QNNX_PRINTS_STRING_ARGUMENTS 1
#endif

#if defined(QNNX_FORCE_REFERENCE)
#define QNNX_ABI v1_reference
#define QNNX_ISA_BEST reference
#elif defined(__AMX_INT8__)
#define QNNX_ABI v1_amx
#define QNNX_ISA_BEST amx
#elif defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define QNNX_ABI v1_avx512vnni
#define QNNX_ISA_BEST avx512vnni
#elif defined(__AVXVNNI__)
#define QNNX_ABI v1_avxvnni
#define QNNX_ISA_BEST avxvnni
#elif defined(__AVX2__)
#define QNNX_ABI v1_avx2
#define QNNX_ISA_BEST avx2
#elif defined(__ARM_FEATURE_MVE)
#define QNNX_ABI v1_mve
#define QNNX_ISA_BEST mve
#elif defined(__ARM_FEATURE_DSP) && !defined(__ARM_NEON)
#define QNNX_ABI v1_armv7em_dsp
#define QNNX_ISA_BEST armv7em_dsp
#elif defined(__ARM_FEATURE_DOTPROD)
#define QNNX_ABI v1_neon_dot
#define QNNX_ISA_BEST neon_dot
#elif defined(__ARM_NEON)
#define QNNX_ABI v1_neon
#define QNNX_ISA_BEST neon
#elif defined(__HVX__)
#define QNNX_ABI v1_hvx
#define QNNX_ISA_BEST hvx
#else
#define QNNX_ABI v1_reference
#define QNNX_ISA_BEST reference
#endif

// Which intrinsics this translation unit may use; ISA kernels are compiled away elsewhere.
#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && !defined(QNNX_FORCE_REFERENCE)
#define QNNX_HAS_AVX512VNNI 1
#else
#define QNNX_HAS_AVX512VNNI 0
#endif
#if defined(__AVX2__) && defined(__FMA__) && !defined(QNNX_FORCE_REFERENCE)
#define QNNX_HAS_AVX2 1
#else
#define QNNX_HAS_AVX2 0
#endif

namespace qnnx::inline QNNX_ABI {

namespace config {
inline constexpr bool prints_string_arguments = QNNX_PRINTS_STRING_ARGUMENTS;
}

/// Highest tensor rank the library describes. QNN itself stops at 5 for most ops.
inline constexpr int max_rank = 6;
/// Most inputs and outputs of one node.
inline constexpr int max_inputs = 24;
inline constexpr int max_outputs = 16;
/// Most 32-bit words of one node's parameters.
inline constexpr int max_param_words = 32;

}  // namespace qnnx::inline QNNX_ABI
