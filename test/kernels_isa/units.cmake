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

  add_executable(tile_estimate ${PROJECT_SOURCE_DIR}/test/kernels_isa/tile_estimate.cpp $<TARGET_OBJECTS:qnnx_test_amx>)  # docs/reference/x86.md
  target_link_libraries(tile_estimate PRIVATE qnnx_runtime)
  target_include_directories(tile_estimate PRIVATE ${PROJECT_SOURCE_DIR}/test)
  set_target_properties(tile_estimate PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test)
  qnnx_warnings(tile_estimate)

  add_test(NAME kernels_isa.tile_networks COMMAND ${CMAKE_COMMAND} -E env python3 ${PROJECT_SOURCE_DIR}/test/kernels_isa/tile_networks.py
    --bin ${qnnx_bin} --source ${PROJECT_SOURCE_DIR} --work ${PROJECT_BINARY_DIR}/test/tile_networks)
  set_tests_properties(kernels_isa.tile_networks PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 1200)
endif()
