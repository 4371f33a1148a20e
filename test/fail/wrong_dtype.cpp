// SPDX-License-Identifier: Apache-2.0
// words: Conv2d | 'stem' | wrong datatype | got float32(float32, int8, float32) | expected float32(float32, float32, float32)
#include "one_conv.hpp"
struct net : one_conv<3, QNNX_WRONG ? dtype::int_8 : dtype::float_32> {};
qnnx::model<net> m{nullptr};
