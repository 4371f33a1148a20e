// SPDX-License-Identifier: Apache-2.0
// words: Conv2d | 'stem' | input 1 (weight) | got [3,3,4,8] | expected [3,3,3,8]
#include "one_conv.hpp"
struct net : one_conv<3 + QNNX_WRONG> {};
qnnx::model<net> m{nullptr};
