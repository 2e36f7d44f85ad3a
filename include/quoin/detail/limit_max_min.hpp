// SPDX-License-Identifier: BSL-1.0
/// @file
/// Max-min fair shares by filling up with water: everyone gets what they want or the same level.
#ifndef QUOIN_DETAIL_LIMIT_MAX_MIN_HPP
#define QUOIN_DETAIL_LIMIT_MAX_MIN_HPP

#include <quoin/detail/bits.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

/// The level is `whole` + `rest`/`among`, where `among` want more than that. If that is 0, everyone
/// gets what they want.
struct max_min_level {
  std::uint64_t whole = 0, rest = 0, among = 0;

  friend constexpr bool operator==(const max_min_level&, const max_min_level&) = default;
};

/// The level at which the sum of min(want, level) is `all`. `wants` ascend. O(n), without a division
/// but the last one.
[[nodiscard]] inline max_min_level max_min_level_of(const std::vector<std::uint64_t>& wants,
                                                    std::uint64_t all) noexcept {
  std::uint64_t left = all, among = wants.size();
  for (const std::uint64_t want : wants) {
    std::uint64_t together = 0;
    if (!checked_mul(want, among, &together) || together > left) {
      return {left / among, left % among, among};
    }
    left -= want;
    --among;
  }
  return {};
}

/// Puts `to` in the place of one `from` among `sorted`, and leaves it sorted.
inline void replace_sorted(std::vector<std::uint64_t>& sorted, std::uint64_t from,
                           std::uint64_t to) noexcept {
  std::size_t low = 0, high = sorted.size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    (sorted[middle] < from ? low : high) = sorted[middle] < from ? middle + 1 : middle;
  }
  for (; low + 1 < sorted.size() && sorted[low + 1] < to; ++low) sorted[low] = sorted[low + 1];
  for (; low > 0 && sorted[low - 1] > to; --low) sorted[low] = sorted[low - 1];
  sorted[low] = to;
}

/// By a heap: O(n log n) at worst, in place.
template <class T, class Less>
void sort_by(std::vector<T>& values, Less less) noexcept {
  const auto sink = [&](std::size_t at, std::size_t end) {
    const T value = values[at];
    for (std::size_t child = 2 * at + 1; child < end; child = 2 * at + 1) {
      if (child + 1 < end && less(values[child], values[child + 1])) ++child;
      if (!less(value, values[child])) break;
      values[at] = values[child];
      at = child;
    }
    values[at] = value;
  };
  for (std::size_t i = values.size() / 2; i-- > 0;) sink(i, values.size());
  for (std::size_t end = values.size(); end-- > 1;) {
    const T greatest = values[0];
    values[0] = values[end];
    values[end] = greatest;
    sink(0, end);
  }
}

inline void sort_ascending(std::vector<std::uint64_t>& values) noexcept {
  sort_by(values, [](std::uint64_t a, std::uint64_t b) { return a < b; });
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
