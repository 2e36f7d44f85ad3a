# SPDX-License-Identifier: BSL-1.0
set(QUOIN_TARGET aarch64)
set(QUOIN_EMULATOR qemu-aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake)
