// SPDX-License-Identifier: BSL-1.0
/// @file
/// What DataSketches' count-min sketch is made of: the seeds of its rows, its arithmetic and its
/// serialized form.
#ifndef QUOIN_DETAIL_DATASKETCHES_COUNT_MIN_FORM_HPP
#define QUOIN_DETAIL_DATASKETCHES_COUNT_MIN_FORM_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/expected.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace quoin::inline QUOIN_ABI::detail {

template <class T>
concept count_min_weight = (std::integral<T> || std::floating_point<T>)&&sizeof(T) <= 8 &&
                           !std::same_as<T, bool>;

/// Whether DataSketches makes a sketch of this size.
[[nodiscard]] constexpr bool is_count_min_size(std::uint32_t width, std::uint32_t depth) noexcept {
  return width >= 3 && depth >= 1 && depth <= 255 &&
         std::uint64_t{width} * depth < std::uint64_t{1} << 30;
}

/// GNU's `std::default_random_engine`, the "minimal standard" generator of Lewis, Goodman and
/// Miller: x ← 16807·x mod 2^31 − 1.
class minimal_standard_random {
 public:
  static constexpr std::uint64_t modulus = 0x7fffffff;
  static constexpr std::uint64_t values = modulus - 1;  ///< of `operator()`: 0 to values − 1

  constexpr explicit minimal_standard_random(std::uint64_t seed) noexcept
      : state_(seed % modulus == 0 ? 1 : seed % modulus) {}

  constexpr std::uint64_t operator()() noexcept {
    state_ = state_ * 16807 % modulus;
    return state_ - 1;
  }

  /// A number below `bound`, which is at most `values`.
  constexpr std::uint64_t below(std::uint64_t bound) noexcept {
    const std::uint64_t share = (values - 1) / bound;
    std::uint64_t drawn = (*this)();
    while (drawn >= share * bound) drawn = (*this)();
    return drawn / share;
  }

  /// A number of 64 bits as GNU's `std::uniform_int_distribution` draws it: three digits to the base
  /// `values`, of which the first has what is left of the range, until they fit.
  constexpr std::uint64_t word() noexcept {
    constexpr std::uint64_t upper_range = ~std::uint64_t{0} / values;
    while (true) {
      std::uint64_t upper = 0;
      do {
        upper = values * below(upper_range / values + 1);
        upper += (*this)();
      } while (upper > upper_range);
      const std::uint64_t scaled = values * upper, sum = scaled + (*this)();
      if (sum >= scaled) return sum;
    }
  }

 private:
  std::uint64_t state_;
};

/// The seed of each row's hash in a sketch of `seed`.
constexpr void fill_count_min_seeds(std::uint64_t seed, std::span<std::uint64_t> out) noexcept {
  minimal_standard_random random(seed);
  for (std::uint64_t& row : out) row = random.word() + seed;
}

/// `a + b`, which of integers wraps.
template <count_min_weight Weight>
[[nodiscard]] constexpr Weight wrapping_sum(Weight a, Weight b) noexcept {
  if constexpr (std::integral<Weight>) {
    using bits = std::make_unsigned_t<Weight>;
    return static_cast<Weight>(static_cast<bits>(static_cast<bits>(a) + static_cast<bits>(b)));
  } else {
    return a + b;
  }
}

/// `-a`, which of the least integer is itself.
template <count_min_weight Weight>
[[nodiscard]] constexpr Weight wrapping_negative(Weight a) noexcept {
  if constexpr (std::integral<Weight>) {
    using bits = std::make_unsigned_t<Weight>;
    return static_cast<Weight>(static_cast<bits>(bits{0} - static_cast<bits>(a)));
  } else {
    return -a;
  }
}

template <std::size_t Size>
using bits_of_size = std::conditional_t<
    Size == 8, std::uint64_t,
    std::conditional_t<Size == 4, std::uint32_t,
                       std::conditional_t<Size == 2, std::uint16_t, std::uint8_t>>>;

template <count_min_weight Weight>
void store_weight(std::byte* out, Weight weight) noexcept {
  store_le(out, std::bit_cast<bits_of_size<sizeof(Weight)>>(weight));
}

template <count_min_weight Weight>
[[nodiscard]] Weight load_weight(const std::byte* in) noexcept {
  return std::bit_cast<Weight>(load_le<bits_of_size<sizeof(Weight)>>(in));
}

/// Whether counters can be what weights with this total left. Of unsigned weights every row has
/// that sum; of others no counter is larger.
template <count_min_weight Weight>
[[nodiscard]] bool are_count_min_counters(std::span<const Weight> counters, std::uint32_t width,
                                          Weight total) noexcept {
  if (!(total > 0)) return false;
  if constexpr (std::unsigned_integral<Weight>) {
    for (std::size_t row = 0; row < counters.size(); row += width) {
      Weight sum = 0;
      for (const Weight counter : counters.subspan(row, width)) sum = wrapping_sum(sum, counter);
      if (sum != total) return false;
    }
  } else {
    // A sum of n rounded numbers may be off by n parts in 2^53 (2^24 for float).
    const double most =
        std::integral<Weight> ? static_cast<double>(total) : static_cast<double>(total) * 1.01;
    if (!(most <= 1e308)) return false;
    for (const Weight counter : counters) {
      const auto value = static_cast<double>(counter);
      if (!(value <= most && value >= -most)) return false;
    }
  }
  return true;
}

/// The fields of the header.
struct count_min_header_fields {
  std::uint32_t width;
  unsigned depth;
  std::uint16_t seed_hash;
  bool empty;
};

inline constexpr std::size_t count_min_header = 16;

inline void write_count_min_header(const count_min_header_fields& fields, std::byte* out) noexcept {
  store_le(out, std::uint32_t{2 | 1 << 8 | 18 << 16} | std::uint32_t{fields.empty} << 24);
  store_le(out + 4, std::uint32_t{0});
  store_le(out + 8, fields.width);
  out[12] = static_cast<std::byte>(fields.depth);
  store_le(out + 13, fields.seed_hash);
  out[15] = std::byte{0};
}

/// Checks all but the seed and the counters.
[[nodiscard]] inline expected<count_min_header_fields, error> read_count_min_header(
    std::span<const std::byte> bytes, std::size_t weight_size) noexcept {
  const auto refuse = [](errc code, std::uint64_t position, const char* text) {
    return unexpected(error(code, position, text));
  };
  if (bytes.size() < count_min_header) {
    return refuse(errc::truncated, bytes.size(), "quoin: input ends within the header");
  }
  if (bytes[2] != std::byte{18}) {
    return refuse(errc::bad_magic, 2, "quoin: not a count-min sketch of DataSketches");
  }
  if (bytes[1] != std::byte{1}) {
    return refuse(errc::unsupported_version, 1, "quoin: a count-min sketch of unknown version");
  }
  if (bytes[0] != std::byte{2}) return refuse(errc::bad_value, 0, "quoin: a header of wrong size");
  if (bytes[3] > std::byte{1}) return refuse(errc::bad_value, 3, "quoin: unknown flags");
  const count_min_header_fields fields{
      load_le<std::uint32_t>(&bytes[8]), std::to_integer<unsigned>(bytes[12]),
      load_le<std::uint16_t>(&bytes[13]), bytes[3] == std::byte{1}};
  if (!is_count_min_size(fields.width, fields.depth)) {
    return refuse(errc::bad_value, 8, "quoin: a width or a depth that no sketch has");
  }
  const std::uint64_t counters = std::uint64_t{fields.width} * fields.depth;
  const std::uint64_t size = fields.empty ? 0 : (1 + counters) * weight_size;
  const std::uint64_t left = bytes.size() - count_min_header;
  if (left < size) return refuse(errc::truncated, bytes.size(), "quoin: input ends within a row");
  if (left > size) {
    return refuse(errc::trailing_bytes, count_min_header + size,
                  "quoin: input goes on after the last row");
  }
  return fields;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
