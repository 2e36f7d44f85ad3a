// SPDX-License-Identifier: BSL-1.0
/// @file
/// Why there is no id.
#ifndef QUOIN_DETAIL_ID_ERROR_HPP
#define QUOIN_DETAIL_ID_ERROR_HPP

#include <quoin/detail/config.hpp>

#include <cstdint>

namespace quoin::inline QUOIN_ABI {

/// Why a maker of ids did not make one.
enum class id_error : std::uint8_t {
  exhausted = 1,  ///< all ids of this time are given: there are more at the next one
  clock_back,     ///< the clock was set back, and the policy has no ids for that
  too_early,      ///< the time is before the first one that may be used
  time_over,      ///< the time is after the last one that an id can tell
  out_of_range,   ///< a part does not fit into its bits
  guard_busy,     ///< another thread is just saving the next mark
  guard_failed,   ///< the next mark could not be saved
};

/// `error` as words: "the clock was set back …".
[[nodiscard]] constexpr const char* to_text(id_error error) noexcept {
  switch (error) {
    case id_error::exhausted:
      return "all ids of this time are given";
    case id_error::clock_back:
      return "the clock was set back further than the policy permits";
    case id_error::too_early:
      return "the time is before the first one that may be used";
    case id_error::time_over:
      return "the time is after the last one that an id can tell";
    case id_error::out_of_range:
      return "a part does not fit into its bits";
    case id_error::guard_busy:
      return "another thread is saving the next mark";
    case id_error::guard_failed:
      return "the next mark could not be saved";
  }
  return "unknown";
}

}  // namespace quoin::inline QUOIN_ABI

#endif
