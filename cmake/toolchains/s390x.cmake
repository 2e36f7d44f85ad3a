# SPDX-License-Identifier: BSL-1.0
set(QUOIN_TARGET s390x)
set(QUOIN_EMULATOR qemu-s390x)
include(${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake)
