// SPDX-License-Identifier: BSL-1.0
// Nanoseconds of a code of seven characters, both ways, with the share of the cipher and of base62;
// and with a hundred blocked words.
#include <quoin/id/short_code.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr quoin::siphash_key key{0x0123456789abcdefu, 0xfedcba9876543210u};
constexpr std::size_t width = 7;

void encode(benchmark::State& state) {
  std::vector<std::string> words;
  for (std::int64_t i = 0; i < state.range(0); ++i) words.push_back("word" + std::to_string(i));
  const std::vector<std::string_view> blocked(words.begin(), words.end());
  const quoin::short_codes codes({.key = key, .width = width, .blocked = blocked});
  char text[width];
  std::uint64_t n = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(codes.encode_to(text, ++n));
    benchmark::DoNotOptimize(text);
  }
}
BENCHMARK(encode)->Arg(0)->Arg(100);

void decode(benchmark::State& state) {
  const quoin::short_codes codes({.key = key, .width = width});
  std::vector<std::string> texts;
  for (std::uint64_t n = 0; n < 1024; ++n) texts.push_back(codes.encode(n).value());
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(*codes.decode(texts[++i % 1024]));
}
BENCHMARK(decode);

void cipher(benchmark::State& state) {
  const quoin::id_cipher cipher({.key = key, .size = quoin::base62::max_of_width(width) + 1});
  std::uint64_t n = 0;
  for (auto _ : state) benchmark::DoNotOptimize(cipher.encrypt(++n));
}
BENCHMARK(cipher);

void base62(benchmark::State& state) {
  char text[width];
  std::uint64_t n = 3'000'000'000'000;
  for (auto _ : state) {
    benchmark::DoNotOptimize(quoin::base62::encode_fixed_to(text, ++n));
    benchmark::DoNotOptimize(text);
  }
}
BENCHMARK(base62);

}  // namespace

BENCHMARK_MAIN();
