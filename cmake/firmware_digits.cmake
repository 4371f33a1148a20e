# SPDX-License-Identifier: Apache-2.0
# The bundled digit network, quantized with the bundled calibration images, on a Cortex-M4.
file(MAKE_DIRECTORY ${WORK}/digits_data)
execute_process(COMMAND python3 ${SOURCE}/examples/quickstart/unpack_data.py --out ${WORK}/digits_data RESULT_VARIABLE rc)
if(NOT rc EQUAL 0)
  message(FATAL_ERROR "the images could not be unpacked")
endif()
# In one arena, and with tensors in two banks of memory.
foreach(banks "" "--bank;fast=1024:.bss.fast;slow=65536")
  execute_process(COMMAND python3 ${SOURCE}/test/firmware/cortex_m.py --bin ${BIN} --source ${SOURCE} --work ${WORK}/digits_m4
    --model ${SOURCE}/examples/quickstart/digits.onnx --input_list ${WORK}/digits_data/calibration_list.txt ${banks} RESULT_VARIABLE rc)
  if(rc EQUAL 77)
    message(STATUS "skipped: see above")
  elseif(NOT rc EQUAL 0)
    message(FATAL_ERROR "cortex_m.py ${banks} ended with ${rc}")
  endif()
endforeach()
