# SPDX-License-Identifier: Apache-2.0
# Converted models on Cortex-M in QEMU give the host's bytes: the bundled network always, KWS where ../shared is there.
set(cortex_m ${CMAKE_COMMAND} -E env python3 ${PROJECT_SOURCE_DIR}/test/firmware/cortex_m.py --bin ${qnnx_bin} --source ${PROJECT_SOURCE_DIR})
add_test(NAME firmware.digits_m4 COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DBIN=${qnnx_bin}
  -DWORK=${PROJECT_BINARY_DIR}/firmware -P ${PROJECT_SOURCE_DIR}/cmake/firmware_digits.cmake)
add_test(NAME firmware.kws_m4 COMMAND ${cortex_m} --work ${PROJECT_BINARY_DIR}/firmware/kws_m4 --arena 16000
  --model ${PROJECT_SOURCE_DIR}/../shared/data/mlcommons+tiny/benchmark/training/keyword_spotting/trained_models/kws_ref_model.tflite)
set_tests_properties(firmware.digits_m4 firmware.kws_m4 PROPERTIES SKIP_RETURN_CODE 77 LABELS once TIMEOUT 900
  SKIP_REGULAR_EXPRESSION "skipped:")
