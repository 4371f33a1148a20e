# SPDX-License-Identifier: Apache-2.0
# Warnings for our own targets only; users of the headers choose their own.
function(qnnx_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion)
  if(QNNX_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
