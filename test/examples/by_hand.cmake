# SPDX-License-Identifier: Apache-2.0
# The README's first example: builds and runs; the README shows the same lines.
add_executable(example_by_hand ${PROJECT_SOURCE_DIR}/examples/by_hand/main.cpp)
target_link_libraries(example_by_hand PRIVATE qnnx)
set_target_properties(example_by_hand PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
qnnx_warnings(example_by_hand)
add_test(NAME example_by_hand COMMAND example_by_hand)
add_test(NAME docs.readme_example COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -P ${PROJECT_SOURCE_DIR}/cmake/readme_example.cmake)
