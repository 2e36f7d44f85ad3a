# SPDX-License-Identifier: BSL-1.0
# Debian's cross compiler for QUOIN_TARGET. Programs are linked statically, so that QUOIN_EMULATOR
# (qemu-user) runs them without a foreign root.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${QUOIN_TARGET})
set(CMAKE_CXX_COMPILER ${QUOIN_TARGET}-linux-gnu-g++)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
find_program(emulator ${QUOIN_EMULATOR} REQUIRED)
set(CMAKE_CROSSCOMPILING_EMULATOR ${emulator})

set(CMAKE_FIND_ROOT_PATH /usr/${QUOIN_TARGET}-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
