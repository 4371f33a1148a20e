# SPDX-License-Identifier: Apache-2.0
# What the HVX kernels are made of, as instructions in qemu-hexagon and written out on this machine (test/kernels_arm runs
# the kernels on random nets, firmware.checksums the networks).
add_test(NAME firmware.hvx_instructions COMMAND ${CMAKE_COMMAND} -E env python3 ${PROJECT_SOURCE_DIR}/test/firmware/hvx_instructions.py
  --source ${PROJECT_SOURCE_DIR} --work ${PROJECT_BINARY_DIR}/firmware/hvx_instructions)
set_tests_properties(firmware.hvx_instructions PROPERTIES SKIP_RETURN_CODE 77 LABELS once TIMEOUT 300 SKIP_REGULAR_EXPRESSION "skipped:")
