# SPDX-License-Identifier: Apache-2.0
# bench/<name>/*_bench.cpp is the program <name>_<file>; nothing here is a test.
file(GLOB bench_mains CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*/*_bench.cpp)
foreach(main IN LISTS bench_mains)
  get_filename_component(bench ${main} NAME_WE)
  add_executable(${bench} ${main})
  target_link_libraries(${bench} PRIVATE qnnx_tools ${CMAKE_DL_LIBS})
  set_target_properties(${bench} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
  qnnx_warnings(${bench})
endforeach()
