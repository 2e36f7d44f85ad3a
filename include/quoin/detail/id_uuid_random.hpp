// SPDX-License-Identifier: BSL-1.0
/// @file
/// What generators of ids are made of: time in the steps of UUIDs, and what is random in an id, which
/// is a keyed function of a number that its maker uses once.
///
/// So threads share nothing but that number, which they need anyway, nothing is kept for each of
/// them, and what an id shows tells nothing of the next one to who does not have the key.
#ifndef QUOIN_DETAIL_ID_UUID_RANDOM_HPP
#define QUOIN_DETAIL_ID_UUID_RANDOM_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/entropy.hpp>
#include <quoin/hash/siphash.hpp>

#include <pthread.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <ratio>
#include <type_traits>

namespace quoin::inline QUOIN_ABI::detail {

/// Part of the key of every secret function in this process: of a child of `fork` another one than
/// of its parent. Written there only, while it has one thread.
inline siphash_key process_key{0, 0};

inline void renew_process_key() noexcept { process_key = random_from_system<siphash_key>(); }

/// Has `process_key` renewed in all children that `fork` makes from now on.
inline void watch_forks() {
  static const int failed = pthread_atfork(nullptr, nullptr, &renew_process_key);
  if (failed != 0) fail("quoin: no memory to be told of forks");
}

/// SipHash-2-4 of a number under a key, and another function in every child of `fork`.
class secret_function {
 public:
  /// With `key`, or with one from the operating system.
  explicit secret_function(const std::optional<siphash_key>& key)
      : key_(key ? *key : random_from_system<siphash_key>()) {
    watch_forks();
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint64_t operator()(std::uint64_t x) const noexcept {
    unsigned char bytes[8];
    store_le(bytes, x);
    return siphash<2, 4>(bytes, sizeof bytes, {key_.k0 ^ process_key.k0, key_.k1 ^ process_key.k1});
  }

  /// A number that is another one in every child of `fork`.
  [[nodiscard]] static std::uint64_t process() noexcept { return process_key.k0; }

 private:
  siphash_key key_;
};

/// `time` in units of `Unit` since 1970, rounded down: not before that, and INT64_MAX if there are
/// more of them.
template <class Unit, class TimePoint>
[[nodiscard]] constexpr std::uint64_t unix_time(TimePoint time) noexcept {
  using units = std::ratio_divide<typename TimePoint::period, typename Unit::period>;
  static_assert(std::is_integral_v<typename TimePoint::rep>, "quoin: a clock counts in integers");
  static_assert(units::num <= INT64_MAX / units::den, "quoin: the unit of a clock is too odd");
  const std::int64_t count = time.time_since_epoch().count();
  if (count < 0) return 0;
  const std::int64_t part = count % units::den * units::num / units::den;
  const std::int64_t whole = count / units::den;
  if (whole > (INT64_MAX - part) / units::num) return INT64_MAX;
  return static_cast<std::uint64_t>(whole * units::num + part);
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
