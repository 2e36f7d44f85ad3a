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

 private:
  siphash_key key_;
};

/// `time` in milliseconds since 1970, rounded down: not before that, and INT64_MAX if there are more.
template <class TimePoint>
[[nodiscard]] constexpr std::uint64_t unix_milliseconds(TimePoint time) noexcept {
  const auto since = time.time_since_epoch();
  using unit = std::ratio_divide<typename TimePoint::period, std::milli>;
  if constexpr (unit::num > unit::den) {
    if (since.count() > INT64_MAX / unit::num) return INT64_MAX;
  }
  if (since.count() < 0) return 0;
  const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(since);
  return static_cast<std::uint64_t>(whole.count());
}

/// What `uuid_v7_generator` counts in: 2^-20 of a millisecond, 0.95 ns, in 44 of the 48 bits that a
/// UUID has for milliseconds and 20 below.
inline constexpr int uuid_v7_fraction_bits = 20;

/// `time` in those since 1970, rounded down: not before that, nor after the beginning of the last
/// millisecond.
template <class TimePoint>
[[nodiscard]] constexpr std::uint64_t uuid_v7_tick(TimePoint time) noexcept {
  constexpr std::uint64_t last = UINT64_MAX >> uuid_v7_fraction_bits;
  const std::uint64_t whole = unix_milliseconds(time);
  if (whole >= last) return last << uuid_v7_fraction_bits;
  if (time.time_since_epoch().count() < 0) return 0;
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(
      time.time_since_epoch() - std::chrono::milliseconds(static_cast<std::int64_t>(whole)));
  return whole << uuid_v7_fraction_bits | static_cast<std::uint64_t>(rest.count()) * 16384 / 15625;
}

/// So many of them as a duration, rounded down.
[[nodiscard]] constexpr std::chrono::nanoseconds uuid_v7_duration(std::uint64_t ticks) noexcept {
  const std::uint64_t ns = ticks / 16384 * 15625 + ticks % 16384 * 15625 / 16384;
  return std::chrono::nanoseconds(
      static_cast<std::int64_t>(min_of(ns, static_cast<std::uint64_t>(INT64_MAX))));
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
