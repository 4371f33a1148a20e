# SPDX-License-Identifier: Apache-2.0
# The Cortex-M kernels with portable definitions of their instructions, one dispatch unit per family, for test_kernels_arm.
foreach(isa armv7em_dsp mve)
  string(TOUPPER ${isa} isa_upper)
  foreach(family convolution elementwise pooling)
    set(unit qnnx_test_${family}_${isa})
    add_library(${unit} OBJECT ${PROJECT_SOURCE_DIR}/tools/runtime/kernel_isa.cpp)
    target_compile_definitions(${unit} PRIVATE QNNX_FAMILY=${family} QNNX_EMULATE_${isa_upper})
    target_link_libraries(${unit} PRIVATE qnnx)
    qnnx_warnings(${unit})
    target_sources(test_kernels_arm PRIVATE $<TARGET_OBJECTS:${unit}>)
  endforeach()
endforeach()
