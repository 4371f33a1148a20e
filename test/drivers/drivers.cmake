# SPDX-License-Identifier: Apache-2.0
# test_drivers runs the programs.
foreach(tool qnnx-net-run qnnx-model-lib-generator qnnx-dlc-info qnnx-onnx-converter qnnx-converter)
  add_dependencies(test_drivers ${tool})
endforeach()
set_tests_properties(drivers PROPERTIES TIMEOUT 300)
