// SPDX-License-Identifier: Apache-2.0
// words: ElementWiseAdd | 'sum' | duplicate name | tensor a | got a name used twice | expected a new name
#include "two_adds.hpp"
struct net : two_adds<1, 2, QNNX_WRONG != 0> {};
qnnx::model<net> m{nullptr};
