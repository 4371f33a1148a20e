// SPDX-License-Identifier: Apache-2.0
// words: unknown name | got t | expected one of a b s y
#include "two_adds.hpp"
struct net : two_adds<1, 2> {};
qnnx::model<net> m{nullptr};
inline constexpr fixed_string name{QNNX_WRONG ? "t" : "s"};
auto y = m.tap<name>();
