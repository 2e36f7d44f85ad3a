// SPDX-License-Identifier: BSL-1.0
/// @file
/// What keeps a generator that was killed from repeating itself: a time in the future that is saved
/// before any id up to it is given, and where the next run begins.
#ifndef QUOIN_DETAIL_ID_GUARD_HPP
#define QUOIN_DETAIL_ID_GUARD_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/id_error.hpp>
#include <quoin/detail/id_snowflake_core.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <utility>

namespace quoin::inline QUOIN_ABI {

/// Saves a mark: `bool guard(std::chrono::sys_time<std::chrono::milliseconds> mark)` returns true when
/// the mark will be there after a crash. It is called by one thread at a time, each time with a later
/// mark. What it throws passes through; that is a mark which was not saved.
template <class T>
concept snowflake_guard = std::same_as<T, no_guard> ||
    requires(T& guard, std::chrono::sys_time<std::chrono::milliseconds> mark) {
  { guard(mark) } -> std::convertible_to<bool>;
};

namespace detail {

/// When `tick` begins, or the first millisecond after that.
template <class Layout>
[[nodiscard]] constexpr std::chrono::sys_time<std::chrono::milliseconds> id_millisecond_of(
    std::int64_t tick) noexcept {
  return std::chrono::ceil<std::chrono::milliseconds>(Layout::start_of(tick));
}

/// The marks of a generator, and who saves them. Words below `mark_` may be given; from `renew_` on,
/// never more, whoever comes first saves the next mark, and others go on meanwhile up to `mark_`.
template <class Layout, class Guard, template <class> class Atomic>
class snowflake_marks {
  using rules = snowflake_rules<Layout>;

 public:
  snowflake_marks(const snowflake_options& options, std::uint64_t first, Guard guard,
                  const char* type)
      : renew_(first), mark_(first), saving_(0), guard_(std::move(guard)) {
    if (options.guard_interval.count() <= 0) {
      fail_argument(type, "guard_interval", std::int64_t{options.guard_interval.count()},
                    "1 ns or more");
    }
    interval_ = max_of(rules::ticks_in(options.guard_interval), std::int64_t{1});
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE bool covers(std::uint64_t word) const noexcept {
    return word < renew_.load(std::memory_order_acquire);
  }

  /// What must be saved before ids of `tick` may be given.
  [[nodiscard]] std::chrono::sys_time<std::chrono::milliseconds> mark_for(
      std::int64_t tick) const noexcept {
    return id_millisecond_of<Layout>(min_of(tick + interval_, Layout::ticks));
  }

  /// Called where `covers(word)` is false; 0 where the word may be given now.
  QUOIN_COLD id_error renew(std::uint64_t word) {
    if (saving_.exchange(1, std::memory_order_acquire) != 0) {
      return word < mark_.load(std::memory_order_acquire) ? id_error{} : id_error::guard_busy;
    }
    const release_at_end release{saving_};
    if (!covers(word)) save(rules::tick_of(word));
    return word < mark_.load(std::memory_order_acquire) ? id_error{} : id_error::guard_failed;
  }

 private:
  struct release_at_end {
    ~release_at_end() { saving.store(0, std::memory_order_release); }
    Atomic<std::uint32_t>& saving;
  };

  void save(std::int64_t tick) {
    const auto time = mark_for(tick);
    const std::int64_t marked = min_of(Layout::tick_of(time.time_since_epoch()), Layout::ticks);
    // If it fails or throws, there is no other attempt before there must be one.
    renew_.store(mark_.load(std::memory_order_acquire), std::memory_order_release);
    if (!static_cast<bool>(guard_(time))) return;
    mark_.store(rules::word_of(marked), std::memory_order_release);
    const std::int64_t early = marked == Layout::ticks ? 0 : interval_ / 2;  // none is after that
    renew_.store(rules::word_of(marked - early), std::memory_order_release);
  }

  alignas(8) Atomic<std::uint64_t> renew_;
  alignas(8) Atomic<std::uint64_t> mark_;
  Atomic<std::uint32_t> saving_;
  std::int64_t interval_ = 1;
  Guard guard_;
};

template <class Layout, template <class> class Atomic>
class snowflake_marks<Layout, no_guard, Atomic> {
 public:
  snowflake_marks(const snowflake_options& /*options*/, std::uint64_t /*first*/, no_guard /*guard*/,
                  const char* /*type*/) noexcept {}
  [[nodiscard]] static constexpr bool covers(std::uint64_t /*word*/) noexcept { return true; }
  [[nodiscard]] static constexpr std::chrono::sys_time<std::chrono::milliseconds> mark_for(
      std::int64_t /*tick*/) noexcept {
    return {};
  }
  [[nodiscard]] static constexpr id_error renew(std::uint64_t /*word*/) noexcept { return {}; }
};

}  // namespace detail

}  // namespace quoin::inline QUOIN_ABI

#endif
