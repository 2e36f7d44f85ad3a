// SPDX-License-Identifier: BSL-1.0
/// @file
/// Why there is no id, and how that is said where nobody asks for a reason.
#ifndef QUOIN_DETAIL_ID_ERROR_HPP
#define QUOIN_DETAIL_ID_ERROR_HPP

#include <quoin/detail/config.hpp>
#include <quoin/detail/error.hpp>

#include <cstdint>
#include <cstdio>
#include <stdexcept>

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

/// What `next` throws when there is no id to give: no mistake of the caller's, but a clock that was
/// set back, a disk that is full. Programs that mean to go on ask `try_next`, which returns the
/// code.
/// @tparam Code  an enumeration that has a `to_text`.
template <class Code>
class basic_id_failure : public std::runtime_error {
 public:
  basic_id_failure(const char* text, Code code) : std::runtime_error(text), code_(code) {}
  /// Why there is none.
  [[nodiscard]] Code code() const noexcept { return code_; }

 private:
  Code code_;
};
using id_failure = basic_id_failure<id_error>;

namespace detail {

/// Fails with "<type>: no id: <code><more>": throws `basic_id_failure` or calls the failure
/// handler.
template <class Code>
[[noreturn]] QUOIN_COLD void fail_id(const char* type, Code code, const char* more = "") {
  char text[256];
  std::snprintf(text, sizeof text, "quoin::%s: no id: %s%s", type, to_text(code), more);
#if QUOIN_HAS_EXCEPTIONS
  throw basic_id_failure<Code>(text, code);
#else
  hand_over_failure(text);
#endif
}

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
