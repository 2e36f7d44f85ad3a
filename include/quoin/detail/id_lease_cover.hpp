// SPDX-License-Identifier: BSL-1.0
/// @file
/// How far a lease covers the ids of a generator: the one thing that who renews the lease and who
/// makes the ids share.
#ifndef QUOIN_DETAIL_ID_LEASE_COVER_HPP
#define QUOIN_DETAIL_ID_LEASE_COVER_HPP

#include <atomic>
#include <chrono>
#include <cstdint>

#include <quoin/detail/config.hpp>

namespace quoin::inline QUOIN_ABI {

namespace detail {

/// Marks are given up to the end of the lease, to the last use of it alone. One thread begins uses
/// and moves the end; any number ask for marks.
///
/// Who asks writes down the mark and then looks whether its use is still the last one; who begins a
/// use does so first, and then reads which marks were given. All of it is sequentially consistent,
/// so that one of the two sees the other: no mark is given that the next use does not know of.
template <template <class> class Atomic>
class lease_cover {
 public:
  static constexpr std::int64_t never = INT64_MIN;

  /// Whether ids of times before `mark` may be made by `use`.
  [[nodiscard]] bool permit(std::uint64_t use, std::int64_t mark) noexcept {
    if (use_.load(order) != use || mark > until_.load(order)) return false;
    std::int64_t given = given_.load(order);
    while (given < mark && !given_.compare_exchange_weak(given, mark, order, order)) {
    }
    return use_.load(order) == use;
  }

  /// The lease of another number, or of the same anew: from `begin` to `end`.
  void take(std::int64_t begin, std::int64_t end) noexcept {
    begin_use();
    given_.store(begin, order);
    until_.store(end, order);
  }
  void extend(std::int64_t end) noexcept { until_.store(end, order); }
  void stop() noexcept {
    until_.store(never, order);
    begin_use();
  }

  /// No mark is given to uses that began before.
  std::uint64_t begin_use() noexcept {
    const std::uint64_t use = use_.load(order) + 1;
    use_.store(use, order);
    return use;
  }
  /// No use before the present one has been given more than this.
  [[nodiscard]] std::int64_t given() const noexcept { return given_.load(order); }

 private:
  static constexpr std::memory_order order = std::memory_order_seq_cst;

  alignas(8) Atomic<std::uint64_t> use_{0};
  alignas(8) Atomic<std::int64_t> until_{never};
  alignas(8) Atomic<std::int64_t> given_{never};
};

}  // namespace detail

/// The guard of a generator whose worker's number is leased: permits ids of times before the end of
/// the lease, as long as nobody else has begun to use it. For any thread; the lease must outlive
/// it.
class worker_lease_guard {
 public:
  using cover = detail::lease_cover<std::atomic>;

  worker_lease_guard(cover& of, std::uint64_t use) noexcept : cover_(&of), use_(use) {}

  [[nodiscard]] bool operator()(
      std::chrono::sys_time<std::chrono::milliseconds> mark) const noexcept {
    return cover_->permit(use_, mark.time_since_epoch().count());
  }

 private:
  cover* cover_;
  std::uint64_t use_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
