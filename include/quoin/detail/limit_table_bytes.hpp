// SPDX-License-Identifier: BSL-1.0
/// @file
/// The serialized form of a keyed limiter (0x0707): the buckets that are not full.
#ifndef QUOIN_DETAIL_LIMIT_TABLE_BYTES_HPP
#define QUOIN_DETAIL_LIMIT_TABLE_BYTES_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/frame.hpp>
#include <quoin/detail/limit_table.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr frame_id table_frame{0x0707, 1};
inline constexpr std::size_t table_parameters = 48;

/// The parameters of a form, verified.
struct table_form {
  std::uint64_t seed = 0;
  std::uint64_t over = 1, under = 1;  ///< ticks per nanosecond
  std::uint64_t lines = 0;
  std::span<const std::byte> entries;  ///< 16 bytes each
};

template <class Slots, class Allocator>
[[nodiscard]] std::vector<std::byte> write_table(const limit_table<Slots, Allocator>& table,
                                                 std::uint64_t tick, std::uint64_t seed,
                                                 std::uint32_t hash_id) {
  std::vector<std::uint64_t> words;
  table.for_each(tick, [&](std::size_t line, std::uint64_t mark, std::uint64_t ahead) {
    const bool whole = Slots::bits == 62;
    words.push_back(whole ? mark : std::uint64_t{line});
    words.push_back(whole ? ahead : mark << Slots::bits | ahead);
  });
  std::vector<std::byte> bytes(framed_size(table_parameters, 8 * words.size()));
  frame_writer writer(bytes, table_frame, table_parameters);
  writer.put(seed);
  writer.put(hash_id);
  writer.put(std::uint32_t{Slots::bits});
  writer.put(table.scale().over());
  writer.put(table.scale().under());
  writer.put(std::uint64_t{table.lines().size()});
  writer.put(std::uint64_t{words.size() / 2});
  for (const std::uint64_t word : words) writer.put(word);
  writer.finish();
  return bytes;
}

/// @param bits  of the slots that are to be filled.
[[nodiscard]] inline expected<table_form, error> open_table(std::span<const std::byte> bytes,
                                                            unsigned bits,
                                                            std::uint32_t hash_id) noexcept {
  using fail = unexpected<error>;
  const auto frame =
      open_frame(bytes, table_frame, table_parameters, [](const std::byte* p) -> std::uint64_t {
        const auto entries = load_le<std::uint64_t>(p + 40);
        return entries < unknown_size / 16 ? 16 * entries : unknown_size;
      });
  if (!frame) return fail(frame.error());
  const std::byte* const p = frame->parameters.data();
  const auto kind = load_le<std::uint32_t>(p + 12);
  table_form form{load_le<std::uint64_t>(p), load_le<std::uint64_t>(p + 16),
                  load_le<std::uint64_t>(p + 24), load_le<std::uint64_t>(p + 32), frame->payload};
  const auto bad = [](std::uint64_t at, const char* text) {
    return fail({errc::bad_value, at, text});
  };
  if (frame->flags != 0) return bad(5, "quoin: unknown flags");
  if (kind != 62 && kind != 40) return bad(20, "quoin: no such slots");
  if ((form.over - 1) >> 62 != 0 || (form.under - 1) >> 62 != 0) {
    return bad(24, "quoin: ticks out of range");
  }
  if (load_le<std::uint64_t>(p + 40) != form.entries.size() / 16 || form.entries.size() % 16 != 0) {
    return bad(48, "quoin: number of keys is not that of the size");
  }
  if (load_le<std::uint32_t>(p + 8) != hash_id) {
    return fail({errc::incompatible, 16, "quoin: of another hash function"});
  }
  if (kind != bits) {
    return fail({errc::incompatible, 20, "quoin: with other slots"});
  }
  return form;
}

/// Fills an untouched table with the buckets of `form`; returns how many.
template <class Slots, class Allocator>
[[nodiscard]] expected<std::uint64_t, error> read_table(
    const table_form& form, std::uint64_t tick, limit_table<Slots, Allocator>& table) noexcept {
  const auto& scale = table.scale();
  const bool same = form.over == scale.over() && form.under == scale.under();
  constexpr bool whole = Slots::bits == 62;
  if (!whole && form.lines != table.lines().size()) {
    return unexpected(error{errc::incompatible, 40, "quoin: of another capacity"});
  }
  constexpr std::uint64_t low = tick_scale<Slots::bits>::mask;
  for (std::size_t i = 0; i < form.entries.size(); i += 16) {
    const auto first = load_le<std::uint64_t>(&form.entries[i]);
    const auto second = load_le<std::uint64_t>(&form.entries[i + 8]);
    const std::uint64_t mark = whole ? first : second >> Slots::bits;
    std::uint64_t ahead = whole ? second : second & low;
    const std::uint64_t at = frame_header_size + table_parameters + i;
    if (mark == 0 || ahead == 0 || ahead > low || (!whole && first >= form.lines)) {
      return unexpected(error{errc::bad_value, at, "quoin: not a bucket"});
    }
    if (!same) {  // by way of nanoseconds, rounded up
      ahead = scaled_up(scaled_up(ahead, form.under, form.over), scale.over(), scale.under());
    }
    ahead = min_of(ahead + (whole && same ? 0 : scale.lead()), scale.reach());
    table_answer answer{ahead, true, false};
    const bool put = whole ? table.admit(tick, mark, &answer)
                           : table.put(static_cast<std::size_t>(first), mark, tick, ahead);
    if (!put) return unexpected(error{errc::bad_value, at, "quoin: a key that is there already"});
  }
  return form.entries.size() / 16;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
