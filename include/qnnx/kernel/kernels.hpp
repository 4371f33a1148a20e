// SPDX-License-Identifier: Apache-2.0
#pragma once
// Every kernel family. Layer 5a.

#include "qnnx/kernel/activation/reference.hpp"
#include "qnnx/kernel/conversion/reference.hpp"
#include "qnnx/kernel/convolution/avx512vnni.hpp"
#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/elementwise/avx512vnni.hpp"
#include "qnnx/kernel/elementwise/float_class.hpp"
#include "qnnx/kernel/elementwise/binary.hpp"
#include "qnnx/kernel/elementwise/reference.hpp"
#include "qnnx/kernel/elementwise/select.hpp"
#include "qnnx/kernel/elementwise/unary.hpp"
#include "qnnx/kernel/indexing/reference.hpp"
#include "qnnx/kernel/movement/reference.hpp"
#include "qnnx/kernel/pooling/avx512vnni.hpp"
#include "qnnx/kernel/pooling/reference.hpp"
#include "qnnx/kernel/reduction/reference.hpp"
#include "qnnx/kernel/resize/reference.hpp"
#include "qnnx/kernel/softmax/reference.hpp"
#include "qnnx/kernel/normalization/reference.hpp"
