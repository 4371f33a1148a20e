# SPDX-License-Identifier: Apache-2.0
# ONNX's node tests: every case of onnx_nodes.txt must pass. A machine without the data (Debian: libonnx-testdata) skips.
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/onnx_nodes.txt onnx_node_cases REGEX "^test_")
if(NOT onnx_node_cases)
  return()
endif()
set(QNNX_ONNX_NODE_TESTS /usr/share/libonnx-testdata/data/node CACHE PATH "ONNX's node tests: folders with model.onnx and test_data_set_0")
add_executable(onnx_nodes ${PROJECT_SOURCE_DIR}/test/conformance/onnx_nodes.cpp)
target_link_libraries(onnx_nodes PRIVATE qnnx_tools)
set_target_properties(onnx_nodes PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test)
qnnx_warnings(onnx_nodes)
set(onnx_node_shards 4)
foreach(shard RANGE 1 ${onnx_node_shards})
  math(EXPR index "${shard} - 1")
  add_test(NAME conformance.onnx_nodes.${shard} COMMAND onnx_nodes ${QNNX_ONNX_NODE_TESTS} --list
    ${PROJECT_SOURCE_DIR}/test/conformance/onnx_nodes.txt ${index} ${onnx_node_shards})
  set_tests_properties(conformance.onnx_nodes.${shard} PROPERTIES SKIP_REGULAR_EXPRESSION "^skipped: ")
endforeach()
