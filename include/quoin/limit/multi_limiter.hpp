// SPDX-License-Identifier: BSL-1.0
/// @file
/// Several quotas at once: a request passes all of them or none, and is told which one held it.
///
/// Use it for "one a second and a hundred an hour", and for hierarchies: what an endpoint, a user and
/// the whole service allow. The limiters may be of any kind, values or atomic, owned or referred to;
/// each may be soft: then it reports and does not refuse.
///
/// Guarantee   all or nothing: a request that any hard limit refuses takes nothing from any of them. So
///             each limiter's own promise holds for what passes. `retry_after` is the longest of them,
///             and exact where theirs is.
/// Cost        of values, a `peek` of each, and if all let pass, a `try_acquire` of each, or
///             else of those that refuse: only that notices a clock that was set anew. Of atomic ones,
///             a `try_acquire` of each; a refusal by a later one writes to the earlier ones, twice.
/// Memory      that of its limiters or of references to them.
/// Threads     over values, like a standard container. Over atomic limiters, concurrent: they are taken
///             in order, and if one refuses, what the earlier ones gave is given back: put first what
///             refuses most. For that moment others find it taken, and may be refused what would have
///             passed.
///             No more ever passes than each allows; of windows, if another one begins in that moment,
///             the cost that would be given back less.
/// Soft        a soft limit that is exceeded lets pass with `limit_reason::soft_limit`, and nothing is
///             taken from it: it counts what was within it.
///
/// @code
/// quoin::multi_limiter limits(quoin::token_bucket({.rate = quoin::per_second(1)}),
///                             quoin::token_bucket({.rate = quoin::per_hour(100)}));
/// if (const auto d = limits.try_acquire(); !d) reply_429(d.retry_after, d.index);  // 0 or 1
///
/// quoin::atomic_token_bucket<> endpoint(…), user(…), service(…);
/// auto path = quoin::limit_path(endpoint, quoin::soft(user), service);  // refers to the three
/// if (path.try_acquire()) serve();
/// @endcode
#ifndef QUOIN_LIMIT_MULTI_LIMITER_HPP
#define QUOIN_LIMIT_MULTI_LIMITER_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/limit_decision.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

namespace quoin::inline QUOIN_ABI {

/// The answer of several limiters. `limit` and `remaining` are those of the hard limit that has least
/// left, `retry_after` and `reset_after` the longest.
struct multi_decision : decision {
  /// The limiter, counted from 0, that the answer is due to: refused, the one that refuses longest;
  /// `soft_limit`, the first soft one that is exceeded; else the hard one that has least left.
  std::size_t index = 0;

  friend constexpr bool operator==(const multi_decision&, const multi_decision&) = default;
};

/// A limiter, or a reference to one, that reports and does not refuse.
template <class Limiter>
struct soft_limit {
  Limiter limiter;
};

/// A soft limit that refers to `limiter`, or keeps it if it is a temporary.
template <class Limiter>
[[nodiscard]] constexpr soft_limit<Limiter> soft(Limiter&& limiter) {
  return {std::forward<Limiter>(limiter)};
}

namespace detail {

template <class Member>
struct limit_member {
  using type = std::remove_reference_t<Member>;
  static constexpr bool soft = false;
  [[nodiscard]] static constexpr auto& of(auto& member) noexcept { return member; }
};
template <class Limiter>
struct limit_member<soft_limit<Limiter>> {
  using type = std::remove_reference_t<Limiter>;
  static constexpr bool soft = true;
  [[nodiscard]] static constexpr auto& of(auto& member) noexcept { return member.limiter; }
};
template <class Limiter>
struct limit_member<soft_limit<Limiter>&> : limit_member<soft_limit<Limiter>> {};

}  // namespace detail

/// Several limiters as one, asked in the order in which they are given: what refuses most, first.
/// @tparam Limiters  limiters, references to limiters, or `soft_limit` of either; of one clock.
template <class... Limiters>
requires(sizeof...(Limiters) > 0 &&
         (limiter<typename detail::limit_member<Limiters>::type> && ...)) class multi_limiter {
  using members = std::tuple<Limiters...>;
  template <std::size_t I>
  using member = detail::limit_member<std::tuple_element_t<I, members>>;

 public:
  using time_point = typename member<0>::type::time_point;
  using duration = std::chrono::nanoseconds;
  static_assert(
      (std::same_as<time_point, typename detail::limit_member<Limiters>::type::time_point> && ...),
      "limiters in the time of different clocks");

  explicit constexpr multi_limiter(Limiters... limiters)
      : members_(std::forward<Limiters>(limiters)...) {}

  /// The number of limiters.
  [[nodiscard]] static constexpr std::size_t size() noexcept { return sizeof...(Limiters); }

  /// One of them, soft or hard.
  template <std::size_t I>
  [[nodiscard]] constexpr auto& get() noexcept {
    return member<I>::of(std::get<I>(members_));
  }
  template <std::size_t I>
  [[nodiscard]] constexpr const auto& get() const noexcept {
    return member<I>::of(std::get<I>(members_));
  }

  /// Takes `cost` tokens of each limiter, if all hard ones have as many.
  multi_decision try_acquire_at(time_point now, std::uint64_t cost = 1) noexcept {
    answers found;
    if (values && cost != 0) found = ask(now, cost);
    if (found.passes) {
      take(now, cost, found);
    } else {
      insist(now, cost, found);
    }
    return found.together();
  }
  multi_decision try_acquire(std::uint64_t cost = 1) noexcept {
    return try_acquire_at(get<0>().now(), cost);
  }

  /// What `try_acquire_at` would answer, but `remaining` is what there is before it; takes nothing.
  [[nodiscard]] multi_decision peek_at(time_point now, std::uint64_t cost = 1) const noexcept {
    return ask(now, cost).together();
  }
  [[nodiscard]] multi_decision peek(std::uint64_t cost = 1) const noexcept {
    return peek_at(get<0>().now(), cost);
  }

  /// Takes as many as every hard limiter has, at most `cost`; returns how many. Of a soft one that
  /// has fewer, what it has.
  std::uint64_t acquire_up_to_at(time_point now, std::uint64_t cost) noexcept {
    const answers found = ask(now, 1);
    if (!found.passes) insist(now, 1, found);
    std::uint64_t taken = cost;
    if (found.any_hard()) taken = detail::min_of(cost, found.together().remaining);
    each([&](auto i) {
      if constexpr (!member<i>::soft) {
        const std::uint64_t got = taken == 0 ? 0 : get<i>().acquire_up_to_at(now, taken);
        if (got < taken) give_back<i>(now, taken - got);
        taken = got;
      }
    });
    each([&](auto i) {
      if constexpr (member<i>::soft) get<i>().acquire_up_to_at(now, taken);
    });
    return taken;
  }
  std::uint64_t acquire_up_to(std::uint64_t cost) noexcept {
    return acquire_up_to_at(get<0>().now(), cost);
  }

  /// The wait before `cost` tokens would pass: 0 if they would now, `never` if no wait helps.
  [[nodiscard]] duration time_until_at(time_point now, std::uint64_t cost = 1) const noexcept {
    return peek_at(now, cost).retry_after;
  }
  [[nodiscard]] duration time_until(std::uint64_t cost = 1) const noexcept {
    return time_until_at(get<0>().now(), cost);
  }

  /// Gives back to all of them what was taken and not used.
  void refund_at(time_point now, std::uint64_t cost = 1) noexcept {
    each([&](auto i) { get<i>().refund_at(now, cost); });
  }
  void refund(std::uint64_t cost = 1) noexcept { refund_at(get<0>().now(), cost); }

  /// All as new.
  void reset() noexcept {
    each([&](auto i) { get<i>().reset(); });
  }

  /// The time of the first limiter's clock, in which those forms ask that are not given the time.
  [[nodiscard]] time_point now() const { return get<0>().now(); }

 private:
  /// What each has answered.
  struct answers {
    decision of[sizeof...(Limiters)];
    bool passes = true;  ///< all hard ones

    [[nodiscard]] static constexpr bool any_hard() noexcept {
      return (!detail::limit_member<Limiters>::soft || ...);
    }

    [[nodiscard]] QUOIN_ALWAYS_INLINE multi_decision together() const noexcept {
      multi_decision all;
      all.allowed = passes;
      all.remaining = ~std::uint64_t{0};
      if (!any_hard()) all.limit = ~std::uint64_t{0};
      std::size_t due = size();
      each([&](auto i) {
        const decision& d = of[i];
        all.reset_after = detail::max_of(all.reset_after, d.reset_after);
        if (!member<i>::soft && d.remaining < all.remaining) {
          all.remaining = d.remaining;
          all.limit = d.limit;
          all.index = i;
        }
        // Who is to blame: a hard limit for a refusal, a soft one for what passes none the less.
        if (d.allowed || member<i>::soft != passes) return;
        if (due != size() && (passes || d.retry_after <= all.retry_after)) return;
        due = i;
        all.reason = passes ? limit_reason::soft_limit : d.reason;
        if (!passes) all.retry_after = d.retry_after;
      });
      if (due != size()) all.index = due;
      return all;
    }
  };

  template <class F>
  QUOIN_ALWAYS_INLINE static constexpr void each(F f) noexcept {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (f(std::integral_constant<std::size_t, I>()), ...);
    }
    (std::index_sequence_for<Limiters...>());
  }

  [[nodiscard]] answers ask(time_point now, std::uint64_t cost) const noexcept {
    answers found;
    each([&](auto i) {
      found.of[i] = get<i>().peek_at(now, cost);
      if (!member<i>::soft && !found.of[i].allowed) found.passes = false;
    });
    return found;
  }

  /// Takes of each in turn; if one refuses, none.
  void take(time_point now, std::uint64_t cost, answers& found) noexcept {
    each([&](auto i) {
      if constexpr (!member<i>::soft) {
        if (!found.passes) return;
        found.of[i] = get<i>().try_acquire_at(now, cost);
        if (found.of[i].allowed) return;
        const decision refusal = found.of[i];
        give_back<i>(now, cost);
        found = ask(now, cost);
        insist(now, cost, found);
        found.of[i] = refusal;
        found.passes = false;
      }
    });
    each([&](auto i) {
      if constexpr (member<i>::soft) {
        if (found.passes) found.of[i] = get<i>().try_acquire_at(now, cost);
      }
    });
  }

  /// Of those that refused when they were looked at: a look does not tell them that their clock was
  /// set back, and they would refuse until it has caught up.
  void insist(time_point now, std::uint64_t cost, const answers& found) noexcept {
    each([&](auto i) {
      if (found.of[i].allowed) return;
      if (get<i>().try_acquire_at(now, cost).allowed) get<i>().refund_at(now, cost);
    });
  }

  /// To the hard ones before limiter `Refused`.
  template <std::size_t Refused>
  void give_back(time_point now, std::uint64_t cost) noexcept {
    each([&](auto i) {
      if constexpr (i < Refused && !member<i>::soft) get<i>().refund_at(now, cost);
    });
  }

  /// Those that can be copied are asked by nobody else meanwhile: what looks free is free.
  static constexpr bool values =
      (std::copy_constructible<typename detail::limit_member<Limiters>::type> && ...);

  members members_;
};

/// Limiters as one: refers to those that have a name, keeps those that are temporaries.
template <class... Limiters>
[[nodiscard]] constexpr multi_limiter<Limiters...> limit_path(Limiters&&... limiters) {
  return multi_limiter<Limiters...>(std::forward<Limiters>(limiters)...);
}

}  // namespace quoin::inline QUOIN_ABI

#endif
