# SPDX-License-Identifier: BSL-1.0
set(QUOIN_TARGET i686)
set(QUOIN_EMULATOR qemu-i386)
include(${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake)
