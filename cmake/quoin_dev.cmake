# SPDX-License-Identifier: BSL-1.0
# Flags and helpers for our own tests, benchmarks, fuzz targets and examples.
#
#   quoin_component(<folder>/<header> [CONCURRENT] [KERNELS] [EXTRA_TESTS <name>...] [LIBRARIES <name>...])
#
# registers the mirrors of include/quoin/<folder>/<header>.hpp:
#   tests/<folder>/<header>_test.cpp            GoogleTest; required
#   tests/<folder>/<header>_property_test.cpp   RapidCheck; if it exists, and left out where RapidCheck is absent
#   bench/<folder>/<header>_bench.cpp           google-benchmark
#   fuzz/<folder>/<header>_fuzz.cpp             libFuzzer body, inputs in fuzz/corpus/<folder>/<header>/
# CONCURRENT    the tests also run under ThreadSanitizer
# KERNELS       has SIMD kernels: the test and the property test run a second time with QUOIN_ISA=scalar
# EXTRA_TESTS   tests/<folder>/<name>_test.cpp, each a program of its own
# LIBRARIES     oracles and peers (xxhash, leveldb, ...): linked to tests and benchmarks where installed;
#               QUOIN_WITH_<NAME> is 1 or 0
#
#   quoin_detail_test(<name> [CONCURRENT])      tests/detail/<name>_test.cpp of a private header
#
# With address sanitizer the fuzz targets try random operations; the property tests are for the plain build.

# These judge formulas by many trials, which say the same on every processor and under every sanitizer.
set(QUOIN_STATISTICAL_TESTS hash/hash_quality filter/blocked_bloom_model)
# These compare with a live server what other tests compare with bytes and models of their own.
set(QUOIN_SERVER_TESTS interop/redis_hyperloglog_server interop/redis_limiter_server)

set(QUOIN_ROOT ${CMAKE_CURRENT_SOURCE_DIR})
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_VERIFY_INTERFACE_HEADER_SETS ON)
set_target_properties(quoin PROPERTIES VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL})

if(QUOIN_BUILD_TESTS OR QUOIN_BUILD_BENCH OR QUOIN_BUILD_FUZZ OR QUOIN_BUILD_EXAMPLES)
  find_program(QUOIN_CCACHE ccache)
  if(QUOIN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${QUOIN_CCACHE})
  endif()
  find_package(Threads REQUIRED)
endif()

# Test libraries come before our flags: they are others' code and keep their own.
if(QUOIN_BUILD_TESTS)
  enable_testing()
  find_package(GTest QUIET)
  set(sources /usr/src/googletest/googletest)
  if(NOT TARGET GTest::gtest_main AND EXISTS ${sources}/src/gtest-all.cc)
    message(STATUS "GoogleTest: compiled from ${sources}")
    add_library(gtest_main STATIC EXCLUDE_FROM_ALL ${sources}/src/gtest-all.cc ${sources}/src/gtest_main.cc)
    target_include_directories(gtest_main PRIVATE ${sources})
    target_include_directories(gtest_main SYSTEM PUBLIC ${sources}/include)
    target_compile_features(gtest_main PUBLIC cxx_std_20)
    target_link_libraries(gtest_main PUBLIC Threads::Threads)
    add_library(GTest::gtest_main ALIAS gtest_main)
  endif()
  if(NOT TARGET GTest::gtest_main)
    message(FATAL_ERROR "The tests need GoogleTest. On Debian: apt-get install libgtest-dev googletest")
  endif()
  find_path(RAPIDCHECK_INCLUDE_DIR rapidcheck.h)
  find_library(RAPIDCHECK_LIBRARY rapidcheck)
  if(NOT RAPIDCHECK_LIBRARY OR NOT RAPIDCHECK_INCLUDE_DIR)
    message(STATUS "RapidCheck: not found, the property tests are left out (Debian: librapidcheck-dev)")
  endif()
endif()
if(QUOIN_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()

if(PROJECT_IS_TOP_LEVEL)
  add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-align
    -Wold-style-cast -Wundef)
  if(QUOIN_WERROR)
    add_compile_options(-Werror)
  endif()
endif()
if(QUOIN_SANITIZE)
  add_compile_options(-fsanitize=${QUOIN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1 -D_GLIBCXX_ASSERTIONS)
  add_link_options(-fsanitize=${QUOIN_SANITIZE})
endif()
if(QUOIN_COVERAGE)
  add_compile_options(--coverage -fprofile-abs-path -fprofile-update=atomic)
  add_link_options(--coverage)
endif()

# What every test, property test and corpus replay is compiled with.
add_library(quoin_testing INTERFACE)
target_link_libraries(quoin_testing INTERFACE quoin::quoin Threads::Threads)
target_include_directories(quoin_testing INTERFACE ${QUOIN_ROOT} ${QUOIN_ROOT}/tests ${QUOIN_ROOT}/fuzz)
target_compile_options(quoin_testing INTERFACE  # the library's own invariants stop the program
  "-DQUOIN_ASSERT(condition)=((condition)?static_cast<void>(0):__builtin_trap())")
target_compile_definitions(quoin_testing INTERFACE QUOIN_GOLDEN_DIR="${QUOIN_ROOT}/tests/golden")
# Hot functions once a program instead of in each line of a test: half the code, and each branch is counted once.
if(QUOIN_SANITIZE OR QUOIN_COVERAGE)
  target_compile_definitions(quoin_testing INTERFACE QUOIN_ALWAYS_INLINE=inline)
endif()

# Headers that are not ours take longer to read than most tests do: they are read once a build.
set(QUOIN_USUAL_HEADERS <algorithm> <array> <atomic> <chrono> <cmath> <filesystem> <fstream> <map> <memory_resource>
  <random> <set> <string> <thread> <unordered_map> <vector>)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i[3-6]86)$")
  list(APPEND QUOIN_USUAL_HEADERS <immintrin.h>)
endif()
function(quoin_precompiled name)
  cmake_parse_arguments(ARG "" "" "HEADERS;LIBRARIES;INCLUDES;OPTIONS" ${ARGN})
  file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp CONTENT "")
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE quoin_testing ${ARG_LIBRARIES})
  target_include_directories(${name} SYSTEM PRIVATE ${ARG_INCLUDES})
  target_compile_options(${name} PRIVATE ${ARG_OPTIONS})
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS} ${QUOIN_USUAL_HEADERS})
endfunction()
if(QUOIN_BUILD_TESTS)
  quoin_precompiled(quoin_gtest_headers HEADERS <gtest/gtest.h> LIBRARIES GTest::gtest_main)
  if(RAPIDCHECK_LIBRARY AND RAPIDCHECK_INCLUDE_DIR)
    quoin_precompiled(quoin_property_headers HEADERS <gtest/gtest.h> <rapidcheck.h> <rapidcheck/gtest.h>
      LIBRARIES GTest::gtest_main INCLUDES ${RAPIDCHECK_INCLUDE_DIR})
  endif()
endif()

add_custom_target(concurrent_tests)  # everything that runs under ThreadSanitizer
add_custom_target(kernel_tests)  # what a processor with kernels of its own may do in another way
add_custom_target(byte_order_tests)  # what a big-endian processor may: hashes, whatever holds golden files, all corpora
if(QUOIN_BUILD_BENCH)
  add_custom_target(benchmarks)
endif()
if(QUOIN_BUILD_FUZZ)
  add_custom_target(fuzzers)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "QUOIN_BUILD_FUZZ needs clang (libFuzzer)")
  endif()
endif()

# Links those of the named libraries that are installed.
function(quoin_link_optional target)
  foreach(name IN LISTS ARGN)
    find_library(QUOIN_LIB_${name} ${name})
    string(TOUPPER ${name} upper)
    if(QUOIN_LIB_${name})
      target_link_libraries(${target} PRIVATE ${QUOIN_LIB_${name}})
      target_compile_definitions(${target} PRIVATE QUOIN_WITH_${upper}=1)
    else()
      message(STATUS "${target}: without ${name}, which is not installed")
      target_compile_definitions(${target} PRIVATE QUOIN_WITH_${upper}=0)
    endif()
  endforeach()
endfunction()

# One test program, named by its path below tests/ without "_test.cpp".
function(quoin_test path)
  cmake_parse_arguments(ARG "CONCURRENT;KERNELS" "" "LIBRARIES" ${ARGN})
  if(NOT QUOIN_BUILD_TESTS OR ((CMAKE_CROSSCOMPILING OR QUOIN_SANITIZE)
      AND (path IN_LIST QUOIN_STATISTICAL_TESTS OR path IN_LIST QUOIN_SERVER_TESTS)))
    return()
  endif()
  set(source ${QUOIN_ROOT}/tests/${path}_test.cpp)
  if(NOT EXISTS ${source})
    message(FATAL_ERROR "tests/${path}_test.cpp is missing: a component is registered with its test")
  endif()
  string(REPLACE / . name ${path})
  add_executable(test.${name} ${source})
  target_link_libraries(test.${name} PRIVATE quoin_testing GTest::gtest_main)
  quoin_link_optional(test.${name} ${ARG_LIBRARIES})
  if(path MATCHES "_property$")
    target_include_directories(test.${name} SYSTEM PRIVATE ${RAPIDCHECK_INCLUDE_DIR})
    target_link_libraries(test.${name} PRIVATE ${RAPIDCHECK_LIBRARY})
    target_precompile_headers(test.${name} REUSE_FROM quoin_property_headers)
  else()
    target_precompile_headers(test.${name} REUSE_FROM quoin_gtest_headers)
  endif()
  add_test(NAME ${name} COMMAND test.${name})
  if(ARG_CONCURRENT)
    set_tests_properties(${name} PROPERTIES LABELS concurrent)
    add_dependencies(concurrent_tests test.${name})
  endif()
  if(ARG_KERNELS OR path MATCHES "^(detail|hash)/")
    set_property(TEST ${name} APPEND PROPERTY LABELS kernels)
    add_dependencies(kernel_tests test.${name})
  endif()
  file(STRINGS ${source} golden REGEX "#include \"support/(golden|hostile)\\.hpp\"")
  if(NOT path MATCHES "_property$" AND (golden OR path MATCHES "^(detail|hash|interop)/"))
    set_property(TEST ${name} APPEND PROPERTY LABELS bytes)
    add_dependencies(byte_order_tests test.${name})
  endif()
endfunction()

function(quoin_detail_test name)
  quoin_test(detail/${name} ${ARGN})
endfunction()

# Runs a test once more without kernels, where there are any and the test was built.
function(quoin_test_scalar path)
  string(REPLACE / . name ${path})
  if(TEST ${name} AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|aarch64|arm64)$")
    add_test(NAME ${name}.scalar COMMAND test.${name})
    set_tests_properties(${name}.scalar PROPERTIES ENVIRONMENT QUOIN_ISA=scalar LABELS kernels)
  endif()
endfunction()

function(quoin_component path)
  cmake_parse_arguments(ARG "CONCURRENT;KERNELS" "" "EXTRA_TESTS;LIBRARIES" ${ARGN})
  string(REPLACE / . name ${path})
  cmake_path(GET path PARENT_PATH folder)
  set(flags LIBRARIES ${ARG_LIBRARIES})
  if(ARG_CONCURRENT)
    list(PREPEND flags CONCURRENT)
  endif()
  if(ARG_KERNELS)
    list(PREPEND flags KERNELS)
  endif()
  if(NOT EXISTS ${QUOIN_ROOT}/include/quoin/${path}.hpp)
    message(FATAL_ERROR "quoin_component(${path}): there is no include/quoin/${path}.hpp")
  endif()

  quoin_test(${path} ${flags})
  foreach(extra IN LISTS ARG_EXTRA_TESTS)
    quoin_test(${folder}/${extra} ${flags})
  endforeach()
  if(EXISTS ${QUOIN_ROOT}/tests/${path}_property_test.cpp AND RAPIDCHECK_LIBRARY AND RAPIDCHECK_INCLUDE_DIR
      AND NOT QUOIN_SANITIZE MATCHES address)
    quoin_test(${path}_property ${flags})
  endif()
  if(ARG_KERNELS)
    quoin_test_scalar(${path})
    quoin_test_scalar(${path}_property)
  endif()

  if(QUOIN_BUILD_BENCH AND EXISTS ${QUOIN_ROOT}/bench/${path}_bench.cpp)
    add_executable(bench.${name} bench/${path}_bench.cpp)
    target_link_libraries(bench.${name} PRIVATE quoin::quoin benchmark::benchmark Threads::Threads)
    quoin_link_optional(bench.${name} ${ARG_LIBRARIES})
    add_dependencies(benchmarks bench.${name})
  endif()

  set(fuzz ${QUOIN_ROOT}/fuzz/${path}_fuzz.cpp)
  if(NOT EXISTS ${fuzz})
    return()
  endif()
  # With address sanitizer the fuzz targets themselves begin with the corpus.
  if(QUOIN_BUILD_TESTS AND NOT QUOIN_SANITIZE MATCHES address)
    if(NOT TARGET quoin_replay_main)
      add_library(quoin_replay_main OBJECT ${QUOIN_ROOT}/fuzz/support/replay_main.cpp)
      target_compile_features(quoin_replay_main PRIVATE cxx_std_20)
      quoin_precompiled(quoin_replay_headers OPTIONS -O0)
    endif()
    add_executable(replay.${name} ${fuzz})
    target_link_libraries(replay.${name} PRIVATE quoin_testing quoin_replay_main)
    target_compile_options(replay.${name} PRIVATE -O0)  # a corpus is replayed faster than this is optimized
    target_precompile_headers(replay.${name} REUSE_FROM quoin_replay_headers)
    add_test(NAME fuzz.${name} COMMAND replay.${name} ${QUOIN_ROOT}/fuzz/corpus/${path})
    set_tests_properties(fuzz.${name} PROPERTIES LABELS bytes)
    add_dependencies(byte_order_tests replay.${name})
    if(ARG_KERNELS)
      set_property(TEST fuzz.${name} APPEND PROPERTY LABELS kernels)
      add_dependencies(kernel_tests replay.${name})
    endif()
  endif()
  if(QUOIN_BUILD_FUZZ)
    add_executable(fuzz.${name} ${fuzz})
    target_link_libraries(fuzz.${name} PRIVATE quoin_testing)
    target_compile_options(fuzz.${name} PRIVATE -fsanitize=fuzzer-no-link)
    if(NOT TARGET quoin_fuzz_headers)
      quoin_precompiled(quoin_fuzz_headers OPTIONS -fsanitize=fuzzer-no-link)
    endif()
    target_precompile_headers(fuzz.${name} REUSE_FROM quoin_fuzz_headers)
    target_link_options(fuzz.${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers fuzz.${name})
  endif()
endfunction()

# A program among the benchmarks that characterizes: prints tables for the documentation.
function(quoin_bench_program name source)
  if(QUOIN_BUILD_BENCH)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE quoin::quoin Threads::Threads)
    add_dependencies(benchmarks ${name})
  endif()
endfunction()
