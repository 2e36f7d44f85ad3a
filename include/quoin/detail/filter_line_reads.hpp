// SPDX-License-Identifier: BSL-1.0
/// @file
/// What every blocked Bloom filter can tell, wherever its bits live; and its serialized form.
#ifndef QUOIN_DETAIL_FILTER_LINE_READS_HPP
#define QUOIN_DETAIL_FILTER_LINE_READS_HPP

#include <quoin/detail/error.hpp>
#include <quoin/detail/filter_common.hpp>
#include <quoin/detail/filter_line_batch.hpp>
#include <quoin/detail/filter_line_model.hpp>
#include <quoin/detail/filter_line_one.hpp>
#include <quoin/detail/frame.hpp>
#include <quoin/hash/hash.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

namespace quoin::inline QUOIN_ABI::detail {

// --- construction -------------------------------------------------------------------------------

struct line_filter_plan {
  std::uint64_t lines;
  unsigned k;
};

/// The shape that the options ask for, or `std::invalid_argument`. `type` names the filter.
[[nodiscard]] inline line_filter_plan plan_line_filter(const char* type, std::uint64_t capacity,
                                                       double bits_per_key, double rate,
                                                       unsigned k) {
  if (capacity == 0) fail_argument(type, "capacity", capacity, "at least 1");
  if (k > max_line_hashes) fail_argument(type, "hash_count", k, "1 to 16, or 0 for the best");
  if (bits_per_key == 0 && rate == 0) {
    fail_argument(type, "bits_per_key", bits_per_key, "given, or else false_positive_rate");
  }
  if (bits_per_key != 0) {
    if (!(bits_per_key > 0 && bits_per_key <= 64)) {
      fail_argument(type, "bits_per_key", bits_per_key, "in (0, 64]");
    }
  } else {
    if (!(rate > 0 && rate < 1)) fail_argument(type, "false_positive_rate", rate, "in (0, 1)");
    bits_per_key = line_bits_per_key(rate, k);
    if (bits_per_key == 0) {
      fail_argument(type, "false_positive_rate", rate, "one that 64 bits per key reach (1.4e-8)");
    }
  }
  const double lines = static_cast<double>(capacity) * bits_per_key / line_bits;
  constexpr double most = 1ull << 57;  // 2^63 bytes
  if (!(lines < most)) fail_argument(type, "capacity", capacity, "of a filter below 2^63 bytes");
  const auto whole = static_cast<std::uint64_t>(lines);
  return {max_of<std::uint64_t>(1, whole + (static_cast<double>(whole) < lines)),
          k != 0 ? k : best_line_hashes(bits_per_key)};
}

// --- bytes --------------------------------------------------------------------------------------

inline constexpr frame_id line_filter_frame{0x0102, 1};
inline constexpr std::size_t line_filter_parameters =
    56;  // so that lines begin at a multiple of 64

/// A native form that has been checked.
struct line_filter_form {
  std::uint64_t lines;
  std::uint64_t seed;
  unsigned k;
  const std::byte* payload;
};

template <class Hash>
[[nodiscard]] expected<line_filter_form, error> read_line_filter(
    std::span<const std::byte> bytes) noexcept {
  const auto size_of_lines = [](const std::byte* parameters) {
    std::uint64_t size = 0;
    const auto lines = load_le<std::uint64_t>(parameters);
    return lines != 0 && checked_mul<std::uint64_t>(lines, 64, &size) ? size : unknown_size;
  };
  const auto frame = open_frame(bytes, line_filter_frame, line_filter_parameters, size_of_lines);
  if (!frame) return unexpected(frame.error());
  const std::byte* const p = frame->parameters.data();
  const auto lines = load_le<std::uint64_t>(p);
  const auto seed = load_le<std::uint64_t>(p + 8);
  const auto id = load_le<std::uint32_t>(p + 16);
  const auto k = std::to_integer<unsigned>(p[20]);
  const auto bad = [](errc code, std::uint64_t position, const char* text) {
    return unexpected(error{code, position, text});
  };
  if (frame->flags != 0) return bad(errc::bad_value, 5, "quoin: flags must be 0");
  if (lines == 0 || lines != frame->payload.size() / 64 || frame->payload.size() % 64 != 0) {
    return bad(errc::bad_value, 8, "quoin: number of lines does not match the size of the payload");
  }
  if (k < 1 || k > max_line_hashes) {
    return bad(errc::bad_value, 28, "quoin: number of bits per key must be 1 to 16");
  }
  for (std::size_t i = 21; i < line_filter_parameters; ++i) {
    if (p[i] != std::byte{0}) return bad(errc::bad_value, 8 + i, "quoin: reserved bytes must be 0");
  }
  if (id != hash_id<Hash>) {
    return bad(errc::incompatible, 24, "quoin: the filter was built with another hash function");
  }
  if (!takes_seed<Hash> && seed != 0) {
    return bad(errc::incompatible, 16,
               "quoin: the filter has a seed, its hash function takes none");
  }
  return line_filter_form{lines, seed, k, frame->payload.data()};
}

// --- reading ------------------------------------------------------------------------------------

/// The read operations of a filter `Derived`, which has `table()`, `hasher()`, `seed_of_hash()`.
template <class Derived, class Hash>
class line_filter_reads : public filter_reads<Derived, Hash> {
 public:
  /// `contains` for the key whose 64-bit hash is `hash`. O(1), one cache line.
  [[nodiscard]] bool contains_hash(std::uint64_t hash) const noexcept {
    return line_contains(self().table(), hash);
  }

  // --- shape and content ------------------------------------------------------------------------

  /// Size of the table in bits (m), a multiple of 512.
  [[nodiscard]] std::uint64_t bit_count() const noexcept { return self().table().size * line_bits; }

  /// Size of the table in bytes.
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return static_cast<std::size_t>(self().table().size * 64);
  }

  /// Bits per key (k), 1–16.
  [[nodiscard]] unsigned hash_count() const noexcept { return self().table().k; }

  [[nodiscard]] std::uint64_t seed() const noexcept { return self().seed_of_hash(); }
  [[nodiscard]] const Hash& hash_function() const noexcept { return self().hasher(); }

  /// Bits that are 1. O(size).
  [[nodiscard]] std::uint64_t bits_set() const noexcept {
    return count_bits([](std::uint64_t word, std::size_t) { return word; });
  }

  /// True when no key was inserted. O(size).
  [[nodiscard]] bool empty() const noexcept {
    const const_line_table t = self().table();
    for (std::uint64_t i = 0; i < 8 * t.size; ++i) {
      if (t.words[i] != 0) return false;
    }
    return true;
  }

  /// Distinct keys inserted, estimated from the bits set: ln(1 − B/m) / ln(1 − k/m). Infinite when
  /// all bits are set. O(size).
  [[nodiscard]] double estimated_count() const noexcept { return count_from_bits(bits_set()); }

  /// Distinct keys in one or both, estimated. Throws unless compatible. O(size).
  template <class Other>
  [[nodiscard]] double estimated_union(const line_filter_reads<Other, Hash>& other) const {
    require_compatible(other);
    const std::uint64_t* const theirs = other.words();
    return count_from_bits(
        count_bits([=](std::uint64_t word, std::size_t i) { return word | theirs[i]; }));
  }

  /// The chance that a key never inserted is taken for one, with the bits as they are now: the mean
  /// over lines and first lanes of the product of the lanes' fills. Exact, also after `merge` and
  /// `intersect`. O(size · k).
  [[nodiscard]] double false_positive_rate() const noexcept {
    const const_line_table t = self().table();
    const unsigned lanes = line_lanes(t.k), width = line_bits / lanes;
    double sum = 0;
    for (std::uint64_t line = 0; line < t.size; ++line) {
      double fill[max_line_hashes];
      for (unsigned lane = 0; lane < lanes; ++lane) {
        const std::uint64_t word = to_le(t.words[8 * line + lane * width / 64]);
        const std::uint64_t bits = width == 64 ? word : word >> (lane % 2 * 32) & 0xffffffffu;
        fill[lane] = std::popcount(bits) / static_cast<double>(width);
      }
      for (unsigned first = 0; first < lanes; ++first) {
        double product = 1;
        for (unsigned i = 0; i < t.k; ++i) product *= fill[(first + i) % lanes];
        sum += product;
      }
    }
    return sum / (static_cast<double>(t.size) * lanes);
  }

  /// The false-positive rate to expect with `keys` distinct keys: the exact mean over hash
  /// functions, detail/filter_line_model.hpp. O(2^k), at most 5 ms.
  [[nodiscard]] double expected_false_positive_rate(std::uint64_t keys) const {
    const const_line_table t = self().table();
    return line_model(t.k).rate(static_cast<double>(keys), static_cast<double>(t.size));
  }

  /// True when both have the same size, k and seed: then they can be merged and compared.
  template <class Other>
  [[nodiscard]] bool is_compatible(const line_filter_reads<Other, Hash>& other) const noexcept {
    return bit_count() == other.bit_count() && hash_count() == other.hash_count() &&
           seed() == other.seed();
  }

  // --- bytes ------------------------------------------------------------------------------------

  /// Size of the native form in bytes.
  [[nodiscard]] std::size_t serialized_size() const noexcept {
    return framed_size(line_filter_parameters, size_bytes());
  }

  /// Writes the native form to the front of `out`, which has `serialized_size()` bytes at least
  /// (else throws `std::invalid_argument`); returns the bytes written. O(size).
  std::size_t write_to(std::span<std::byte> out) const {
    const std::size_t size = serialized_size();
    require_room(out.size(), size);
    const const_line_table t = self().table();
    frame_writer writer(out.first(size), line_filter_frame, line_filter_parameters);
    writer.put(std::uint64_t{t.size});
    writer.put(seed());
    writer.put(hash_id<Hash>);
    writer.put(std::uint32_t{t.k});
    for (int i = 0; i < 4; ++i) writer.put(std::uint64_t{0});
    writer.put_bytes(t.words, size_bytes());
    writer.finish();
    return size;
  }

 protected:
  template <class Other>
  void require_compatible(const line_filter_reads<Other, Hash>& other) const {
    if (bit_count() != other.bit_count()) {
      fail("quoin: filters of different sizes cannot be combined");
    }
    if (hash_count() != other.hash_count()) {
      fail("quoin: filters with different numbers of bits per key cannot be combined");
    }
    if (seed() != other.seed()) fail("quoin: filters with different seeds cannot be combined");
  }

 private:
  template <class, class>
  friend class line_filter_reads;
  friend filter_reads<Derived, Hash>;

  [[nodiscard]] const Derived& self() const noexcept { return static_cast<const Derived&>(*this); }
  [[nodiscard]] const std::uint64_t* words() const noexcept { return self().table().words; }

  template <class HashBlock, class Take>
  void look_up(std::size_t n, HashBlock hash, Take take) const {
    const const_line_table t = self().table();
    const line_kernels kernels = line_kernels_of(active_isa(), t.k);
    for_each_line_batch(t, n, hash,
                        [&](std::size_t first, const std::uint64_t* hashes, std::size_t count,
                            const std::uint64_t* next) {
                          take(first, kernels.contains(t, hashes, count, next), count);
                        });
  }

  template <class Word>
  [[nodiscard]] std::uint64_t count_bits(Word word) const noexcept {
    const const_line_table t = self().table();
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < 8 * t.size; ++i) {
      sum += static_cast<std::uint64_t>(std::popcount(word(t.words[i], i)));
    }
    return sum;
  }

  [[nodiscard]] double count_from_bits(std::uint64_t bits) const noexcept {
    const auto m = static_cast<double>(bit_count());
    return __builtin_log1p(-static_cast<double>(bits) / m) /
           __builtin_log1p(-static_cast<double>(hash_count()) / m);
  }
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
