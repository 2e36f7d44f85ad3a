// SPDX-License-Identifier: BSL-1.0
// 64-bit numbers and bytes to text and back, beside the loop over % 62 and GMP where it is installed
// (with its import and export). The numbers have all 64 bits, and thus 11 digits, nearly always.
#include <quoin/id/base62.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#if QUOIN_WITH_GMP
#include <gmp.h>
#endif

namespace {

using codec = quoin::basic_base62<quoin::digits_upper_lower>;  // GMP's alphabet
constexpr std::size_t count = 1024;

std::vector<std::uint64_t> some_numbers() {
  std::vector<std::uint64_t> numbers(count);
  std::uint64_t state = 1;
  for (auto& n : numbers) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    n = state ^ state >> 31;
  }
  return numbers;
}

using text = std::array<char, 11>;

std::vector<text> some_texts() {
  std::vector<text> texts;
  for (const std::uint64_t n : some_numbers()) {
    if (!codec::encode_fixed_to(texts.emplace_back(), n)) std::abort();
  }
  return texts;
}

/// `f` for each of 1024 inputs, over and over.
template <class Input, class F>
void each(benchmark::State& state, const std::vector<Input>& inputs, F f) {
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(f(inputs[i++ % count]));
    benchmark::ClobberMemory();
  }
}

void encode_fixed(benchmark::State& state) {
  text out{};
  benchmark::DoNotOptimize(out.data());
  each(state, some_numbers(), [&](std::uint64_t n) { return codec::encode_fixed_to(out, n); });
}
BENCHMARK(encode_fixed);

void encode_minimal(benchmark::State& state) {
  text out{};
  benchmark::DoNotOptimize(out.data());
  each(state, some_numbers(), [&](std::uint64_t n) { return codec::encode_to(out, n); });
}
BENCHMARK(encode_minimal);

void encode_by_division(benchmark::State& state) {
  text out{};
  benchmark::DoNotOptimize(out.data());
  each(state, some_numbers(), [&](std::uint64_t n) {
    for (std::size_t i = out.size(); i-- > 0; n /= 62)
      out[i] = codec::alphabet[static_cast<std::size_t>(n % 62)];
    return n;
  });
}
BENCHMARK(encode_by_division);

void decode_fixed(benchmark::State& state) {
  each(state, some_texts(), [](const text& t) {
    return codec::decode_fixed(std::string_view(t.data(), t.size())).value_or(0);
  });
}
BENCHMARK(decode_fixed);

void decode_minimal(benchmark::State& state) {
  each(state, some_texts(), [](const text& t) {
    return codec::decode(std::string_view(t.data() + (t[0] == '0'), t.size() - (t[0] == '0')))
        .value_or(0);
  });
}
BENCHMARK(decode_minimal);

// Time per batch of 1024.
void encode_many(benchmark::State& state) {
  const auto numbers = some_numbers();
  std::vector<char> out(11 * count);
  for (auto _ : state) {
    codec::encode_many(numbers, out);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}
BENCHMARK(encode_many);

void decode_many(benchmark::State& state) {
  std::vector<char> in(11 * count);
  codec::encode_many(some_numbers(), in);
  std::vector<std::uint64_t> out(count);
  for (auto _ : state) {
    benchmark::DoNotOptimize(codec::decode_many({in.data(), in.size()}, out));
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}
BENCHMARK(decode_many);

template <std::size_t Size>
std::vector<std::array<unsigned char, Size>> some_bytes() {
  std::vector<std::array<unsigned char, Size>> all(count);
  std::uint64_t state = 1;
  for (auto& bytes : all) {
    for (auto& byte : bytes) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<unsigned char>(state >> 56);
    }
  }
  return all;
}

template <std::size_t Size>
using text_of = std::array<char, codec::width_of_bytes(Size)>;

template <std::size_t Size>
std::vector<text_of<Size>> texts_of_bytes() {
  std::vector<text_of<Size>> all;
  for (const auto& bytes : some_bytes<Size>()) {
    if (codec::encode_bytes_to(all.emplace_back(), bytes) == 0) std::abort();
  }
  return all;
}

template <std::size_t Size>
void encode_bytes(benchmark::State& state) {
  text_of<Size> out{};
  benchmark::DoNotOptimize(out.data());
  each(state, some_bytes<Size>(),
       [&](const auto& bytes) { return codec::encode_bytes_to(out, bytes); });
}
BENCHMARK(encode_bytes<16>);
BENCHMARK(encode_bytes<20>);
BENCHMARK(encode_bytes<32>);

template <std::size_t Size>
void decode_bytes(benchmark::State& state) {
  std::array<unsigned char, Size> out{};
  benchmark::DoNotOptimize(out.data());
  each(state, texts_of_bytes<Size>(), [&](const auto& t) {
    return codec::decode_bytes_to(std::span(out), {t.data(), t.size()}).has_value();
  });
}
BENCHMARK(decode_bytes<16>);
BENCHMARK(decode_bytes<20>);
BENCHMARK(decode_bytes<32>);

#if QUOIN_WITH_GMP

void encode_by_gmp(benchmark::State& state) {
  char out[16];
  mpz_t z;
  mpz_init2(z, 64);
  each(state, some_numbers(), [&](std::uint64_t n) {
    mpz_import(z, 1, 1, 8, 0, 0, &n);
    return mpz_get_str(out, 62, z);
  });
  mpz_clear(z);
}
BENCHMARK(encode_by_gmp);

void decode_by_gmp(benchmark::State& state) {
  mpz_t z;
  mpz_init2(z, 128);
  each(state, some_texts(), [&](const text& t) {
    char terminated[12] = {};
    for (std::size_t i = 0; i < t.size(); ++i) terminated[i] = t[i];
    std::uint64_t n = 0;
    if (mpz_set_str(z, terminated, 62) == 0) mpz_export(&n, nullptr, 1, 8, 0, 0, z);
    return n;
  });
  mpz_clear(z);
}
BENCHMARK(decode_by_gmp);

template <std::size_t Size>
void encode_bytes_by_gmp(benchmark::State& state) {
  char out[64];
  mpz_t z;
  mpz_init2(z, 8 * Size);
  each(state, some_bytes<Size>(), [&](const auto& bytes) {
    mpz_import(z, Size, 1, 1, 1, 0, bytes.data());
    return mpz_get_str(out, 62, z);
  });
  mpz_clear(z);
}
BENCHMARK(encode_bytes_by_gmp<16>);
BENCHMARK(encode_bytes_by_gmp<20>);
BENCHMARK(encode_bytes_by_gmp<32>);

template <std::size_t Size>
void decode_bytes_by_gmp(benchmark::State& state) {
  std::array<unsigned char, Size> out{};
  benchmark::DoNotOptimize(out.data());
  mpz_t z;
  mpz_init2(z, 16 * Size);
  each(state, texts_of_bytes<Size>(), [&](const auto& t) {
    char terminated[64];
    std::memcpy(terminated, t.data(), t.size());
    terminated[t.size()] = 0;
    if (mpz_set_str(z, terminated, 62) == 0) mpz_export(out.data(), nullptr, 1, 1, 1, 0, z);
    return 0;
  });
  mpz_clear(z);
}
BENCHMARK(decode_bytes_by_gmp<16>);
BENCHMARK(decode_bytes_by_gmp<20>);
BENCHMARK(decode_bytes_by_gmp<32>);

#endif

}  // namespace

BENCHMARK_MAIN();
