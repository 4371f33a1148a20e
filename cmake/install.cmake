# SPDX-License-Identifier: Apache-2.0
# install + find_package(qnnx): qnnx::qnnx always, qnnx::runtime where it was built.
include(CMakePackageConfigHelpers)
install(TARGETS qnnx EXPORT qnnx FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(QNNX_BUILD_TOOLS)
  install(TARGETS qnnx_runtime EXPORT qnnx ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(EXPORT qnnx NAMESPACE qnnx:: FILE qnnx-targets.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/qnnx)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/qnnx-config.cmake.in ${PROJECT_BINARY_DIR}/qnnx-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/qnnx)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/qnnx-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/qnnx-config.cmake ${PROJECT_BINARY_DIR}/qnnx-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/qnnx)
