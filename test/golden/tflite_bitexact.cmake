# SPDX-License-Identifier: Apache-2.0
# run_net and its comparison with TFLite's reference kernels (needs python packages and ../shared; else skipped).
find_package(Python3 COMPONENTS Interpreter)
add_executable(run_net ${PROJECT_SOURCE_DIR}/test/golden/run_net.cpp)
target_link_libraries(run_net PRIVATE qnnx_tools)
set_target_properties(run_net PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test)
qnnx_warnings(run_net)
if(Python3_FOUND)
  add_test(NAME golden_tflite COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/test/golden/tflite_bitexact.py
    --run_net $<TARGET_FILE:run_net> --shared ${PROJECT_SOURCE_DIR}/../shared)
  set_tests_properties(golden_tflite PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300)
endif()
