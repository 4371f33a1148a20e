# SPDX-License-Identifier: Apache-2.0
# Includes follow the layers; every header compiles alone; the core compiles for a Cortex-M without exceptions and RTTI.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  add_test(NAME layers COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/check_layers.py ${PROJECT_SOURCE_DIR}/include)
  add_test(NAME headers_alone COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/check_headers.py
           ${CMAKE_CXX_COMPILER} ${PROJECT_SOURCE_DIR}/include)
  set_tests_properties(layers headers_alone PROPERTIES LABELS "slow;once")
  find_program(QNNX_ARM_CXX arm-none-eabi-g++)
  find_path(QNNX_BOOST_HEADERS boost/pfr/core.hpp)
  if(QNNX_ARM_CXX AND QNNX_BOOST_HEADERS)
    add_test(NAME headers_cortex_m COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/check_headers.py ${QNNX_ARM_CXX}
             ${PROJECT_SOURCE_DIR}/include --core --boost=${QNNX_BOOST_HEADERS}/boost -fno-exceptions -fno-rtti
             -mcpu=cortex-m4 -mthumb)
    set_tests_properties(headers_cortex_m PROPERTIES LABELS once)
  endif()
endif()
