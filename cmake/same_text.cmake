# SPDX-License-Identifier: Apache-2.0
# Fails unless PROGRAM prints exactly the file EXPECTED.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE printed RESULT_VARIABLE rc)
if(NOT rc EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} failed: ${rc}")
endif()
file(READ ${EXPECTED} expected)
if(NOT printed STREQUAL expected)
  message(FATAL_ERROR "${EXPECTED} is not what ${PROGRAM} prints; run: ${PROGRAM} > ${EXPECTED}")
endif()
