# SPDX-License-Identifier: BSL-1.0
set(QUOIN_TARGET i686)
set(QUOIN_EMULATOR qemu-i386)
include(${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake)

# Most kernels for x86-64 run such programs themselves, ten times as fast as the emulator.
get_property(inside_try GLOBAL PROPERTY IN_TRY_COMPILE)
if(NOT inside_try AND NOT DEFINED CACHE{QUOIN_RUNS_I686})
  set(program ${CMAKE_BINARY_DIR}/runs_i686)
  file(WRITE ${program}.cpp "int main() {}\n")
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -static ${program}.cpp -o ${program})
  execute_process(COMMAND ${program} RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
  string(COMPARE EQUAL "${result}" 0 runs)
  set(QUOIN_RUNS_I686 ${runs} CACHE BOOL "Programs for i686 need no emulator")
endif()
if(QUOIN_RUNS_I686)
  unset(CMAKE_CROSSCOMPILING_EMULATOR)
endif()
