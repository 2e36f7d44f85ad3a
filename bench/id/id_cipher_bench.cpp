// SPDX-License-Identifier: BSL-1.0
// Nanoseconds of a code in both directions: of codes in a row, which overlap in the processor, and
// each from the one before; beside SipHash-1-3 of 8 bytes, the cheapest keyed function around.
#include <quoin/id/id_cipher.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>

namespace {

constexpr quoin::siphash_key key{0x0123456789abcdefu, 0xfedcba9876543210u};
constexpr std::size_t batch = 1024;

std::uint64_t size_of(std::int64_t digits) {
  std::uint64_t size = 1;
  for (; digits > 0; --digits) size *= 62;
  return size;
}

enum class how { in_a_row, each_from_the_last };

template <how Order, class Code>
void run(benchmark::State& state, std::uint64_t size, Code code) {
  std::uint64_t x = 0;
  for (auto _ : state) {
    if constexpr (Order == how::in_a_row) {
      for (std::size_t i = 0; i < batch; ++i) {
        benchmark::DoNotOptimize(code(x));
        if (++x == size) x = 0;
      }
    } else {
      for (std::size_t i = 0; i < batch; ++i) x = code(x);
      benchmark::DoNotOptimize(x);
    }
  }
  state.counters["per_code"] =
      benchmark::Counter(static_cast<double>(batch), benchmark::Counter::kIsIterationInvariantRate |
                                                         benchmark::Counter::kInvert);
}

template <how Order>
void encrypt(benchmark::State& state) {
  const quoin::id_cipher cipher({.key = key, .size = size_of(state.range(0))});
  run<Order>(state, cipher.size(), [&](std::uint64_t x) { return cipher.encrypt(x); });
}
template <how Order>
void decrypt(benchmark::State& state) {
  const quoin::id_cipher cipher({.key = key, .size = size_of(state.range(0))});
  run<Order>(state, cipher.size(), [&](std::uint64_t x) { return cipher.decrypt(x); });
}
template <how Order>
void siphash(benchmark::State& state) {
  run<Order>(state, ~std::uint64_t{0}, [](std::uint64_t x) {
    unsigned char bytes[8];
    quoin::detail::store_le(bytes, x);
    return quoin::siphash_1_3(bytes, key);
  });
}
BENCHMARK_TEMPLATE(encrypt, how::in_a_row)->Arg(1)->Arg(6)->Arg(7)->Arg(10);
BENCHMARK_TEMPLATE(decrypt, how::in_a_row)->Arg(1)->Arg(6)->Arg(7)->Arg(10);
BENCHMARK_TEMPLATE(encrypt, how::each_from_the_last)->Arg(7);
BENCHMARK_TEMPLATE(decrypt, how::each_from_the_last)->Arg(7);
BENCHMARK_TEMPLATE(siphash, how::in_a_row);
BENCHMARK_TEMPLATE(siphash, how::each_from_the_last);

}  // namespace

BENCHMARK_MAIN();
