// SPDX-License-Identifier: BSL-1.0
// Numbers and bytes in Crockford's digits, beside the loop over them.
#include <quoin/id/base32.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using quoin::base32;
constexpr std::size_t count = 1024;

/// Of 64 bits nearly always, or of every size.
std::vector<std::uint64_t> some_numbers(bool of_every_size = false) {
  std::vector<std::uint64_t> numbers(count);
  std::uint64_t state = 1;
  for (auto& n : numbers) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    n = (state ^ state >> 31) >> (of_every_size ? state >> 58 : 0);
  }
  return numbers;
}

template <class Encode>
std::vector<std::string> texts_of(const std::vector<std::uint64_t>& numbers, Encode encode) {
  std::vector<std::string> texts;
  for (const std::uint64_t n : numbers) texts.push_back(encode(n));
  return texts;
}

/// `f` for each input, over and over.
template <class Input, class F>
void each(benchmark::State& state, const std::vector<Input>& inputs, F f) {
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(f(inputs[i++ % count]));
    benchmark::ClobberMemory();
  }
}

void encode(benchmark::State& state) {
  std::array<char, base32::max_width> out{};
  benchmark::DoNotOptimize(out.data());
  each(state, some_numbers(state.range(0) != 0),
       [&](std::uint64_t n) { return base32::encode_to(out, n); });
}
BENCHMARK(encode)->Arg(0)->Arg(1);

void encode_fixed(benchmark::State& state) {
  std::array<char, base32::max_width> out{};
  benchmark::DoNotOptimize(out.data());
  each(state, some_numbers(), [&](std::uint64_t n) { return base32::encode_fixed_to(out, n); });
}
BENCHMARK(encode_fixed);

void encode_fixed_by_digits(benchmark::State& state) {
  std::array<char, base32::max_width> out{};
  benchmark::DoNotOptimize(out.data());
  each(state, some_numbers(), [&](std::uint64_t n) {
    for (std::size_t i = out.size(); i-- > 0; n >>= 5) {
      out[i] = base32::alphabet[static_cast<std::size_t>(n & 31)];
    }
    return n;
  });
}
BENCHMARK(encode_fixed_by_digits);

void encode_checked(benchmark::State& state) {
  std::array<char, base32::max_width + 1> out{};
  benchmark::DoNotOptimize(out.data());
  each(state, some_numbers(), [&](std::uint64_t n) { return base32::encode_checked_to(out, n); });
}
BENCHMARK(encode_checked);

void encode_128(benchmark::State& state) {
  std::array<char, base32::max_width_128> out{};
  benchmark::DoNotOptimize(out.data());
  each(state, some_numbers(), [&](std::uint64_t n) {
    return base32::encode_fixed_to(out, quoin::uint128{n, ~n});
  });
}
BENCHMARK(encode_128);

void decode(benchmark::State& state) {
  each(state, texts_of(some_numbers(state.range(0) != 0), [](auto n) { return base32::encode(n); }),
       [](const std::string& text) { return base32::decode(text).value_or(0); });
}
BENCHMARK(decode)->Arg(0)->Arg(1);

void decode_fixed(benchmark::State& state) {
  each(state, texts_of(some_numbers(), [](auto n) { return base32::encode_fixed(n); }),
       [](const std::string& text) { return base32::decode_fixed(text).value_or(0); });
}
BENCHMARK(decode_fixed);

void decode_fixed_by_digits(benchmark::State& state) {
  each(state, texts_of(some_numbers(), [](auto n) { return base32::encode_fixed(n); }),
       [](const std::string& text) {
         std::uint64_t n = 0;
         unsigned all = 0;
         for (const char c : text) {
           const unsigned digit = quoin::detail::digits_in<base32::alphabet>[c];
           all |= digit;
           n = n << 5 | (digit & 31);
         }
         const bool good = text.size() == base32::max_width && all < 32;
         return good && quoin::detail::digits_in<base32::alphabet>[text[0]] < 16 ? n : 0;
       });
}
BENCHMARK(decode_fixed_by_digits);

void decode_any(benchmark::State& state) {
  each(state, texts_of(some_numbers(), [](auto n) { return base32::encode(n); }),
       [](const std::string& text) { return base32::decode_any(text).value_or(0); });
}
BENCHMARK(decode_any);

void decode_any_checked(benchmark::State& state) {
  each(state, texts_of(some_numbers(), [](auto n) { return base32::encode_checked(n); }),
       [](const std::string& text) { return base32::decode_any_checked(text).value_or(0); });
}
BENCHMARK(decode_any_checked);

void decode_128(benchmark::State& state) {
  each(state,
       texts_of(some_numbers(),
                [](auto n) {
                  return base32::encode_fixed(quoin::uint128{n, ~n});
                }),
       [](const std::string& text) { return base32::decode_fixed_128(text)->lo; });
}
BENCHMARK(decode_128);

void encode_bytes(benchmark::State& state) {
  const std::vector<unsigned char> value(static_cast<std::size_t>(state.range(0)), 0x5a);
  std::vector<char> out(base32::width_of_bytes(value.size()));
  for (auto _ : state) {
    benchmark::DoNotOptimize(base32::encode_bytes_to(out, value));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(encode_bytes)->Arg(20)->Arg(32)->Arg(1024);

void decode_bytes(benchmark::State& state) {
  std::vector<unsigned char> out(static_cast<std::size_t>(state.range(0)), 0x5a);
  const std::string text = base32::encode_bytes(out);
  for (auto _ : state) {
    benchmark::DoNotOptimize(base32::decode_bytes_to(std::span(out), text).has_value());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(decode_bytes)->Arg(20)->Arg(32)->Arg(1024);

}  // namespace

BENCHMARK_MAIN();
