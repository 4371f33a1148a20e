# SPDX-License-Identifier: Apache-2.0
# qnnx::runtime: interpreter, kernel tables, passes, quantizer, readers and writers. Hosted.
find_package(simdjson REQUIRED)
file(GLOB runtime_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/runtime/*.cpp ${PROJECT_SOURCE_DIR}/tools/passes/*.cpp
     ${PROJECT_SOURCE_DIR}/tools/quantize/*.cpp ${PROJECT_SOURCE_DIR}/tools/io/*.cpp)
list(FILTER runtime_sources EXCLUDE REGEX "kernel_family\\.cpp$")
add_library(qnnx_runtime STATIC ${runtime_sources})
add_library(qnnx::runtime ALIAS qnnx_runtime)
set_target_properties(qnnx_runtime PROPERTIES EXPORT_NAME runtime POSITION_INDEPENDENT_CODE ON)
target_link_libraries(qnnx_runtime PUBLIC qnnx PRIVATE simdjson::simdjson ${CMAKE_DL_LIBS})
qnnx_warnings(qnnx_runtime)

# One dispatch unit per kernel family.
file(STRINGS ${PROJECT_SOURCE_DIR}/include/qnnx/kernel/families.inc family_lines REGEX "^QNNX_FAMILY_NAME")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/qnnx/kernel/families.inc)
foreach(line IN LISTS family_lines)
  string(REGEX REPLACE "^QNNX_FAMILY_NAME\\(([a-z_0-9]+)\\).*" "\\1" family "${line}")
  add_library(qnnx_kernels_${family} OBJECT ${PROJECT_SOURCE_DIR}/tools/runtime/kernel_family.cpp)
  target_compile_definitions(qnnx_kernels_${family} PRIVATE QNNX_FAMILY=${family})
  target_link_libraries(qnnx_kernels_${family} PRIVATE qnnx)
  set_target_properties(qnnx_kernels_${family} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  qnnx_warnings(qnnx_kernels_${family})
  target_sources(qnnx_runtime PRIVATE $<TARGET_OBJECTS:qnnx_kernels_${family}>)
endforeach()
