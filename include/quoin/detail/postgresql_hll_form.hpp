// SPDX-License-Identifier: BSL-1.0
/// @file
/// The storage form of postgresql-hll, version 1: a header of three bytes and rows of bits, the
/// high bits first.
///
/// | byte | bits | field                                                                    |
/// |------|------|--------------------------------------------------------------------------|
/// | 0    | 7–4  | version, 1                                                               |
/// |      | 3–0  | type: 0 undefined, 1 empty, 2 explicit, 3 sparse, 4 full                 |
/// | 1    | 7–5  | register width less one                                                  |
/// |      | 4–0  | log2 of the number of registers                                          |
/// | 2    | 6    | sparse enabled                                                           |
/// |      | 5–0  | explicit cutoff c: 0 none, 63 automatic, else 2^(c − 1) elements at most |
#ifndef QUOIN_DETAIL_POSTGRESQL_HLL_FORM_HPP
#define QUOIN_DETAIL_POSTGRESQL_HLL_FORM_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr std::size_t postgresql_header = 3;
inline constexpr unsigned postgresql_min_log2m = 4, postgresql_max_log2m = 17;
inline constexpr std::size_t postgresql_max_explicit = 16'383;  // in the extension's 128 KiB
inline constexpr unsigned postgresql_automatic = 63;            // of the cutoff

enum class postgresql_type : std::uint8_t { undefined, empty, explicit_set, sparse, full };

struct postgresql_shape {
  std::uint8_t log2m;
  std::uint8_t width;   ///< bits of a register, 1 to 8
  std::uint8_t cutoff;  ///< 0 to 31, or 63
  bool sparse;

  [[nodiscard]] std::size_t registers() const noexcept { return std::size_t{1} << log2m; }
  [[nodiscard]] std::size_t full_bits() const noexcept { return registers() * width; }
  [[nodiscard]] unsigned pair_bits() const noexcept { return 0u + log2m + width; }

  /// The largest value of a register: what its width can hold of 64 − log2m.
  [[nodiscard]] unsigned max_rank() const noexcept {
    return min_of(64u - log2m, (1u << width) - 1);
  }

  /// Elements kept as they are. Automatic: as many as take the bytes of the full form.
  [[nodiscard]] std::size_t explicit_limit() const noexcept {
    if (cutoff == 0) return 0;
    if (cutoff == postgresql_automatic) {
      return min_of((full_bits() + 7) / 8 / 8, postgresql_max_explicit);
    }
    return min_of(std::size_t{1} << (cutoff - 1), postgresql_max_explicit);
  }

  friend bool operator==(const postgresql_shape&, const postgresql_shape&) = default;
};

/// Writes rows of bits, the high ones first; the last byte is filled with zeros.
class high_bit_writer {
 public:
  explicit high_bit_writer(std::byte* out) noexcept : out_(out) {}

  /// The `bits` (1 to 32) low bits of `value`, which has no others.
  void put(std::uint64_t value, unsigned bits) noexcept {
    pending_ = pending_ << bits | value;
    for (used_ += bits; used_ >= 8; *out_++ = static_cast<std::byte>(pending_ >> used_)) used_ -= 8;
  }

  void finish() noexcept {
    if (used_ != 0) *out_ = static_cast<std::byte>(pending_ << (8 - used_));
  }

 private:
  std::byte* out_;
  std::uint64_t pending_ = 0;
  unsigned used_ = 0;
};

class high_bit_reader {
 public:
  explicit high_bit_reader(std::span<const std::byte> in) noexcept : in_(in) {}

  [[nodiscard]] std::uint64_t left() const noexcept {
    return 8 * std::uint64_t{in_.size() - at_} + ready_;
  }

  /// The next `bits` (1 to 32), which are there.
  std::uint64_t take(unsigned bits) noexcept {
    for (; ready_ < bits; ready_ += 8) {
      pending_ = pending_ << 8 | std::to_integer<std::uint64_t>(in_[at_++]);
    }
    ready_ -= bits;
    return pending_ >> ready_ & ((std::uint64_t{1} << bits) - 1);
  }

 private:
  std::span<const std::byte> in_;
  std::size_t at_ = 0;
  std::uint64_t pending_ = 0;
  unsigned ready_ = 0;
};

struct postgresql_header_fields {
  postgresql_type type;
  postgresql_shape shape;
};

[[nodiscard]] inline expected<postgresql_header_fields, error> read_postgresql_header(
    std::span<const std::byte> bytes) noexcept {
  using fail = unexpected<error>;
  if (bytes.size() < postgresql_header) {
    return fail({errc::truncated, bytes.size(), "quoin: input ends within the header"});
  }
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  if (at(0) >> 4 != 1) {
    return fail({errc::unsupported_version, 0, "quoin: not version 1 of the hll storage form"});
  }
  if ((at(0) & 15) > 4) return fail({errc::bad_value, 0, "quoin: unknown type of hll"});
  const unsigned log2m = at(1) & 31, cutoff = at(2) & 63;
  if (log2m < postgresql_min_log2m || log2m > postgresql_max_log2m) {
    return fail({errc::incompatible, 1, "quoin: fewer than 2^4 or more than 2^17 registers"});
  }
  if (at(2) >= 0x80 || (cutoff > 31 && cutoff != postgresql_automatic)) {
    return fail({errc::bad_value, 2, "quoin: an explicit cutoff that does not exist"});
  }
  return postgresql_header_fields{
      static_cast<postgresql_type>(at(0) & 15),
      {static_cast<std::uint8_t>(log2m), static_cast<std::uint8_t>((at(1) >> 5) + 1),
       static_cast<std::uint8_t>(cutoff), (at(2) & 0x40) != 0}};
}

inline void write_postgresql_header(postgresql_type type, const postgresql_shape& shape,
                                    std::byte* out) noexcept {
  out[0] = static_cast<std::byte>(0x10 | static_cast<unsigned>(type));
  out[1] = static_cast<std::byte>((shape.width - 1u) << 5 | shape.log2m);
  out[2] = static_cast<std::byte>((shape.sparse ? 0x40u : 0u) | shape.cutoff);
}

/// Reads the elements of an explicit set, ascending as signed numbers, through `f(element)`.
template <class F>
[[nodiscard]] expected<bool, error> read_postgresql_elements(std::span<const std::byte> data, F f) {
  using fail = unexpected<error>;
  if (data.size() % 8 != 0) {
    return fail({errc::truncated, postgresql_header + data.size(), "quoin: part of an element"});
  }
  if (data.size() / 8 > postgresql_max_explicit) {
    return fail({errc::too_large, postgresql_header, "quoin: more than 16383 explicit elements"});
  }
  std::uint64_t before = 0;
  for (std::size_t at = 0; at < data.size(); at += 8) {
    const auto element = load_be<std::uint64_t>(&data[at]);
    if (at != 0 && static_cast<std::int64_t>(element) <= static_cast<std::int64_t>(before)) {
      return fail({errc::bad_value, postgresql_header + at, "quoin: elements do not ascend"});
    }
    f(before = element);
  }
  return true;
}

/// Reads registers, sparse or full, into `registers`, which are 0 at first.
[[nodiscard]] inline expected<bool, error> read_postgresql_registers(
    std::span<const std::byte> data, const postgresql_header_fields& header,
    std::uint8_t* registers) noexcept {
  using fail = unexpected<error>;
  const postgresql_shape& shape = header.shape;
  high_bit_reader in(data);
  const auto position = [&] {
    return postgresql_header +
           static_cast<std::size_t>((8 * std::uint64_t{data.size()} - in.left()) / 8);
  };
  const auto wrong = [&](std::uint64_t where, const char* text) {
    return fail({errc::bad_value, where, text});
  };
  if (header.type == postgresql_type::full) {
    const std::size_t size = (shape.full_bits() + 7) / 8;
    if (data.size() < size) {
      return fail({errc::truncated, postgresql_header + data.size(), "quoin: registers missing"});
    }
    if (data.size() > size) {
      return fail({errc::trailing_bytes, postgresql_header + size,
                   "quoin: input goes on after the registers"});
    }
    for (std::size_t i = 0; i < shape.registers(); ++i) {
      const std::size_t where = position();
      const std::uint64_t rank = in.take(shape.width);
      if (rank > shape.max_rank()) return wrong(where, "quoin: a register no hash could set");
      registers[i] = static_cast<std::uint8_t>(rank);
    }
  } else {
    std::uint64_t next = 0;
    while (in.left() >= shape.pair_bits()) {
      const std::size_t where = position();
      const std::uint64_t pair = in.take(shape.pair_bits());
      const std::uint64_t index = pair >> shape.width;
      const std::uint64_t rank = pair & ((std::uint64_t{1} << shape.width) - 1);
      // A pair of fewer than 8 bits fits into the padding.
      if (pair == 0 && in.left() + shape.pair_bits() < 8) break;
      if (rank == 0 || rank > shape.max_rank()) {
        return wrong(where, "quoin: a register no hash could set");
      }
      if (index < next) return wrong(where, "quoin: registers do not ascend");
      next = index + 1;
      registers[index] = static_cast<std::uint8_t>(rank);
    }
    if (in.left() >= 8) {
      return fail({errc::truncated, postgresql_header + data.size(), "quoin: part of a register"});
    }
  }
  if (in.left() != 0 && in.take(static_cast<unsigned>(in.left())) != 0) {
    return wrong(postgresql_header + data.size() - 1, "quoin: padding that is not 0");
  }
  return true;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
