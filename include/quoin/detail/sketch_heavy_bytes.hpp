// SPDX-License-Identifier: BSL-1.0
/// @file
/// The serialized form of `heavy_hitters`.
#ifndef QUOIN_DETAIL_SKETCH_HEAVY_BYTES_HPP
#define QUOIN_DETAIL_SKETCH_HEAVY_BYTES_HPP

#include <quoin/detail/frame.hpp>
#include <quoin/detail/keys.hpp>
#include <quoin/detail/sketch_heavy_table.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr frame_id heavy_frame{0x0203, 1};
inline constexpr std::size_t heavy_parameters = 48;
inline constexpr std::size_t heavy_row_bytes = 24;  ///< count, error, key or its length
inline constexpr std::uint64_t largest_heavy_capacity = std::uint64_t{1} << 28;

/// Keys that have a serialized form.
template <class Key>
concept heavy_serializable = is_heavy_string<Key> || std::is_integral_v<Key> || std::is_enum_v<Key>;

template <class Key>
struct heavy_integer {
  using type = Key;
};
template <class Key>
requires std::is_enum_v<Key>
struct heavy_integer<Key> {
  using type = std::underlying_type_t<Key>;
};

/// What the form calls a type of keys: 1 unsigned, 2 signed, 3 strings; and the width of integers.
template <heavy_serializable Key>
[[nodiscard]] constexpr std::uint16_t heavy_kind() noexcept {
  if constexpr (is_heavy_string<Key>) {
    return 3;
  } else {
    using integer = typename heavy_integer<Key>::type;
    return static_cast<std::uint16_t>((std::is_signed_v<integer> ? 2 : 1) | sizeof(Key) << 8);
  }
}

/// Everything of a native form but the rows.
struct heavy_form {
  std::uint64_t capacity;
  std::uint64_t seed;
  std::uint64_t total;
  std::uint64_t offset;
  std::size_t rows;
  std::span<const std::byte> payload;
};

[[nodiscard]] constexpr unexpected<error> heavy_error(errc code, std::uint64_t position,
                                                      const char* text) noexcept {
  return unexpected(error{code, position, text});
}

/// Checks all that concerns no single row.
template <class Key, class Hash>
[[nodiscard]] expected<heavy_form, error> read_heavy_form(
    std::span<const std::byte> bytes) noexcept {
  const auto frame = open_frame(bytes, heavy_frame, heavy_parameters);
  if (!frame) return unexpected(frame.error());
  const std::byte* const p = frame->parameters.data();
  const auto rows = load_le<std::uint64_t>(p + 40);
  const heavy_form form{load_le<std::uint64_t>(p),      load_le<std::uint64_t>(p + 8),
                        load_le<std::uint64_t>(p + 24), load_le<std::uint64_t>(p + 32),
                        static_cast<std::size_t>(rows), frame->payload};
  if (frame->flags != 0) return heavy_error(errc::bad_value, 5, "quoin: flags must be 0");
  if (form.capacity == 0 || form.capacity > largest_heavy_capacity) {
    return heavy_error(errc::bad_value, 8, "quoin: capacity must be 1 to 2^28");
  }
  if (!takes_seed<Hash> && form.seed != 0) {
    return heavy_error(errc::incompatible, 16,
                       "quoin: the summary has a seed, its hash function takes none");
  }
  if (load_le<std::uint32_t>(p + 16) != hash_id<Hash>) {
    return heavy_error(errc::incompatible, 24, "quoin: built with another hash function");
  }
  if (load_le<std::uint16_t>(p + 20) != heavy_kind<Key>()) {
    return heavy_error(errc::incompatible, 28, "quoin: a summary of keys of another type");
  }
  if (load_le<std::uint16_t>(p + 22) != 0) {
    return heavy_error(errc::bad_value, 30, "quoin: reserved bytes must be 0");
  }
  if (form.offset > form.total) {
    return heavy_error(errc::bad_value, 40, "quoin: an error above the total weight");
  }
  if (rows > 2 * form.capacity || rows > frame->payload.size() / heavy_row_bytes) {
    return heavy_error(errc::bad_value, 48, "quoin: more keys than fit");
  }
  return form;
}

/// Writes all but the rows.
template <class Key, class Hash>
[[nodiscard]] frame_writer write_heavy_form(std::span<std::byte> out, const heavy_form& form) {
  frame_writer w(out, heavy_frame, heavy_parameters);
  w.put(form.capacity);
  w.put(form.seed);
  w.put(hash_id<Hash>);
  w.put(heavy_kind<Key>());
  w.put(std::uint16_t{0});
  w.put(form.total);
  w.put(form.offset);
  w.put(std::uint64_t{form.rows});
  return w;
}

/// The rows of a form one after the other. `next` must not be called more often than there are rows.
template <class Key>
class heavy_row_reader {
 public:
  explicit heavy_row_reader(const heavy_form& form) noexcept
      : row_(form.payload.data()), text_(form.payload.subspan(heavy_row_bytes * form.rows)) {}

  std::uint64_t count = 0;
  std::uint64_t error = 0;
  std::conditional_t<is_heavy_string<Key>, std::string_view, Key> key{};

  /// Reads a row; false when its key cannot be.
  [[nodiscard]] bool next() noexcept {
    count = load_le<std::uint64_t>(row_);
    error = load_le<std::uint64_t>(row_ + 8);
    const auto word = load_le<std::uint64_t>(row_ + 16);
    row_ += heavy_row_bytes;
    if constexpr (is_heavy_string<Key>) {
      if (word > text_.size()) return false;
      key = {reinterpret_cast<const char*>(text_.data()), static_cast<std::size_t>(word)};
      text_ = text_.subspan(key.size());
      return true;
    } else {
      key = static_cast<Key>(static_cast<typename heavy_integer<Key>::type>(word));
      return static_cast<std::uint64_t>(key) == word;
    }
  }

  /// Bytes after the last key.
  [[nodiscard]] std::size_t left() const noexcept { return text_.size(); }

 private:
  const std::byte* row_;
  std::span<const std::byte> text_;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
