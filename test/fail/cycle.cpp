// SPDX-License-Identifier: Apache-2.0
// words: ElementWiseAdd | 'sum' | cycle | input 1 | got made by a later node or by itself | expected nodes in execution order
#include "two_adds.hpp"
struct net : two_adds<QNNX_WRONG ? 3 : 1, 2> {};
qnnx::model<net> m{nullptr};
