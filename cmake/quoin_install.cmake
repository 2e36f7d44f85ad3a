# SPDX-License-Identifier: BSL-1.0
# What `cmake --install` puts where. Nothing of it depends on the machine, so all goes to include/ and share/.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS quoin EXPORT quoin FILE_SET HEADERS)
# The library has no dependencies: the file of exported targets is the whole package configuration.
install(EXPORT quoin FILE quoin-config.cmake NAMESPACE quoin::
  DESTINATION ${CMAKE_INSTALL_DATADIR}/cmake/quoin)
# Minor versions of 0.x may break.
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/quoin-config-version.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/quoin-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_DATADIR}/cmake/quoin)

configure_file(cmake/quoin.pc.in quoin.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/quoin.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
