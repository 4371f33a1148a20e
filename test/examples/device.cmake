# SPDX-License-Identifier: Apache-2.0
# The examples for small processors, run in QEMU and compared with the host: with the bundled networks, and with MLPerf
# Tiny's where ../shared is there (device.py skips with a line). The front end of the sounds against numpy.
find_package(Python3 COMPONENTS Interpreter)
function(device_example name)
  add_test(NAME example_${name} COMMAND ${CMAKE_COMMAND} -E env python3 ${PROJECT_SOURCE_DIR}/test/examples/device.py
    --bin ${qnnx_bin} --source ${PROJECT_SOURCE_DIR} --work ${PROJECT_BINARY_DIR}/examples/device ${ARGN})
  set_tests_properties(example_${name} PROPERTIES SKIP_RETURN_CODE 77 LABELS once TIMEOUT 900)
endfunction()
device_example(kws kws --target cortex-m4 cortex-m55 riscv64 aarch64-none-elf hexagon-v67)
device_example(kws_real kws --real --target cortex-m4 cortex-m55)
device_example(anomaly anomaly --target cortex-m0plus riscv64 aarch64-none-elf hexagon-v67 wasm32)
device_example(anomaly_real anomaly --real --target cortex-m3)
device_example(image image --target cortex-m7)
device_example(image_real image --real --target cortex-m7)
if(Python3_FOUND)
  add_test(NAME example_kws_features COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/examples/kws/check_features.py
    --source ${PROJECT_SOURCE_DIR} --work ${PROJECT_BINARY_DIR}/examples/features)
  set_tests_properties(example_kws_features PROPERTIES SKIP_RETURN_CODE 77 LABELS once)
endif()
# The firmware guide's make project, and its Zephyr module over stand-ins.
foreach(kind makefile zephyr)
  add_test(NAME example_${kind} COMMAND ${CMAKE_COMMAND} -E env python3 ${PROJECT_SOURCE_DIR}/test/examples/integrations.py ${kind}
    --bin ${qnnx_bin} --source ${PROJECT_SOURCE_DIR} --work ${PROJECT_BINARY_DIR}/examples/integrations)
  set_tests_properties(example_${kind} PROPERTIES SKIP_RETURN_CODE 77 LABELS once TIMEOUT 900)
endforeach()
