# SPDX-License-Identifier: Apache-2.0
# The kernels of AVX-VNNI on AVX2, with other instructions for its one, for test_kernels_isa.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_library(qnnx_test_avxvnni OBJECT ${PROJECT_SOURCE_DIR}/test/kernels_neon/unit.cpp)
  target_compile_definitions(qnnx_test_avxvnni PRIVATE QNNX_EMULATE_AVXVNNI)
  target_compile_options(qnnx_test_avxvnni PRIVATE ${qnnx_flags_avx2} ${qnnx_test_flags})
  target_link_libraries(qnnx_test_avxvnni PRIVATE qnnx)
  qnnx_warnings(qnnx_test_avxvnni)
  target_sources(test_kernels_isa PRIVATE $<TARGET_OBJECTS:qnnx_test_avxvnni>)
endif()
