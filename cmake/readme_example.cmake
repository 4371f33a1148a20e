# SPDX-License-Identifier: Apache-2.0
# Fails unless README.md holds the marked region of examples/by_hand/main.cpp.
file(READ ${SOURCE}/examples/by_hand/main.cpp source)
file(READ ${SOURCE}/README.md readme)
string(FIND "${source}" "// [example]\n" begin)
math(EXPR begin "${begin} + 13")
string(SUBSTRING "${source}" ${begin} -1 rest)
string(FIND "${rest}" "// [example]" end)
string(SUBSTRING "${rest}" 0 ${end} region)
string(FIND "${readme}" "${region}" found)
if(found EQUAL -1)
  message(FATAL_ERROR "README.md does not hold the region of examples/by_hand/main.cpp")
endif()
