// SPDX-License-Identifier: Apache-2.0
// words: ElementWiseAdd | 'sum' | wrong number of operands | inputs | got 3 | expected 2
#include "two_adds.hpp"
struct net : two_adds<1, 2 + QNNX_WRONG> {};
qnnx::model<net> m{nullptr};
