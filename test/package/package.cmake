# SPDX-License-Identifier: Apache-2.0
# Another project uses the library: installed, as a subdirectory, fetched; each builds and runs a model. The installed
# form also builds a model that the ONNX converter generated.
foreach(from package subdirectory fetch)
  add_test(NAME consumer_${from} COMMAND ${CMAKE_COMMAND} -DFROM=${from} -DSOURCE=${PROJECT_SOURCE_DIR}
           -DWORK=${PROJECT_BINARY_DIR}/consumer_${from} -DCXX=${CMAKE_CXX_COMPILER} -DGENERATOR=${CMAKE_GENERATOR}
           $<$<TARGET_EXISTS:qnnx-onnx-converter>:-DCONVERTER=$<TARGET_FILE:qnnx-onnx-converter>>
           -P ${CMAKE_CURRENT_LIST_DIR}/consume.cmake)
  set_tests_properties(consumer_${from} PROPERTIES LABELS "slow;once")
endforeach()
