# SPDX-License-Identifier: Apache-2.0
# An op from outside the library, in a static model and in the interpreter.
add_executable(example_custom_op ${PROJECT_SOURCE_DIR}/examples/custom_op/main.cpp)
target_link_libraries(example_custom_op PRIVATE qnnx_runtime)
set_target_properties(example_custom_op PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
qnnx_warnings(example_custom_op)
add_test(NAME example_custom_op COMMAND example_custom_op)
