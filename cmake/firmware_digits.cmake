# SPDX-License-Identifier: Apache-2.0
# The bundled digit network, quantized with the bundled calibration images to ACT bits of activations and WEIGHTS bits of
# weights, on CPUS (separated by blanks); ACCURACY: least share of the bundled test images that must be right.
set(data ${WORK}/digits_data_${ACT}_${WEIGHTS})
file(MAKE_DIRECTORY ${data})
separate_arguments(cpus UNIX_COMMAND "${CPUS}")
execute_process(COMMAND python3 ${SOURCE}/examples/quickstart/unpack_data.py --out ${data} RESULT_VARIABLE rc)
if(NOT rc EQUAL 0)
  message(FATAL_ERROR "the images could not be unpacked")
endif()
# In one arena, and with tensors in two banks of memory (BANKS).
set(layouts "one arena")
if(BANKS)
  list(APPEND layouts "two banks")
endif()
foreach(layout IN LISTS layouts)
  set(banks)
  if(layout STREQUAL "two banks")
    set(banks --bank fast=1024:.bss.fast slow=65536)
  endif()
  execute_process(COMMAND python3 ${SOURCE}/test/firmware/cortex_m.py --bin ${BIN} --source ${SOURCE} --work ${WORK}/digits_${ACT}_${WEIGHTS}
    --model ${SOURCE}/examples/quickstart/digits.onnx --input_list ${data}/calibration_list.txt --cpu ${cpus}
    --act_bitwidth ${ACT} --weights_bitwidth ${WEIGHTS} --images ${data}/test_list.txt --labels ${data}/test_labels.txt
    --accuracy ${ACCURACY} ${banks} RESULT_VARIABLE rc)
  if(rc EQUAL 77)
    message(STATUS "skipped: see above")
  elseif(NOT rc EQUAL 0)
    message(FATAL_ERROR "cortex_m.py, ${layout}, ended with ${rc}")
  endif()
endforeach()
