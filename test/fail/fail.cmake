# SPDX-License-Identifier: Apache-2.0
# A wrong graph does not compile, and both compilers say why.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND)
  find_program(QNNX_CLANG NAMES clang++-14 clang++)
  add_test(NAME fail COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/check_failures.py
           ${CMAKE_CXX_COMPILER} ${PROJECT_SOURCE_DIR}/include)
  set_tests_properties(fail PROPERTIES LABELS "slow;once")
  if(QNNX_CLANG AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_test(NAME fail_clang COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/check_failures.py
             ${QNNX_CLANG} ${PROJECT_SOURCE_DIR}/include)
    set_tests_properties(fail_clang PROPERTIES LABELS "slow;once")
  endif()
endif()
