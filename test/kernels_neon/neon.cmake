# SPDX-License-Identifier: Apache-2.0
# The aarch64 kernels in qemu-aarch64, compiled by the test.
add_test(NAME kernels_neon COMMAND ${CMAKE_COMMAND} -E env python3 ${PROJECT_SOURCE_DIR}/test/kernels_neon/neon.py
  --source ${PROJECT_SOURCE_DIR} --work ${PROJECT_BINARY_DIR}/kernels_neon)
set_tests_properties(kernels_neon PROPERTIES SKIP_RETURN_CODE 77 LABELS once TIMEOUT 1800 SKIP_REGULAR_EXPRESSION "skipped:")
