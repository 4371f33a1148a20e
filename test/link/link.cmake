# SPDX-License-Identifier: Apache-2.0
# Two units that use one model link, and a unit built for another instruction set shares no inline function with them.
add_executable(link_two_units ${CMAKE_CURRENT_LIST_DIR}/first.cpp ${CMAKE_CURRENT_LIST_DIR}/second.cpp)
target_link_libraries(link_two_units PRIVATE qnnx)
qnnx_warnings(link_two_units)
set_target_properties(link_two_units PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_library(link_avx2_unit OBJECT ${CMAKE_CURRENT_LIST_DIR}/second.cpp)
  target_link_libraries(link_avx2_unit PRIVATE qnnx)
  target_compile_options(link_avx2_unit PRIVATE -mavx2)
  target_compile_definitions(link_avx2_unit PRIVATE QNNX_TEST_UNIT=avx2_unit)
  target_sources(link_two_units PRIVATE $<TARGET_OBJECTS:link_avx2_unit>)
  target_compile_definitions(link_two_units PRIVATE QNNX_TEST_AVX2)
endif()
add_test(NAME link COMMAND link_two_units)

find_package(Python3 COMPONENTS Interpreter)
if(Python3_FOUND AND CMAKE_NM)
  add_test(NAME object_contents COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/check_object.py ${CMAKE_CXX_COMPILER}
           ${PROJECT_SOURCE_DIR}/include)
endif()
