# SPDX-License-Identifier: Apache-2.0
# Warnings for our own targets only; users of the headers choose their own.
function(qnnx_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-restrict)  # false in std::string's operator+ (g++ bug 105651)
  endif()
  if(QNNX_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
