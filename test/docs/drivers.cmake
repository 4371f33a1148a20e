# SPDX-License-Identifier: Apache-2.0
# docs/reference/options.md is what the drivers print with --help. To write it again:
#   cmake -DBIN=build/release/bin -DEXPECTED=docs/reference/options.md -DWRITE=1 -P test/docs/driver_help.script
add_test(NAME docs.driver_options COMMAND ${CMAKE_COMMAND} -DBIN=${qnnx_bin}
  -DEXPECTED=${PROJECT_SOURCE_DIR}/docs/reference/options.md -P ${PROJECT_SOURCE_DIR}/test/docs/driver_help.script)
