# SPDX-License-Identifier: Apache-2.0
# Reduced versions of well-known networks from ONNX file to result, against onnxruntime (python packages absent: skipped).
# A compiled library in each form: float, QDQ, our own quantization.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  set(networks ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/test/networks/networks.py --bin ${qnnx_bin})
  add_test(NAME networks.images COMMAND ${networks} --network mobilenet_v1 mobilenet_v2 mobilenet_v3_small resnet18 resnet50
    --library mobilenet_v1:qdq mobilenet_v2:own8)
  add_test(NAME networks.ssd_efficientnet COMMAND ${networks} --network efficientnet_b0 ssd --library ssd:qdq efficientnet_b0:float)
  add_test(NAME networks.transformers COMMAND ${networks} --network vit_tiny bert bert@17 bert@where --library vit_tiny:qdq bert:own8)
  set_tests_properties(networks.images networks.ssd_efficientnet networks.transformers PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 1500)
endif()
