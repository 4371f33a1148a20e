# SPDX-License-Identifier: Apache-2.0
# For test_kernels_isa, kernels of sets that few processors have: those of AVX-VNNI on AVX2, with other instructions for its
# one; those of AMX on AVX-512, with tiles in memory (emulated/).
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_library(qnnx_test_avxvnni OBJECT ${PROJECT_SOURCE_DIR}/test/kernels_neon/unit.cpp)
  target_compile_definitions(qnnx_test_avxvnni PRIVATE QNNX_EMULATE_AVXVNNI)
  target_compile_options(qnnx_test_avxvnni PRIVATE ${qnnx_flags_avx2} ${qnnx_test_flags})
  target_link_libraries(qnnx_test_avxvnni PRIVATE qnnx)
  qnnx_warnings(qnnx_test_avxvnni)
  target_sources(test_kernels_isa PRIVATE $<TARGET_OBJECTS:qnnx_test_avxvnni>)

  add_library(qnnx_test_amx OBJECT ${PROJECT_SOURCE_DIR}/test/kernels_isa/amx_unit.cpp)
  target_compile_definitions(qnnx_test_amx PRIVATE QNNX_ABI_VARIANT=v1_amx_emulated)  # beside the set with the instructions
  target_compile_options(qnnx_test_amx PRIVATE ${qnnx_flags_amx} $<$<CONFIG:Release>:-O2>)
  target_include_directories(qnnx_test_amx BEFORE PRIVATE ${PROJECT_SOURCE_DIR}/test/kernels_isa/emulated)
  target_include_directories(qnnx_test_amx PRIVATE ${PROJECT_SOURCE_DIR}/test)
  target_link_libraries(qnnx_test_amx PRIVATE qnnx)
  qnnx_warnings(qnnx_test_amx)
  target_sources(test_kernels_isa PRIVATE $<TARGET_OBJECTS:qnnx_test_amx>)
endif()
