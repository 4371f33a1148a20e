// SPDX-License-Identifier: Apache-2.0
// words: duplicate name | 'conv' | got a name used twice | expected a new name
#include "qnnx/model/compose.hpp"
#include "qnnx/model/model.hpp"
using namespace qnnx;
struct net : decltype(qnnx::input<"x", extents<1, 8, 8, 3>> >> layer::named<"conv", layer::conv2d<4, 3, 3>>{} >>
                      layer::named<QNNX_WRONG ? fixed_string{"conv"} : fixed_string{"next"}, layer::conv2d<4, 3, 3>>{}) {};
qnnx::model<net> m{nullptr};
