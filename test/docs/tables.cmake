# SPDX-License-Identifier: Apache-2.0
# The generated tables in docs/ are what their generators print.
add_executable(op_table ${PROJECT_SOURCE_DIR}/test/docs/op_table.cpp)
target_link_libraries(op_table PRIVATE qnnx)
qnnx_warnings(op_table)
add_test(NAME docs.op_table COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:op_table>
  -DEXPECTED=${PROJECT_SOURCE_DIR}/docs/reference/ops.md -P ${PROJECT_SOURCE_DIR}/cmake/same_text.cmake)
add_executable(kernel_table_doc ${PROJECT_SOURCE_DIR}/test/docs/kernel_table.cpp)
target_link_libraries(kernel_table_doc PRIVATE qnnx)
qnnx_warnings(kernel_table_doc)
add_test(NAME docs.kernel_table COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:kernel_table_doc>
  -DEXPECTED=${PROJECT_SOURCE_DIR}/docs/reference/kernels.md -P ${PROJECT_SOURCE_DIR}/cmake/same_text.cmake)
