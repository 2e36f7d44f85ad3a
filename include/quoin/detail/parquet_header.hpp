// SPDX-License-Identifier: BSL-1.0
/// @file
/// The header of a Parquet Bloom filter, a struct in Thrift's compact protocol:
///
///     struct BloomFilterHeader {
///       1: required i32 numBytes;
///       2: required union { 1: struct {} BLOCK } algorithm;
///       3: required union { 1: struct {} XXHASH } hash;
///       4: required union { 1: struct {} UNCOMPRESSED } compression;
///     }
///
/// Fields that a later version may add are skipped.
/// Source: apache/parquet-format, BloomFilter.md and parquet.thrift; apache/thrift,
/// thrift-compact-protocol.md.
#ifndef QUOIN_DETAIL_PARQUET_HEADER_HPP
#define QUOIN_DETAIL_PARQUET_HEADER_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace quoin::inline QUOIN_ABI::detail {

/// Types of values in the compact protocol.
enum class thrift_type : std::uint8_t {
  stop = 0,
  bool_true = 1,
  bool_false = 2,
  i8 = 3,
  i16 = 4,
  i32 = 5,
  i64 = 6,
  binary64 = 7,
  binary = 8,
  list = 9,
  set = 10,
  map = 11,
  structure = 12,
  uuid = 13,
};

/// Reads values one after the other. The first thing that is wrong ends the reading: from then on
/// everything reads as 0 and `failed()` is true.
class thrift_reader {
 public:
  explicit thrift_reader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] std::size_t position() const noexcept { return at_; }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] const quoin::error& error() const noexcept { return error_; }

  void fail(errc code, const char* text) noexcept {
    if (!failed_) error_ = quoin::error(code, at_, text);
    failed_ = true;
  }

  /// An unsigned integer in groups of 7 bits.
  std::uint64_t varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint64_t byte = next();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    fail(errc::bad_value, "quoin: an integer of more than 64 bits");
    return 0;
  }

  /// A signed integer.
  std::int64_t integer() noexcept {
    const std::uint64_t z = varint();
    return static_cast<std::int64_t>(z >> 1 ^ (0 - (z & 1)));
  }

  /// Reads the fields of a struct up to its end: `f(id, type)` reads or skips the value of each.
  template <class F>
  void structure(F f) noexcept {
    std::int64_t id = 0;
    while (!failed_) {
      const unsigned head = next();
      if (head == 0) return;
      id = head >> 4 != 0 ? id + (head >> 4) : integer();
      if (id < -0x8000 || id > 0x7fff) fail(errc::bad_value, "quoin: field id out of range");
      if (!failed_) f(id, static_cast<thrift_type>(head & 15));
    }
  }

  /// Skips the value of a field. Every element of a container has a byte at least, so the time is
  /// bounded by the input, and nesting by `depth`.
  void skip(thrift_type type, unsigned depth = 16) noexcept {
    switch (type) {
      case thrift_type::bool_true:
      case thrift_type::bool_false:
        return;  // a field's value is its type
      case thrift_type::i8:
        return advance(1);
      case thrift_type::i16:
      case thrift_type::i32:
      case thrift_type::i64:
        varint();
        return;
      case thrift_type::binary64:
        return advance(8);
      case thrift_type::uuid:
        return advance(16);
      case thrift_type::binary:
        return advance(varint());
      default:
        break;
    }
    if (depth == 0) return fail(errc::bad_value, "quoin: values nested too deeply");
    if (type == thrift_type::structure) {
      return structure([&](std::int64_t, thrift_type field) { skip(field, depth - 1); });
    }
    if (type == thrift_type::list || type == thrift_type::set) {
      const unsigned head = next();
      const std::uint64_t size = head >> 4 == 15 ? varint() : head >> 4;
      for (std::uint64_t i = 0; i < size && !failed_; ++i) skip_element(head & 15, depth - 1);
      return;
    }
    if (type == thrift_type::map) {
      const std::uint64_t size = varint();
      const unsigned types = size == 0 ? 0 : next();
      for (std::uint64_t i = 0; i < size && !failed_; ++i) {
        skip_element(types >> 4, depth - 1);
        skip_element(types & 15, depth - 1);
      }
      return;
    }
    fail(errc::bad_value, "quoin: unknown type of value");
  }

 private:
  unsigned next() noexcept {
    if (failed_ || at_ == bytes_.size()) {
      fail(errc::truncated, "quoin: input ends within the header");
      return 0;
    }
    return std::to_integer<unsigned>(bytes_[at_++]);
  }

  void advance(std::uint64_t size) noexcept {
    if (failed_) return;
    if (size > bytes_.size() - at_)
      return fail(errc::truncated, "quoin: input ends within a value");
    at_ += static_cast<std::size_t>(size);
  }

  /// In a container, unlike in a field, a boolean is a byte.
  void skip_element(unsigned type, unsigned depth) noexcept {
    const bool boolean = type == 1 || type == 2;
    skip(boolean ? thrift_type::i8 : static_cast<thrift_type>(type), depth);
  }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
  quoin::error error_{errc::bad_value, 0, ""};
};

inline constexpr std::uint32_t parquet_block_bytes = 32;
inline constexpr std::uint32_t parquet_max_bytes = 0x7fffffe0;  // the last multiple of 32 in an i32

struct parquet_bloom_header {
  std::uint32_t bitset_bytes;  ///< a multiple of 32, ≥ 32
  std::size_t header_bytes;
};

/// Reads a union of which only the member 1, a struct, is known.
inline void read_parquet_choice(thrift_reader& in, thrift_type type, const char* other) noexcept {
  if (type != thrift_type::structure) return in.fail(errc::bad_value, "quoin: not a union");
  unsigned members = 0;
  in.structure([&](std::int64_t id, thrift_type member) {
    if (id != 1) return in.fail(errc::incompatible, other);
    if (++members > 1 || member != thrift_type::structure) {
      return in.fail(errc::bad_value, "quoin: malformed union");
    }
    in.skip(member);
  });
  if (members == 0) in.fail(errc::bad_value, "quoin: empty union");
}

/// Reads the header at the front of `bytes`. Allocates nothing; O(header).
[[nodiscard]] inline expected<parquet_bloom_header, error> read_parquet_bloom_header(
    std::span<const std::byte> bytes) noexcept {
  thrift_reader in(bytes);
  std::int64_t size = 0;
  unsigned seen = 0;
  in.structure([&](std::int64_t id, thrift_type type) {
    if (id < 1 || id > 4) return in.skip(type);
    const unsigned bit = 1u << id;
    if ((seen & bit) != 0) return in.fail(errc::bad_value, "quoin: a field twice");
    seen |= bit;
    if (id == 2) return read_parquet_choice(in, type, "quoin: not the split-block algorithm");
    if (id == 3) return read_parquet_choice(in, type, "quoin: not hashed with XXH64");
    if (id == 4) return read_parquet_choice(in, type, "quoin: the filter is compressed");
    if (type != thrift_type::i32) return in.fail(errc::bad_value, "quoin: numBytes is no i32");
    size = in.integer();
    if (size <= 0 || size > parquet_max_bytes || size % parquet_block_bytes != 0) {
      in.fail(errc::bad_value, "quoin: numBytes must be a positive multiple of 32");
    }
  });
  if (!in.failed() && seen != 0x1e) in.fail(errc::bad_value, "quoin: a required field is missing");
  if (in.failed()) return unexpected(in.error());
  return parquet_bloom_header{static_cast<std::uint32_t>(size), in.position()};
}

/// Size of the header that `write_parquet_bloom_header` writes.
[[nodiscard]] constexpr std::size_t parquet_bloom_header_size(std::uint32_t bitset_bytes) noexcept {
  std::size_t size = 15;
  for (std::uint32_t z = bitset_bytes * 2; z >= 0x80; z >>= 7) ++size;
  return size;
}

inline void write_parquet_bloom_header(std::uint32_t bitset_bytes, std::byte* out) noexcept {
  *out++ = std::byte{0x15};  // field 1, i32
  std::uint32_t z = bitset_bytes * 2;
  for (; z >= 0x80; z >>= 7) *out++ = static_cast<std::byte>((z & 0x7f) | 0x80);
  *out++ = static_cast<std::byte>(z);
  for (int i = 0; i < 3; ++i) {
    *out++ = std::byte{0x1c};  // the next field, a union: its field 1, an empty struct
    *out++ = std::byte{0x1c};
    *out++ = std::byte{0};
    *out++ = std::byte{0};
  }
  *out = std::byte{0};
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
