// SPDX-License-Identifier: Apache-2.0
// Hashes of what every piece of kernel/hexagon/hvx.hpp makes of pseudo-random vectors: test/firmware/hexagon.py runs it
// with the instructions (qemu-hexagon) and written out (on this machine, -DQNNX_EMULATE_HVX), and compares.
#include "qnnx/kernel/hexagon/hvx.hpp"

#include "board.hpp"

using namespace qnnx::kernel::hvx;

namespace {

std::uint32_t state = 1;
std::uint32_t next() {
  state = state * 1664525u + 1013904223u;
  return state >> 8 ^ state << 16;
}
std::uint32_t hash_of(const void* p, std::int32_t n, std::uint32_t h) {
  const auto* b = static_cast<const unsigned char*>(p);
  for (std::int32_t i = 0; i < n; ++i) h = (h ^ b[i]) * 16777619u;
  return h;
}
alignas(128) std::byte memory[1024];
alignas(128) std::byte made[1024];

struct sum {
  const char* name;
  std::uint32_t h = 2166136261u;
  void add(const vec& v) { h = hash_of(&v, vector_bytes, h); }
  void add(const four& f) {
    for (const vec& v : f.v) add(v);
  }
  void add(const two& f) {
    for (const vec& v : f.v) add(v);
  }
};

}  // namespace

extern "C" int app_main() {
  sum sums[] = {
      {"load_part"},   {"store_part"},       {"rotate"},     {"add"},          {"bit"},          {"shift_left"},
      {"shift_right"}, {"shift_right_each"}, {"dot signed"}, {"dot unsigned"}, {"rounded"},      {"floor"},
      {"narrow"},      {"interleaved"},      {"least"},      {"greatest"},     {"widen signed"}, {"widen"},
      {"interleave"},  {"byte_sums"},        {"splat"},      {"subtract"},     {"average"},      {"where_equal"},
      {"left each"},   {"narrow halves"},    {"halves 2"},   {"least 16"},     {"greatest 16"},  {"dot pairs"},
      {"dot halves"},  {"left 16"},          {"right 16"},   {"widen bytes"},  {"interleave 16"},
      {"multiply_low"}, {"multiply_add"},    {"logical"},    {"least 32"},     {"greatest 32"},  {"wide product"},
      {"wide sum"},    {"widen 16 signed"},  {"widen 16"},   {"greatest s8"},  {"greatest u8"},  {"look_up"},
      {"bytes in turns"}, {"even bytes"},    {"odd bytes"},  {"turns"},       {"narrow turns"}, {"subtract 8"},
      {"ones below"},  {"first word"},       {"top byte"},   {"all words"}, {"look_up_low"},
      {"narrow bytes"}, {"halves in turns"}};
  for (int run = 0; run < 50; ++run) {
    for (std::byte& b : memory) b = static_cast<std::byte>(next());
    for (std::byte& b : made) b = std::byte{7};
    const auto at = static_cast<std::int32_t>(next() % 200u), n = static_cast<std::int32_t>(next() % 127u) + 1;
    const vec a = load(memory + at), b = load(memory + at + 131), c = load(memory + 384), d = load(memory + 512);
    const vec few = shift_right(a, 20), plus = bit_and(b, splat(0x7fffffff)), more = shift_right(b, 22);
    int i = 0;
    const vec part = load_part(memory + at, n);
    sums[i].h = hash_of(&part, n, sums[i].h), ++i;
    store_part(made + at, a, n);
    sums[i].h = hash_of(made, sizeof made, sums[i].h), ++i;
    sums[i++].add(rotate(a, n));
    sums[i++].add(add(a, b));
    sums[i++].add(bit_xor(bit_or(a, c), bit_and(b, d)));
    sums[i++].add(shift_left(a, 20));
    sums[i++].add(shift_right(a, n & 31));
    sums[i++].add(shift_right_each(a, bit_and(b, splat(31))));
    sums[i++].add(dot<true>(a, b, c));
    sums[i++].add(dot<false>(a, b, c));
    sums[i++].add(multiply_rounded(a, plus));
    sums[i++].add(multiply_floor(a, plus));
    sums[i++].add(narrow(few, more, shift_right(c, 23), shift_right(d, 8)));
    sums[i++].add(narrow_interleaved(few, more, shift_right(c, 23), shift_right(d, 8)));
    sums[i++].add(least_bytes(a, b));
    sums[i++].add(greatest_bytes(a, b));
    sums[i++].add(widen<true>(a));
    sums[i++].add(widen<false>(a));
    sums[i++].add(interleave(a, b, c, d));
    byte_sums s;
    s += a, s += b, s += c;
    sums[i].add(s.even), sums[i++].add(s.odd);
    sums[i++].add(add(splat_byte(n), add(splat(at), splat_half(n))));
    sums[i++].add(subtract(a, b));
    sums[i++].add(average_rounded(a, b));
    sums[i++].add(where_equal(bit_and(a, splat(3)), bit_and(b, splat(3)), c));
    sums[i++].add(shift_left_each(a, bit_and(b, splat(31))));
    sums[i++].add(narrow_halves(shift_right(a, 14), shift_right(b, 15)));
    sums[i++].add(narrow_halves_interleaved(shift_right(a, 14), shift_right(b, 15)));
    sums[i++].add(least_halves(a, b));
    sums[i++].add(greatest_halves(a, b));
    sums[i++].add(dot_pairs(a, b, n * 1234567));
    sums[i++].add(dot_halves(a, b, c));
    sums[i++].add(shift_left_halves(a, n & 15));
    sums[i++].add(shift_right_halves(a, n & 15));
    sums[i++].add(widen_bytes(a));
    sums[i++].add(interleave_halves(a, b));
    sums[i++].add(multiply_low(a, shift_right(b, 16)));
    sums[i++].add(multiply_add(a, b, bit_and(c, splat(65535))));
    sums[i++].add(shift_right_unsigned(a, n & 31));
    sums[i++].add(least_words(a, b));
    sums[i++].add(greatest_words(a, b));
    const wide_words ab = multiply_wide(a, b), all = add_wide(ab, {c, d});
    sums[i].add(ab.low), sums[i++].add(ab.high);
    sums[i].add(all.low), sums[i++].add(all.high);
    sums[i++].add(widen_halves<true>(a));
    sums[i++].add(widen_halves<false>(a));
    sums[i++].add(greatest_bytes_of<true>(a, b));
    sums[i++].add(greatest_bytes_of<false>(a, b));
    const vec table[2] = {a, b};
    sums[i++].add(look_up(table, c));
    sums[i++].add(interleave_bytes(a, b));
    sums[i++].add(pack_even_bytes(a, b));
    sums[i++].add(pack_odd_bytes(a, b));
    sums[i++].add(turns_of_bytes(a, b));
    sums[i++].add(narrow_turns(shift_right_halves(a, 6), shift_right_halves(b, 7)));
    sums[i++].add(subtract_bytes(a, b));
    sums[i].add(ones_below(128)), sums[i++].add(ones_below(n));
    sums[i++].add(splat(first_word(a)));
    sums[i++].add(greatest_byte(a));
    sums[i++].add(sum_of_words(a));
    sums[i++].add(look_up_low(a, bit_and(b, splat_byte(127))));
    sums[i++].add(narrow_bytes(shift_right_halves(a, 6), shift_right_halves(b, 7)));
    sums[i++].add(interleave_all_halves(a, b));
  }
  for (const sum& s : sums) board::print(s.name, s.h);
  return 0;
}
#if !defined(__hexagon__)
#include <cstdio>
namespace board {
void print(const char* text) {
  std::fputs(text, stdout);
}
}  // namespace board
int main() {
  return app_main();
}
#endif
