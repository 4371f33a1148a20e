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

// Before a loop: it stays one, for loops that a compiler makes worse by taking several turns at once.
#if defined(__clang__)
#define QNNX_ROLLED _Pragma("clang loop unroll(disable)")
#elif defined(__GNUC__)
#define QNNX_ROLLED _Pragma("GCC unroll 1")
#else
#define QNNX_ROLLED
#endif

// Tells the core that this is a waiting loop.
#if defined(__x86_64__) || defined(__i386__)
#define QNNX_PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define QNNX_PAUSE() __asm__ volatile("yield")
#else
#define QNNX_PAUSE() ((void)0)
#endif

// Whether the compiler's messages print a string in a template argument whole (clang before 16 cuts it).
#if defined(__clang__) && __clang_major__ < 16
#define QNNX_PRINTS_STRING_ARGUMENTS 0
#else
#define QNNX_PRINTS_STRING_ARGUMENTS 1
#endif

// QNNX_EMULATE_<ISA>: firmware kernels on a host, with portable definitions of their instructions (tests, and the
// program that packs a firmware's weights).
#if defined(QNNX_FORCE_REFERENCE)
#define QNNX_ABI v1_reference
#define QNNX_ISA_BEST reference
#elif defined(QNNX_EMULATE_ARMV7EM_DSP)
#define QNNX_ABI v1_armv7em_dsp
#define QNNX_ISA_BEST armv7em_dsp
#elif defined(QNNX_EMULATE_MVE)
#define QNNX_ABI v1_mve
#define QNNX_ISA_BEST mve
#elif defined(QNNX_EMULATE_ARMV7M)
#define QNNX_ABI v1_armv7m
#define QNNX_ISA_BEST armv7m
#elif defined(QNNX_EMULATE_RV64)
#define QNNX_ABI v1_rv64
#define QNNX_ISA_BEST rv64
#elif defined(QNNX_EMULATE_HVX)
#define QNNX_ABI v1_hvx
#define QNNX_ISA_BEST hvx
#elif defined(QNNX_EMULATE_NEON)  // neon, neon_dot or i8mm: only to pack weights
#define QNNX_ABI v1_emulated_neon
#define QNNX_ISA_BEST QNNX_EMULATE_NEON
#elif defined(QNNX_EMULATE_AVXVNNI)
#define QNNX_ABI v1_avxvnni
#define QNNX_ISA_BEST avxvnni
#elif defined(__AMX_INT8__) && defined(__AMX_TILE__) && defined(QNNX_TILES_PERMITTED)
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
#elif defined(__aarch64__) && defined(__ARM_FEATURE_MATMUL_INT8)
#define QNNX_ABI v1_i8mm
#define QNNX_ISA_BEST i8mm
#elif defined(__ARM_FEATURE_DOTPROD)
#define QNNX_ABI v1_neon_dot
#define QNNX_ISA_BEST neon_dot
#elif defined(__ARM_NEON)
#define QNNX_ABI v1_neon
#define QNNX_ISA_BEST neon
#elif defined(__HVX__)
#define QNNX_ABI v1_hvx
#define QNNX_ISA_BEST hvx
#elif defined(__ARM_ARCH_6M__)
#define QNNX_ABI v1_armv6m
#define QNNX_ISA_BEST armv6m
#elif defined(__ARM_ARCH_7M__)
#define QNNX_ABI v1_armv7m
#define QNNX_ISA_BEST armv7m
#elif defined(__riscv_xlen) && __riscv_xlen == 32 && defined(__riscv_mul)
#define QNNX_ABI v1_rv32
#define QNNX_ISA_BEST rv32
#elif defined(__riscv_xlen) && __riscv_xlen == 64 && defined(__riscv_mul)
#define QNNX_ABI v1_rv64
#define QNNX_ISA_BEST rv64
#elif defined(__wasm__)
#define QNNX_ABI v1_wasm
#define QNNX_ISA_BEST wasm
#else
#define QNNX_ABI v1_reference
#define QNNX_ISA_BEST reference
#endif

// Code that is compiled for one model of a firmware (the parts that it needs, its banks) has a name of its own, so that
// several archives link into one program: the library generator sets it.
#if defined(QNNX_ABI_VARIANT)
#undef QNNX_ABI
#define QNNX_ABI QNNX_ABI_VARIANT
#endif

// Which intrinsics this translation unit may use; ISA kernels are compiled away elsewhere.
#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && !defined(QNNX_FORCE_REFERENCE)
#define QNNX_HAS_AVX512VNNI 1
#else
#define QNNX_HAS_AVX512VNNI 0
#endif
#if QNNX_HAS_AVX512VNNI && defined(__AVX512VBMI__)
#define QNNX_HAS_AVX512VBMI 1
#else
#define QNNX_HAS_AVX512VBMI 0
#endif
// Tiles (AMX): an operating system lets a process use them that has asked (runtime/tile_permission.hpp). Who compiles code
// that runs only where that was granted defines QNNX_TILES_PERMITTED; without it a compiler's -march=native is AVX-512.
#if QNNX_HAS_AVX512VBMI && defined(__AMX_INT8__) && defined(__AMX_TILE__) && defined(QNNX_TILES_PERMITTED)
#define QNNX_HAS_AMX 1
#else
#define QNNX_HAS_AMX 0
#endif
#if defined(__AVX2__) && defined(__FMA__) && !defined(QNNX_FORCE_REFERENCE)
#define QNNX_HAS_AVX2 1
#else
#define QNNX_HAS_AVX2 0
#endif

// VNNI on 256-bit vectors; QNNX_EMULATE_AVXVNNI: on AVX2, with the one instruction in others (tests).
#if QNNX_HAS_AVX2 && (defined(__AVXVNNI__) || defined(QNNX_EMULATE_AVXVNNI))
#define QNNX_HAS_AVXVNNI 1
#else
#define QNNX_HAS_AVXVNNI 0
#endif
#if defined(QNNX_EMULATE_AVXVNNI)
#define QNNX_HAS_DOT_BYTES_WRITTEN_OUT 1
#else
#define QNNX_HAS_DOT_BYTES_WRITTEN_OUT 0
#endif
#define QNNX_HAS_DOT_BYTES (QNNX_HAS_AVX512VNNI || QNNX_HAS_AVXVNNI)

// The DSP extension of Armv7E-M and Armv8-M: the instructions themselves, and the kernels (which run emulated too).
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && !defined(__ARM_NEON)
#define QNNX_HAS_DSP_INSTRUCTIONS 1
#else
#define QNNX_HAS_DSP_INSTRUCTIONS 0
#endif
#if QNNX_HAS_DSP_INSTRUCTIONS || defined(QNNX_EMULATE_ARMV7EM_DSP) || defined(QNNX_EMULATE_MVE)
#define QNNX_HAS_ARMV7EM_DSP 1
#else
#define QNNX_HAS_ARMV7EM_DSP 0
#endif
// The vector extension of Armv8.1-M (Helium) with floats, the same way.
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)
#define QNNX_HAS_MVE_INSTRUCTIONS 1
#else
#define QNNX_HAS_MVE_INSTRUCTIONS 0
#endif
#if QNNX_HAS_MVE_INSTRUCTIONS || defined(QNNX_EMULATE_MVE)
#define QNNX_HAS_MVE 1
#else
#define QNNX_HAS_MVE 0
#endif
// The vectors of Hexagon, 128 bytes, the same way.
#if defined(__HVX__) && defined(__HVX_LENGTH__) && __HVX_LENGTH__ == 128 && !defined(QNNX_FORCE_REFERENCE)
#define QNNX_HAS_HVX_INSTRUCTIONS 1
#else
#define QNNX_HAS_HVX_INSTRUCTIONS 0
#endif
#if QNNX_HAS_HVX_INSTRUCTIONS || defined(QNNX_EMULATE_HVX)
#define QNNX_HAS_HVX 1
#else
#define QNNX_HAS_HVX 0
#endif

// aarch64: NEON, and its two extensions with products of bytes.
#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(QNNX_FORCE_REFERENCE)
#define QNNX_HAS_NEON 1
#else
#define QNNX_HAS_NEON 0
#endif
#if QNNX_HAS_NEON && defined(__ARM_FEATURE_DOTPROD)
#define QNNX_HAS_NEON_DOT 1
#else
#define QNNX_HAS_NEON_DOT 0
#endif
#if QNNX_HAS_NEON && defined(__ARM_FEATURE_MATMUL_INT8)
#define QNNX_HAS_I8MM 1
#else
#define QNNX_HAS_I8MM 0
#endif
#if QNNX_HAS_NEON || defined(QNNX_EMULATE_NEON)  // the form of packed weights; the kernels need the instructions
#define QNNX_HAS_NEON_PACKING 1
#else
#define QNNX_HAS_NEON_PACKING 0
#endif

// Scalar processors: the bits of a word in which two sums of products grow side by side (kernel/scalar); 0: not one.
#if defined(QNNX_FORCE_REFERENCE)
#define QNNX_SCALAR_BITS 0
#elif defined(QNNX_EMULATE_ARMV7M) || defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_7M__)
#define QNNX_SCALAR_BITS 32
#elif defined(QNNX_EMULATE_RV64) || defined(__wasm__)
#define QNNX_SCALAR_BITS 64
#elif defined(__riscv_mul)
#define QNNX_SCALAR_BITS __riscv_xlen
#else
#define QNNX_SCALAR_BITS 0
#endif
#define QNNX_HAS_SCALAR (QNNX_SCALAR_BITS != 0)
#define QNNX_HAS_SCALAR_64 (QNNX_SCALAR_BITS == 64)
#define QNNX_HAS_SCALAR_32 (QNNX_SCALAR_BITS == 32)
// No instruction gives the upper half of a product on Armv6-M. Inner loops in assembly there and on Armv7-M.
#if defined(__ARM_ARCH_6M__)
#define QNNX_HAS_LONG_MULTIPLY 0
#else
#define QNNX_HAS_LONG_MULTIPLY 1
#endif
#if defined(__ARM_ARCH_6M__) && QNNX_HAS_SCALAR
#define QNNX_HAS_ARMV6M_ASSEMBLY 1
#else
#define QNNX_HAS_ARMV6M_ASSEMBLY 0
#endif
#if defined(__ARM_ARCH_7M__) && QNNX_HAS_SCALAR
#define QNNX_HAS_ARMV7M_ASSEMBLY 1
#else
#define QNNX_HAS_ARMV7M_ASSEMBLY 0
#endif
#define QNNX_HAS_SCALAR_ASSEMBLY (QNNX_HAS_ARMV6M_ASSEMBLY || QNNX_HAS_ARMV7M_ASSEMBLY)
#define QNNX_HAS_SCALAR_PORTABLE (QNNX_HAS_SCALAR && !QNNX_HAS_SCALAR_ASSEMBLY)
// Kernels of armv7em_dsp that others take over, with its instructions written out.
#define QNNX_HAS_DSP_KERNELS (QNNX_HAS_ARMV7EM_DSP || QNNX_HAS_SCALAR || QNNX_HAS_NEON_PACKING)

namespace qnnx::inline QNNX_ABI {

namespace config {
/// An operating system, so threads may exist: firmware compiles nothing for them.
#if defined(__unix__) || defined(__APPLE__) || defined(_WIN32)
inline constexpr bool hosted = true;
#else
inline constexpr bool hosted = false;
#endif
inline constexpr bool prints_string_arguments = QNNX_PRINTS_STRING_ARGUMENTS;
/// The packed weights stand right behind the plain ones, and what they replace is left out: firmware archives.
#if defined(QNNX_EMBEDDED_PACKED)
inline constexpr bool embedded_packed = true;
#else
inline constexpr bool embedded_packed = false;
#endif
/// The memory plan is made with what this target's kernels ask; one that came with the model, which every instruction
/// set accepts, is not used.
#if defined(QNNX_SHARED_PLAN)  // what an archive without weights asks, whose kernels pack nothing ahead
inline constexpr bool own_plan = false;
#elif defined(QNNX_EMBEDDED_PACKED) || defined(QNNX_EMULATE_ARMV7EM_DSP) || defined(QNNX_EMULATE_MVE) || \
    defined(QNNX_EMULATE_ARMV7M) || defined(QNNX_EMULATE_RV64) || defined(QNNX_EMULATE_HVX) || defined(QNNX_EMULATE_NEON)
inline constexpr bool own_plan = true;
#else
inline constexpr bool own_plan = false;
#endif
/// Where the banks of the arena end, as offsets from its beginning (ir/plan.hpp): one bank where nothing is said.
#if defined(QNNX_TARGET_WALLS)
inline constexpr std::ptrdiff_t bank_ends[] = {QNNX_TARGET_WALLS};
#else
inline constexpr std::ptrdiff_t bank_ends[] = {PTRDIFF_MAX};
#endif
inline constexpr int bank_count = static_cast<int>(sizeof bank_ends / sizeof bank_ends[0]);
/// The program that packs a firmware's weights and says what its kernels ask; it runs no node.
#if defined(QNNX_PACK_PROGRAM)
inline constexpr bool packs_only = true;
#else
inline constexpr bool packs_only = false;
#endif
/// What the nodes of the model need of their kernels' code, bit by bit: 1, 2, 4 are forms in which packed nodes are
/// finished (kernel/arm/finish.hpp), the others are in kernel/code_parts.hpp. The program that packs the weights tells.
#if defined(QNNX_PACKED_FORMS)
inline constexpr unsigned packed_forms = QNNX_PACKED_FORMS;
#else
inline constexpr unsigned packed_forms = 0xffffffffu;
#endif
/// Models are planned for threads too: no tensor overlaps another where that would keep a step from running in pieces.
/// The library generator sets it for machines with an operating system.
#if defined(QNNX_SPLIT_STEPS)
inline constexpr bool split_steps = true;
#else
inline constexpr bool split_steps = false;
#endif
}  // namespace config

/// Highest tensor rank the library describes. QNN itself stops at 5 for most ops.
inline constexpr int max_rank = 6;
/// Most inputs and outputs of one node.
inline constexpr int max_inputs = 24;
inline constexpr int max_outputs = 16;
/// Most 32-bit words of one node's parameters.
inline constexpr int max_param_words = 32;

}  // namespace qnnx::inline QNNX_ABI
