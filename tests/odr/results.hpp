// SPDX-License-Identifier: BSL-1.0
#ifndef QUOIN_TESTS_ODR_RESULTS_HPP
#define QUOIN_TESTS_ODR_RESULTS_HPP

#include <cstdint>
#include <vector>

std::vector<std::uint64_t> results_plain();
std::vector<std::uint64_t> results_avx2();

#endif
