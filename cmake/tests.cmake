# SPDX-License-Identifier: Apache-2.0
# test/<group>/*_test.cpp is the program test_<group> (doctest); every *.cmake in test/ adds tests that are not doctest.
find_package(doctest REQUIRED)
add_library(qnnx_doctest_main OBJECT ${PROJECT_SOURCE_DIR}/test/doctest_main.cpp)
target_link_libraries(qnnx_doctest_main PRIVATE doctest::doctest)
set(qnnx_test_flags $<$<CONFIG:Release>:-O1>)  # of units that only tests have: a third less to compile than at -O2
file(GLOB test_groups CONFIGURE_DEPENDS LIST_DIRECTORIES true ${PROJECT_SOURCE_DIR}/test/*)
foreach(dir IN LISTS test_groups)
  file(GLOB group_sources CONFIGURE_DEPENDS ${dir}/*_test.cpp)
  if(group_sources)
    get_filename_component(group ${dir} NAME)
    add_executable(test_${group} ${group_sources} $<TARGET_OBJECTS:qnnx_doctest_main>)
    target_link_libraries(test_${group} PRIVATE qnnx_tools doctest::doctest)
    target_include_directories(test_${group} PRIVATE ${PROJECT_SOURCE_DIR}/test)
    set_target_properties(test_${group} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test)
    qnnx_warnings(test_${group})
    target_compile_options(test_${group} PRIVATE ${qnnx_test_flags})
    add_test(NAME ${group} COMMAND test_${group})
    set_tests_properties(${group} PROPERTIES ENVIRONMENT
      "QNNX_SOURCE=${PROJECT_SOURCE_DIR};QNNX_BIN=${qnnx_bin};QNNX_SHARED=${PROJECT_SOURCE_DIR}/../shared")
  endif()
endforeach()
file(GLOB test_scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/test/*/*.cmake)
list(FILTER test_scripts EXCLUDE REGEX "/consume\\.cmake$")  # a script that a test runs
foreach(script IN LISTS test_scripts)
  include(${script})
endforeach()
# Seconds of the longest tests, roughly: ctest starts these first, so that none runs alone at the end.
set(costs firmware.checksums 400 kernels_neon 200 headers_alone 100 models.0 200 models.1 200 models.2 200 firmware.archives 150 networks.transformers 150
  networks.images 150 networks.ssd_efficientnet 150 firmware.checksums_widths 120 firmware.checksums_bundled 60)
while(costs)
  list(POP_FRONT costs name cost)
  if(TEST ${name})
    set_tests_properties(${name} PROPERTIES COST ${cost})
  endif()
endwhile()
