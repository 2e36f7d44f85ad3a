// SPDX-License-Identifier: BSL-1.0
/// @file
/// What every classic Bloom filter can tell, wherever its bits live; and its serialized form.
#ifndef QUOIN_DETAIL_FILTER_BLOOM_READS_HPP
#define QUOIN_DETAIL_FILTER_BLOOM_READS_HPP

#include <quoin/detail/expected.hpp>
#include <quoin/detail/filter_bloom.hpp>
#include <quoin/detail/filter_common.hpp>
#include <quoin/detail/frame.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace quoin::inline QUOIN_ABI::detail {

// --- bytes --------------------------------------------------------------------------------------

inline constexpr frame_id bloom_filter_frame{0x0101, 1};
inline constexpr std::size_t bloom_filter_parameters = 32;

/// Bytes of a serialized table: whole words, so that counting its bits needs no odd end.
[[nodiscard]] constexpr std::uint64_t bloom_payload(std::uint64_t bits) noexcept {
  return ceil_div<std::uint64_t>(bits, 64) * 8;
}

/// A native form that has been checked.
struct bloom_filter_form {
  std::uint64_t bits;
  std::uint64_t seed;
  unsigned k;
  const std::byte* payload;
};

template <class Hash, class Indices>
[[nodiscard]] expected<bloom_filter_form, error> read_bloom_filter(
    std::span<const std::byte> bytes) noexcept {
  const auto size_of_bits = [](const std::byte* parameters) {
    const auto bits = load_le<std::uint64_t>(parameters);
    return bits != 0 && bits <= most_bloom_bits ? bloom_payload(bits) : unknown_size;
  };
  const auto frame = open_frame(bytes, bloom_filter_frame, bloom_filter_parameters, size_of_bits);
  if (!frame) return unexpected(frame.error());
  const std::byte* const p = frame->parameters.data();
  const auto bits = load_le<std::uint64_t>(p);
  const auto seed = load_le<std::uint64_t>(p + 8);
  const auto k = std::to_integer<unsigned>(p[24]);
  const auto bad = [](errc code, std::uint64_t position, const char* text) {
    return unexpected(error{code, position, text});
  };
  if (frame->flags != 0) return bad(errc::bad_value, 5, "quoin: flags must be 0");
  if (bits == 0 || bits > most_bloom_bits || bloom_payload(bits) != frame->payload.size()) {
    return bad(errc::bad_value, 8, "quoin: number of bits does not match the size of the payload");
  }
  if (load_le<std::uint32_t>(p + 16) != hash_id<Hash>) {
    return bad(errc::incompatible, 24, "quoin: the filter was built with another hash function");
  }
  if (load_le<std::uint32_t>(p + 20) != hash_id<Indices>) {
    return bad(errc::incompatible, 28, "quoin: the filter was built with another index policy");
  }
  if (!takes_seed<Hash> && seed != 0) {
    return bad(errc::incompatible, 16,
               "quoin: the filter has a seed, its hash function takes none");
  }
  if (k < 1 || k > max_bloom_hashes) {
    return bad(errc::bad_value, 32, "quoin: number of bits per key must be 1 to 64");
  }
  for (std::size_t i = 25; i < bloom_filter_parameters; ++i) {
    if (p[i] != std::byte{0}) return bad(errc::bad_value, 8 + i, "quoin: reserved bytes must be 0");
  }
  const auto last = load_le<std::uint64_t>(&frame->payload[frame->payload.size() - 8]);
  if (bits % 64 != 0 && last >> (bits % 64) != 0) {
    return bad(errc::bad_value, bytes.size() - 16, "quoin: bits beyond the last must be 0");
  }
  return bloom_filter_form{bits, seed, k, frame->payload.data()};
}

// --- reading ------------------------------------------------------------------------------------

/// The read operations of a filter `Derived`, which has `table()`, `hash_function()`, `seed()`.
template <class Derived, class Hash, class Indices>
class bloom_filter_reads : public filter_reads<Derived, Hash> {
 public:
  /// `contains` for the key whose 64-bit hash is `hash`. O(k), ends early at a miss.
  [[nodiscard]] bool contains_hash(std::uint64_t hash) const noexcept {
    return bloom_contains<Indices>(self().table(), hash);
  }

  // --- shape and content ------------------------------------------------------------------------

  /// Size of the table in bits (m): exactly what was asked for.
  [[nodiscard]] std::uint64_t bit_count() const noexcept { return self().table().bits; }

  /// Size of the table in bytes, a multiple of 8.
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return static_cast<std::size_t>(bloom_payload(bit_count()));
  }

  /// Bits per key (k), 1–64.
  [[nodiscard]] unsigned hash_count() const noexcept { return self().table().k; }

  /// Bit `index` < `bit_count()` of the table.
  [[nodiscard]] bool bit(std::uint64_t index) const noexcept {
    return (load_le<std::uint64_t>(self().table().word_of(index)) >> (index % 64) & 1) != 0;
  }

  /// Bits that are 1. O(size).
  [[nodiscard]] std::uint64_t bits_set() const noexcept {
    return count_bits([](std::uint64_t word, std::size_t) { return word; });
  }

  /// True when no key was inserted. O(size).
  [[nodiscard]] bool empty() const noexcept {
    for (std::size_t i = 0; i < size_bytes(); ++i) {
      if (bytes()[i] != 0) return false;
    }
    return true;
  }

  /// Distinct keys inserted, estimated from the bits set: ln(1 − B/m) / (k · ln(1 − 1/m)), the
  /// number at which B bits are expected; about −m/k · ln(1 − B/m). Infinite when all bits are set.
  /// O(size).
  [[nodiscard]] double estimated_count() const noexcept { return count_from_bits(bits_set()); }

  /// Distinct keys in one or both, estimated. Throws unless compatible. O(size).
  template <class Other>
  [[nodiscard]] double estimated_union(
      const bloom_filter_reads<Other, Hash, Indices>& other) const {
    require_compatible(other);
    const unsigned char* const theirs = other.bytes();
    return count_from_bits(count_bits([=](std::uint64_t word, std::size_t i) {
      return word | load_le<std::uint64_t>(theirs + 8 * i);
    }));
  }

  /// The chance that a key never inserted is taken for one, with the bits as they are now:
  /// (B/m)^k. Also after `merge` and `intersect`. O(size).
  [[nodiscard]] double false_positive_rate() const noexcept {
    const double fill = static_cast<double>(bits_set()) / static_cast<double>(bit_count());
    return __builtin_pow(fill, hash_count());
  }

  /// The false-positive rate to expect with `keys` distinct keys: the mean over hash functions,
  /// detail/filter_bloom.hpp. O(1).
  [[nodiscard]] double expected_false_positive_rate(std::uint64_t keys) const noexcept {
    return bloom_rate(static_cast<double>(keys), static_cast<double>(bit_count()), hash_count());
  }

  /// True when both have the same size, k and seed: then they can be merged and compared.
  template <class Other>
  [[nodiscard]] bool is_compatible(
      const bloom_filter_reads<Other, Hash, Indices>& other) const noexcept {
    return bit_count() == other.bit_count() && hash_count() == other.hash_count() &&
           self().seed() == other.self().seed();
  }

  // --- bytes ------------------------------------------------------------------------------------

  /// Size of the native form in bytes.
  [[nodiscard]] std::size_t serialized_size() const noexcept {
    return framed_size(bloom_filter_parameters, size_bytes());
  }

  /// Writes the native form to the front of `out`, which has `serialized_size()` bytes at least
  /// (else throws `std::invalid_argument`); returns the bytes written. O(size).
  std::size_t write_to(std::span<std::byte> out) const {
    const std::size_t size = serialized_size();
    require_room(out.size(), size);
    const const_bloom_table t = self().table();
    frame_writer writer(out.first(size), bloom_filter_frame, bloom_filter_parameters);
    writer.put(t.bits);
    writer.put(self().seed());
    writer.put(hash_id<Hash>);
    writer.put(hash_id<Indices>);
    writer.put(std::uint64_t{t.k});
    writer.put_bytes(t.bytes, size_bytes());
    writer.finish();
    return size;
  }

 protected:
  template <class Other>
  void require_compatible(const bloom_filter_reads<Other, Hash, Indices>& other) const {
    if (bit_count() != other.bit_count()) {
      fail("quoin: filters of different sizes cannot be combined");
    }
    if (hash_count() != other.hash_count()) {
      fail("quoin: filters with different numbers of bits per key cannot be combined");
    }
    if (self().seed() != other.self().seed()) {
      fail("quoin: filters with different seeds cannot be combined");
    }
  }

 private:
  template <class, class, class>
  friend class bloom_filter_reads;
  friend filter_reads<Derived, Hash>;

  [[nodiscard]] const Derived& self() const noexcept { return static_cast<const Derived&>(*this); }
  [[nodiscard]] const unsigned char* bytes() const noexcept { return self().table().bytes; }

  template <class Hashes, class Take>
  void look_up(std::size_t n, Hashes hashes, Take take) const {
    bloom_contains_many<Indices>(self().table(), n, hashes, take);
  }

  template <class Word>
  [[nodiscard]] std::uint64_t count_bits(Word word) const noexcept {
    const unsigned char* const mine = bytes();
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < size_bytes() / 8; ++i) {
      sum +=
          static_cast<std::uint64_t>(std::popcount(word(load_le<std::uint64_t>(mine + 8 * i), i)));
    }
    return sum;
  }

  [[nodiscard]] double count_from_bits(std::uint64_t bits) const noexcept {
    const auto m = static_cast<double>(bit_count());
    if (bits == 0) return 0;
    if (bit_count() == 1) return 1;  // one bit tells no more
    return __builtin_log1p(-static_cast<double>(bits) / m) /
           (hash_count() * __builtin_log1p(-1 / m));
  }
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
