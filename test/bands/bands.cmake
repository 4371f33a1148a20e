# SPDX-License-Identifier: Apache-2.0
# Nets in bands of rows with the kernels of firmware, their instructions written out in C++, in the program test_bands.
foreach(isa armv7em_dsp mve armv7m hvx)
  string(TOUPPER ${isa} isa_upper)
  add_library(qnnx_test_bands_${isa} OBJECT ${PROJECT_SOURCE_DIR}/test/bands/nets_test.cpp)
  target_compile_definitions(qnnx_test_bands_${isa} PRIVATE QNNX_EMULATE_${isa_upper})
  target_link_libraries(qnnx_test_bands_${isa} PRIVATE qnnx doctest::doctest)
  qnnx_warnings(qnnx_test_bands_${isa})
  target_compile_options(qnnx_test_bands_${isa} PRIVATE ${qnnx_test_flags})
  target_sources(test_bands PRIVATE $<TARGET_OBJECTS:qnnx_test_bands_${isa}>)
endforeach()
