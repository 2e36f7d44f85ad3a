// SPDX-License-Identifier: BSL-1.0
// Bytes to base58 and back, and numbers, beside the loop over bytes and digits that most have, and GMP
// where it is installed (with its import and export, in its own order of digits).
#include <quoin/id/base58.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#if QUOIN_WITH_GMP
#include <gmp.h>
#endif

namespace {

using quoin::base58;
constexpr std::size_t count = 256;
using bytes = std::vector<unsigned char>;

std::vector<bytes> some_bytes(std::size_t size) {
  std::vector<bytes> all(count, bytes(size));
  std::uint64_t state = 1;
  for (bytes& value : all) {
    for (unsigned char& byte : value) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<unsigned char>(state >> 56);
    }
  }
  return all;
}

std::vector<std::string> some_texts(std::size_t size) {
  std::vector<std::string> all;
  for (const bytes& value : some_bytes(size)) all.push_back(base58::encode_bytes(value));
  return all;
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

std::size_t size_of(const benchmark::State& state) {
  return static_cast<std::size_t>(state.range(0));
}

/// The sizes of numbers, addresses, keys, signatures and more.
void sizes(benchmark::internal::Benchmark* b) {
  for (const std::int64_t size : {16, 25, 32, 64, 128, 256, 1024}) b->Arg(size);
}

void encode_bytes(benchmark::State& state) {
  std::vector<char> out(base58::max_width_of_bytes(size_of(state)));
  benchmark::DoNotOptimize(out.data());
  each(state, some_bytes(size_of(state)),
       [&](const bytes& value) { return base58::encode_bytes_to(out, value); });
}
BENCHMARK(encode_bytes)->Apply(sizes);

void encode_bytes_to_string(benchmark::State& state) {
  each(state, some_bytes(size_of(state)),
       [](const bytes& value) { return base58::encode_bytes(value).size(); });
}
BENCHMARK(encode_bytes_to_string)->Arg(32);

void encode_bytes_by_digits(benchmark::State& state) {
  std::vector<unsigned char> digits(base58::max_width_of_bytes(size_of(state)));
  std::vector<char> out(digits.size());
  benchmark::DoNotOptimize(out.data());
  each(state, some_bytes(size_of(state)), [&](const bytes& value) {
    std::size_t used = 0;
    for (unsigned carry : value) {
      for (std::size_t i = 0; i < used || carry != 0; ++i) {
        if (i == used) digits[used++] = 0;
        carry += 256u * digits[i];
        digits[i] = static_cast<unsigned char>(carry % 58);
        carry /= 58;
      }
    }
    for (std::size_t i = 0; i < used; ++i) out[i] = base58::alphabet[digits[used - 1 - i]];
    return used;
  });
}
BENCHMARK(encode_bytes_by_digits)->Apply(sizes);

void decode_bytes(benchmark::State& state) {
  bytes out(size_of(state));
  benchmark::DoNotOptimize(out.data());
  each(state, some_texts(size_of(state)), [&](const std::string& text) {
    return base58::decode_bytes_to(std::span(out), text).has_value();
  });
}
BENCHMARK(decode_bytes)->Apply(sizes);

void decode_bytes_by_digits(benchmark::State& state) {
  bytes out(size_of(state));
  benchmark::DoNotOptimize(out.data());
  each(state, some_texts(size_of(state)), [&](const std::string& text) {
    std::size_t used = 0;
    for (const char c : text) {
      unsigned carry = quoin::detail::digits_in<base58::alphabet>[c];
      if (carry == quoin::detail::no_digit) return false;
      for (std::size_t i = 0; i < used || carry != 0; ++i) {
        if (i == used) {
          if (used++ == out.size()) return false;
          out[out.size() - used] = 0;
        }
        carry += 58u * out[out.size() - 1 - i];
        out[out.size() - 1 - i] = static_cast<unsigned char>(carry & 0xff);
        carry >>= 8;
      }
    }
    return true;
  });
}
BENCHMARK(decode_bytes_by_digits)->Apply(sizes);

std::vector<std::uint64_t> some_numbers() {
  std::vector<std::uint64_t> numbers;
  for (const bytes& value : some_bytes(8)) {
    numbers.push_back(quoin::detail::load_le<std::uint64_t>(value.data()));
  }
  return numbers;
}

void encode_number(benchmark::State& state) {
  std::array<char, base58::max_width> out{};
  benchmark::DoNotOptimize(out.data());
  each(state, some_numbers(), [&](std::uint64_t n) { return base58::encode_to(out, n); });
}
BENCHMARK(encode_number);

void decode_number(benchmark::State& state) {
  std::vector<std::string> texts;
  for (const std::uint64_t n : some_numbers()) texts.push_back(base58::encode(n));
  each(state, texts, [](const std::string& text) { return base58::decode(text).value_or(0); });
}
BENCHMARK(decode_number);

#if QUOIN_WITH_GMP

void encode_bytes_by_gmp(benchmark::State& state) {
  std::vector<char> out(base58::max_width_of_bytes(size_of(state)) + 2);
  mpz_t z;
  mpz_init(z);
  each(state, some_bytes(size_of(state)), [&](const bytes& value) {
    mpz_import(z, value.size(), 1, 1, 1, 0, value.data());
    return mpz_get_str(out.data(), 58, z);
  });
  mpz_clear(z);
}
BENCHMARK(encode_bytes_by_gmp)->Apply(sizes);

void decode_bytes_by_gmp(benchmark::State& state) {
  std::vector<std::string> texts;
  mpz_t z;
  mpz_init(z);
  for (const bytes& value : some_bytes(size_of(state))) {
    mpz_import(z, value.size(), 1, 1, 1, 0, value.data());
    texts.emplace_back(base58::max_width_of_bytes(size_of(state)) + 2, '\0');
    mpz_get_str(texts.back().data(), 58, z);
  }
  bytes out(size_of(state));
  each(state, texts, [&](const std::string& text) {
    if (mpz_set_str(z, text.c_str(), 58) == 0) mpz_export(out.data(), nullptr, 1, 1, 1, 0, z);
    return 0;
  });
  mpz_clear(z);
}
BENCHMARK(decode_bytes_by_gmp)->Apply(sizes);

#endif

}  // namespace

BENCHMARK_MAIN();
