// SPDX-License-Identifier: Apache-2.0
// words: ElementWiseAdd | 'sum' | unknown name | input 1 | got tensor 9 | expected a tensor of the graph
#include "two_adds.hpp"
struct net : two_adds<QNNX_WRONG ? 9 : 1, 2> {};
qnnx::model<net> m{nullptr};
