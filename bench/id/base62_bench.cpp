// SPDX-License-Identifier: BSL-1.0
// 64-bit numbers and bytes to text and back, beside the loop over % 62 and GMP where it is installed
// (with its import and export, and with texts that end in a zero, as it wants them). The numbers have
// all 64 bits, and thus 11 digits, nearly always; for minimal forms also few digits, and any number.
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

std::vector<std::uint64_t> some_numbers(std::size_t many = count) {
  std::vector<std::uint64_t> numbers(many);
  std::uint64_t state = 1;
  for (auto& n : numbers) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    n = state ^ state >> 31;
  }
  return numbers;
}

/// Numbers of 1 to `Most` digits, each length as often; with 0 of all 64 bits, nearly always 11. So
/// many that no branch predictor learns by heart which length comes when, as it does of 1024.
template <std::size_t Most>
std::vector<std::uint64_t> numbers_up_to() {
  auto numbers = some_numbers(Most == 0 ? count : 64 * count);
  if (Most == 0) return numbers;
  for (auto& n : numbers) {
    const std::uint64_t most =
        codec::max_of_width(static_cast<std::size_t>(n >> 32) % (Most + (Most == 0)) + 1);
    if (most < n) n %= most + 1;
  }
  return numbers;
}

using text = std::array<char, 11>;
using text_with_zero = std::array<char, 12>;

/// A minimal form, behind which there are zeros.
struct minimal_text {
  char characters[12] = {};
  std::uint32_t size = 0;
};

template <std::size_t Most>
std::vector<minimal_text> texts_up_to() {
  std::vector<minimal_text> texts;
  for (const std::uint64_t n : numbers_up_to<Most>()) {
    minimal_text& t = texts.emplace_back();
    t.size = static_cast<std::uint32_t>(codec::encode_to(t.characters, n));
  }
  return texts;
}

std::vector<text> some_texts() {
  std::vector<text> texts;
  for (const std::uint64_t n : some_numbers()) {
    if (!codec::encode_fixed_to(texts.emplace_back(), n)) std::abort();
  }
  return texts;
}

/// `f` for each of the inputs, whose number is a power of 2, over and over.
template <class Input, class F>
void each(benchmark::State& state, const std::vector<Input>& inputs, F f) {
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(f(inputs[i++ & (inputs.size() - 1)]));
    benchmark::ClobberMemory();
  }
}

void encode_fixed(benchmark::State& state) {
  text out{};
  benchmark::DoNotOptimize(out.data());
  each(state, some_numbers(), [&](std::uint64_t n) { return codec::encode_fixed_to(out, n); });
}
BENCHMARK(encode_fixed);

template <std::size_t Most>
void encode_minimal(benchmark::State& state) {
  text out{};
  benchmark::DoNotOptimize(out.data());
  each(state, numbers_up_to<Most>(), [&](std::uint64_t n) { return codec::encode_to(out, n); });
}
BENCHMARK(encode_minimal<0>);
BENCHMARK(encode_minimal<3>);
BENCHMARK(encode_minimal<11>);

template <std::size_t Most>
void encode_minimal_by_division(benchmark::State& state) {
  text out{};
  benchmark::DoNotOptimize(out.data());
  each(state, numbers_up_to<Most>(), [&](std::uint64_t n) {
    std::size_t i = out.size();
    do {
      out[--i] = codec::alphabet[static_cast<std::size_t>(n % 62)];
      n /= 62;
    } while (n != 0);
    return i;
  });
}
BENCHMARK(encode_minimal_by_division<0>);
BENCHMARK(encode_minimal_by_division<3>);
BENCHMARK(encode_minimal_by_division<11>);

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

template <std::size_t Most>
void decode_minimal(benchmark::State& state) {
  each(state, texts_up_to<Most>(), [](const minimal_text& t) {
    return codec::decode(std::string_view(t.characters, t.size)).value_or(0);
  });
}
BENCHMARK(decode_minimal<0>);
BENCHMARK(decode_minimal<3>);
BENCHMARK(decode_minimal<11>);

/// As strict: a foreign character, a zero in front and too large a number are refused.
std::uint64_t decoded_digit_by_digit(const minimal_text& t) {
  std::uint64_t n = 0;
  if (t.size == 0 || (t.size > 1 && t.characters[0] == '0')) return 0;
  for (std::size_t i = 0; i < t.size; ++i) {
    const std::uint8_t digit = quoin::detail::digits_in<codec::alphabet>[t.characters[i]];
    if (digit == quoin::detail::no_digit || __builtin_mul_overflow(n, 62u, &n) ||
        __builtin_add_overflow(n, digit, &n)) {
      return 0;
    }
  }
  return n;
}

template <std::size_t Most>
void decode_minimal_by_digits(benchmark::State& state) {
  each(state, texts_up_to<Most>(), decoded_digit_by_digit);
}
BENCHMARK(decode_minimal_by_digits<0>);
BENCHMARK(decode_minimal_by_digits<3>);
BENCHMARK(decode_minimal_by_digits<11>);

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
using text_of = std::array<char, codec::width_of_bytes(Size) + 1>;  // ends in a zero

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
BENCHMARK(encode_bytes<15>);
BENCHMARK(encode_bytes<64>);
BENCHMARK(encode_bytes<256>);

template <std::size_t Size>
void decode_bytes(benchmark::State& state) {
  std::array<unsigned char, Size> out{};
  benchmark::DoNotOptimize(out.data());
  each(state, texts_of_bytes<Size>(), [&](const auto& t) {
    return codec::decode_bytes_to(std::span(out), {t.data(), t.size() - 1}).has_value();
  });
}
BENCHMARK(decode_bytes<16>);
BENCHMARK(decode_bytes<20>);
BENCHMARK(decode_bytes<32>);
BENCHMARK(decode_bytes<15>);
BENCHMARK(decode_bytes<64>);
BENCHMARK(decode_bytes<256>);

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
  std::vector<text_with_zero> texts;
  for (const text& t : some_texts()) std::memcpy(texts.emplace_back().data(), t.data(), t.size());
  each(state, texts, [&](const text_with_zero& t) {
    std::uint64_t n = 0;
    if (mpz_set_str(z, t.data(), 62) == 0) mpz_export(&n, nullptr, 1, 8, 0, 0, z);
    return n;
  });
  mpz_clear(z);
}
BENCHMARK(decode_by_gmp);

template <std::size_t Size>
void encode_bytes_by_gmp(benchmark::State& state) {
  char out[codec::width_of_bytes(Size) + 2];
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
BENCHMARK(encode_bytes_by_gmp<15>);
BENCHMARK(encode_bytes_by_gmp<64>);
BENCHMARK(encode_bytes_by_gmp<256>);

template <std::size_t Size>
void decode_bytes_by_gmp(benchmark::State& state) {
  std::array<unsigned char, Size> out{};
  benchmark::DoNotOptimize(out.data());
  mpz_t z;
  mpz_init2(z, 16 * Size);
  each(state, texts_of_bytes<Size>(), [&](const auto& t) {
    if (mpz_set_str(z, t.data(), 62) == 0) mpz_export(out.data(), nullptr, 1, 1, 1, 0, z);
    return 0;
  });
  mpz_clear(z);
}
BENCHMARK(decode_bytes_by_gmp<16>);
BENCHMARK(decode_bytes_by_gmp<20>);
BENCHMARK(decode_bytes_by_gmp<32>);
BENCHMARK(decode_bytes_by_gmp<15>);
BENCHMARK(decode_bytes_by_gmp<64>);
BENCHMARK(decode_bytes_by_gmp<256>);

#endif

}  // namespace

BENCHMARK_MAIN();
