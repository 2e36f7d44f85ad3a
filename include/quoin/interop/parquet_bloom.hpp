// SPDX-License-Identifier: BSL-1.0
/// @file
/// The Bloom filter of Apache Parquet files (split-block, XXH64), byte for byte.
///
/// Use it to read the filters in a file that Spark, Arrow, DuckDB or another system wrote, and to
/// write ones that they read. For filters of your own prefer `blocked_bloom_filter`: at 10 bits per
/// key it has a quarter fewer false positives, and it takes keys of any type.
///
/// Guarantee   no false negatives. False positives: `expected_false_positive_rate(n)`, an exact
///             formula: 3.3 % at 8 bits per key, 1.3 % at 10, 0.54 % at 12, 0.13 % at 16.
/// Cost        insert, contains: 32 bytes in one cache line, no branch on the data. The `_many`
///             forms run SIMD kernels chosen at run time and overlap the cache misses.
/// Memory      capacity · bits_per_key / 8 bytes, rounded up to a power of two.
/// Threads     like a standard container.
/// Bytes       the header (Thrift's compact protocol) and the bit set after it, as in a file.
/// Source      apache/parquet-format, BloomFilter.md.
///
/// @code
/// quoin::parquet_bloom_filter filter({.capacity = 100'000, .false_positive_rate = 0.01});
/// for (const std::string& value : column) filter.insert(value);
/// std::vector<std::byte> bytes = filter.to_bytes();   // goes to bloom_filter_offset of the file
/// auto read = quoin::parquet_bloom_filter_view::from_bytes(bytes);
/// if (read && !read->contains(std::int64_t{42})) skip_row_group();
/// @endcode
#ifndef QUOIN_INTEROP_PARQUET_BLOOM_HPP
#define QUOIN_INTEROP_PARQUET_BLOOM_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/filter_common.hpp>
#include <quoin/detail/memory.hpp>
#include <quoin/detail/parquet_bloom_model.hpp>
#include <quoin/detail/parquet_bloom_simd.hpp>
#include <quoin/detail/parquet_header.hpp>
#include <quoin/hash/xxh64.hpp>

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// A value as a Parquet column stores it: INT32 or INT64 (integers of 4 or 8 bytes; widen narrower
/// ones to what the column holds), FLOAT, DOUBLE, BYTE_ARRAY or FIXED_LEN_BYTE_ARRAY (strings and
/// spans of bytes; also INT96, its 12 bytes).
template <class T>
concept parquet_value = ((std::integral<T> || std::floating_point<T>)&&(sizeof(T) == 4 ||
                                                                        sizeof(T) == 8)) ||
                        detail::byte_range<T> || detail::c_string<T>;

/// The hash of Parquet Bloom filters: XXH64 with seed 0 of the value's PLAIN encoding, without the
/// length that precedes a byte array. Unlike `quoin::hash` it tells types apart: 1 as INT32 and 1
/// as INT64 have different hashes, 0.0 and −0.0 too.
struct parquet_hash {
  using is_avalanching = void;
  using is_transparent = void;

  template <parquet_value T>
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t operator()(
      const T& value) const noexcept {
    if constexpr (detail::c_string<T>) {
      return xxh64(std::string_view(value));
    } else if constexpr (detail::byte_range<T>) {
      return xxh64(value);
    } else {
      using bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
      std::array<unsigned char, sizeof(T)> plain{};
      detail::store_le(plain.data(), std::bit_cast<bits>(value));
      return detail::xxh64(plain.data(), plain.size());
    }
  }
};

namespace detail {

/// The read operations of a Parquet filter `Derived`, which has `table()`.
template <class Derived>
class parquet_filter_reads : public filter_reads<Derived, parquet_hash> {
 public:
  /// `contains` for the value whose `parquet_hash` is `hash`. O(1), one cache line.
  [[nodiscard]] bool contains_hash(std::uint64_t hash) const noexcept {
    return parquet_contains(self().table(), hash);
  }

  /// The hash of values.
  [[nodiscard]] const parquet_hash& hash_function() const noexcept { return hash_; }

  /// Size of the bit set in blocks of 32 bytes.
  [[nodiscard]] std::uint32_t block_count() const noexcept {
    return static_cast<std::uint32_t>(self().table().blocks);
  }

  /// Size of the bit set in bytes: "numBytes" of the header.
  [[nodiscard]] std::uint32_t size_bytes() const noexcept {
    return block_count() * parquet_block_bytes;
  }

  /// Size of the bit set in bits.
  [[nodiscard]] std::uint64_t bit_count() const noexcept { return std::uint64_t{8} * size_bytes(); }

  /// Bits that are 1. O(size).
  [[nodiscard]] std::uint64_t bits_set() const noexcept {
    return count_bits([](std::uint64_t word, std::size_t) { return word; });
  }

  /// True when no value was inserted. O(size).
  [[nodiscard]] bool empty() const noexcept { return bits_set() == 0; }

  /// Distinct values inserted, estimated from the bits set: ln(1 − B/m) / ln(1 − 8/m). Infinite
  /// when all bits are set. O(size).
  [[nodiscard]] double estimated_count() const noexcept { return count_from_bits(bits_set()); }

  /// Distinct values in one or both, estimated. Throws unless the sizes are equal. O(size).
  template <class Other>
  [[nodiscard]] double estimated_union(const parquet_filter_reads<Other>& other) const {
    require_compatible(other);
    const unsigned char* const theirs = other.bytes();
    return count_from_bits(count_bits([=](std::uint64_t word, std::size_t at) {
      return word | load_le<std::uint64_t>(theirs + at);
    }));
  }

  /// The chance that a value never inserted is taken for one, with the bits as they are now: the
  /// mean over blocks of the product of the lanes' fills. Exact, also after `merge`. O(size).
  [[nodiscard]] double false_positive_rate() const noexcept {
    double sum = 0;
    for (std::size_t at = 0; at < size_bytes(); at += parquet_block_bytes) {
      double product = 1;
      for (std::size_t lane = 0; lane < parquet_block_bytes; lane += 4) {
        product *= std::popcount(load_le<std::uint32_t>(bytes() + at + lane)) / 32.0;
      }
      sum += product;
    }
    return sum / block_count();
  }

  /// The false-positive rate to expect with `keys` distinct values: the exact mean over hash
  /// functions, detail/parquet_bloom_model.hpp. O(1).
  [[nodiscard]] double expected_false_positive_rate(std::uint64_t keys) const noexcept {
    return parquet_rate(static_cast<double>(keys), block_count());
  }

  /// True when both have the same size: then they can be merged and compared.
  template <class Other>
  [[nodiscard]] bool is_compatible(const parquet_filter_reads<Other>& other) const noexcept {
    return block_count() == other.block_count();
  }

  /// Size of header and bit set in bytes: "bloom_filter_length" of the column's metadata.
  [[nodiscard]] std::size_t serialized_size() const noexcept {
    return parquet_bloom_header_size(size_bytes()) + size_bytes();
  }

  /// Writes header and bit set to the front of `out`, which has `serialized_size()` bytes at least
  /// (else throws `std::invalid_argument`); returns the bytes written. O(size).
  std::size_t write_to(std::span<std::byte> out) const {
    const std::size_t size = serialized_size();
    require_room(out.size(), size);
    write_parquet_bloom_header(size_bytes(), out.data());
    std::memcpy(out.data() + (size - size_bytes()), bytes(), size_bytes());
    return size;
  }

 protected:
  template <class Other>
  void require_compatible(const parquet_filter_reads<Other>& other) const {
    if (!is_compatible(other)) fail("quoin: filters of different sizes cannot be combined");
  }

 private:
  template <class>
  friend class parquet_filter_reads;
  friend filter_reads<Derived, parquet_hash>;

  static constexpr parquet_hash hash_{};

  [[nodiscard]] const Derived& self() const noexcept { return static_cast<const Derived&>(*this); }
  [[nodiscard]] const unsigned char* bytes() const noexcept { return self().table().bytes; }

  template <class Hashes, class Take>
  void look_up(std::size_t n, Hashes hashes, Take take) const {
    const const_parquet_table t = self().table();
    const parquet_kernels kernels = parquet_kernels_of(active_isa());
    for_each_parquet_batch(t, n, hashes,
                           [&](std::size_t first, const std::uint64_t* ready, std::size_t count) {
                             take(first, kernels.contains(t, ready, count), count);
                           });
  }

  template <class Word>
  [[nodiscard]] std::uint64_t count_bits(Word word) const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t at = 0; at < size_bytes(); at += 8) {
      sum +=
          static_cast<std::uint64_t>(std::popcount(word(load_le<std::uint64_t>(bytes() + at), at)));
    }
    return sum;
  }

  [[nodiscard]] double count_from_bits(std::uint64_t bits) const noexcept {
    const auto m = static_cast<double>(bit_count());
    return __builtin_log1p(-static_cast<double>(bits) / m) / __builtin_log1p(-8 / m);
  }
};

/// A serialized form that has been checked.
struct parquet_bloom_form {
  const std::byte* bitset;
  std::uint32_t bitset_bytes;
};

[[nodiscard]] inline expected<parquet_bloom_form, error> read_parquet_bloom(
    std::span<const std::byte> bytes) noexcept {
  const auto header = read_parquet_bloom_header(bytes);
  if (!header) return unexpected(header.error());
  const std::uint64_t size = std::uint64_t{header->header_bytes} + header->bitset_bytes;
  if (bytes.size() < size) {
    return unexpected(
        error(errc::truncated, bytes.size(), "quoin: input ends within the bit set", size));
  }
  if (bytes.size() > size) {
    return unexpected(
        error(errc::trailing_bytes, size, "quoin: input goes on after the bit set", size));
  }
  return parquet_bloom_form{bytes.data() + header->header_bytes, header->bitset_bytes};
}

}  // namespace detail

/// Bytes of the filter, header and bit set, that begins at the front of `bytes`, of which there may
/// be more or fewer: for files whose metadata have an offset of the filter but no length. O(1).
[[nodiscard]] inline expected<std::uint64_t, error> parquet_bloom_length(
    std::span<const std::byte> bytes) noexcept {
  const auto header = detail::read_parquet_bloom_header(bytes);
  if (!header) return unexpected(header.error());
  return std::uint64_t{header->header_bytes} + header->bitset_bytes;
}

/// How large and how exact. Give `capacity` and one of the two densities, or the exact size.
struct parquet_bloom_options {
  std::uint64_t capacity = 0;      ///< distinct values expected, ≥ 1
  double bits_per_key = 0;         ///< (0, 64], at least: the size is rounded up to a power of two
  double false_positive_rate = 0;  ///< (0, 1), at most; used when `bits_per_key` is 0
  std::uint64_t size_bytes = 0;    ///< of the bit set, instead: a multiple of 32 below 2^31
};

/// A Parquet Bloom filter in someone else's memory (a mapped file), read in place: all lookups and
/// estimates of `parquet_bloom_filter`, no copy. The memory must outlive it.
class parquet_bloom_filter_view : public detail::parquet_filter_reads<parquet_bloom_filter_view> {
 public:
  /// Opens header and bit set, at any alignment, or says why not. `bytes` ends where the filter
  /// ends. O(1); allocates nothing.
  [[nodiscard]] static expected<parquet_bloom_filter_view, error> from_bytes(
      std::span<const std::byte> bytes) noexcept {
    const auto form = detail::read_parquet_bloom(bytes);
    if (!form) return unexpected(form.error());
    return parquet_bloom_filter_view(*form);
  }

 private:
  friend detail::parquet_filter_reads<parquet_bloom_filter_view>;

  explicit parquet_bloom_filter_view(const detail::parquet_bloom_form& form) noexcept
      : form_(form) {}

  [[nodiscard]] detail::const_parquet_table table() const noexcept {
    return {reinterpret_cast<const unsigned char*>(form_.bitset),
            form_.bitset_bytes / detail::parquet_block_bytes};
  }

  detail::parquet_bloom_form form_;
};

/// The filter. A value type; a moved-from one may only be destroyed, assigned to or swapped.
/// @tparam Allocator  any standard allocator. The default asks for huge pages.
template <class Allocator = std::allocator<std::byte>>
class parquet_bloom_filter : public detail::parquet_filter_reads<parquet_bloom_filter<Allocator>> {
 public:
  using hasher_type = parquet_hash;
  using allocator_type = Allocator;

  /// An empty filter. Throws `std::invalid_argument` naming the option that is out of range.
  explicit parquet_bloom_filter(const parquet_bloom_options& options,
                                const Allocator& allocator = Allocator())
      : parquet_bloom_filter(detail::plan_parquet_bloom(options), allocator) {}

  /// Inserts `value`. O(1), one cache line.
  template <parquet_value Value>
  void insert(const Value& value) noexcept {
    insert_hash(parquet_hash{}(value));
  }

  /// Inserts the value whose `parquet_hash` is `hash`.
  void insert_hash(std::uint64_t hash) noexcept { try_insert_hash(hash); }

  /// Inserts `value`; true if it was certainly not there before. False for a value inserted before,
  /// and for a new one with the probability of a false positive.
  template <parquet_value Value>
  bool try_insert(const Value& value) noexcept {
    return try_insert_hash(parquet_hash{}(value));
  }

  /// `try_insert` of the value whose hash is `hash`.
  bool try_insert_hash(std::uint64_t hash) noexcept {
    return detail::parquet_insert(mutable_table(), hash);
  }

  /// Inserts every value of a contiguous range: hashing, memory accesses and bit setting overlap.
  template <class Values>
  void insert_many(const Values& values) {
    const std::span all(values);
    using value = typename decltype(all)::element_type;
    insert_all(all.size(), detail::hashes_of(this->hash_function(), std::span<const value>(all)));
  }

  /// `insert_many` for values hashed already.
  void insert_hash_many(std::span<const std::uint64_t> hashes) {
    insert_all(hashes.size(), detail::hashes_of(hashes));
  }

  /// Makes this the filter of the union: bit for bit as if all values of `other` had been inserted.
  /// Throws `std::invalid_argument`, with nothing changed, unless the sizes are equal. O(size).
  void merge(const parquet_bloom_filter& other) {
    combine(other, [](std::uint64_t a, std::uint64_t b) { return a | b; });
  }

  /// Keeps what both have: no false negatives for values in both; more false positives than a
  /// filter built from the common values. Throws like `merge`. O(size).
  void intersect(const parquet_bloom_filter& other) {
    combine(other, [](std::uint64_t a, std::uint64_t b) { return a & b; });
  }

  /// Forgets every value. O(size).
  void clear() noexcept { lines_.clear(); }

  void swap(parquet_bloom_filter& other) noexcept {
    lines_.swap(other.lines_);
    std::swap(blocks_, other.blocks_);
  }
  friend void swap(parquet_bloom_filter& a, parquet_bloom_filter& b) noexcept { a.swap(b); }

  /// Equal size and bits: what equal sets of values give in any order.
  friend bool operator==(const parquet_bloom_filter& a, const parquet_bloom_filter& b) noexcept {
    return a.blocks_ == b.blocks_ && a.lines_ == b.lines_;
  }

  [[nodiscard]] allocator_type get_allocator() const noexcept {
    return allocator_type(lines_.get_allocator());
  }

  /// Header and bit set: `serialized_size()` bytes. O(size).
  [[nodiscard]] std::vector<std::byte> to_bytes() const {
    std::vector<std::byte> bytes(this->serialized_size());
    this->write_to(bytes);
    return bytes;
  }

  /// The filter in `bytes`, which end where it ends, or why not. Takes every size that the format
  /// permits, powers of two or not. Never throws for the content of `bytes` and allocates less than
  /// 64 bytes more than `bytes.size()`. O(size).
  [[nodiscard]] static expected<parquet_bloom_filter, error> from_bytes(
      std::span<const std::byte> bytes, const Allocator& allocator = Allocator()) {
    const auto form = detail::read_parquet_bloom(bytes);
    if (!form) return unexpected(form.error());
    parquet_bloom_filter filter(form->bitset_bytes, allocator);
    std::memcpy(filter.lines_.data(), form->bitset, form->bitset_bytes);
    return filter;
  }

 private:
  friend detail::parquet_filter_reads<parquet_bloom_filter>;

  parquet_bloom_filter(std::uint32_t bytes, const Allocator& allocator)
      : lines_(detail::size_of_table(detail::ceil_div<std::uint64_t>(bytes, 64)), allocator),
        blocks_(bytes / detail::parquet_block_bytes) {}

  [[nodiscard]] detail::const_parquet_table table() const noexcept {
    return {reinterpret_cast<const unsigned char*>(lines_.data()), blocks_};
  }
  [[nodiscard]] detail::parquet_table mutable_table() noexcept {
    return {reinterpret_cast<unsigned char*>(lines_.data()), blocks_};
  }

  template <class Hashes>
  void insert_all(std::size_t n, Hashes hashes) {
    const detail::parquet_table t = mutable_table();
    const detail::parquet_kernels kernels = detail::parquet_kernels_of(active_isa());
    detail::for_each_parquet_batch(t, n, hashes,
                                   [&](std::size_t, const std::uint64_t* ready, std::size_t count) {
                                     kernels.insert(t, ready, count);
                                   });
  }

  template <class Combine>
  void combine(const parquet_bloom_filter& other, Combine f) {
    this->require_compatible(other);
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      for (std::size_t w = 0; w < 8; ++w) {
        std::uint64_t& mine = lines_.data()[i].words[w];
        mine = f(mine, other.lines_.data()[i].words[w]);
      }
    }
  }

  detail::line_array<Allocator> lines_;
  std::uint32_t blocks_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
