# SPDX-License-Identifier: Apache-2.0
# Networks from their files to libraries of both compilers, aarch64 and a DLC, every tensor compared: the bundled one, and
# the fifteen of ../shared/data where it is there.
foreach(shard 0 1 2)
  add_test(NAME models.${shard} COMMAND ${CMAKE_COMMAND} -E env python3 ${PROJECT_SOURCE_DIR}/test/models/real_models.py
    --bin ${qnnx_bin} --source ${PROJECT_SOURCE_DIR} --work ${PROJECT_BINARY_DIR}/models --shard ${shard}/3)
  set_tests_properties(models.${shard} PROPERTIES SKIP_RETURN_CODE 77 LABELS once TIMEOUT 1800)
endforeach()
