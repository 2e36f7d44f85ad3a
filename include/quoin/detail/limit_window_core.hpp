// SPDX-License-Identifier: BSL-1.0
/// @file
/// The verbs of limiters whose state is a window and what was counted in it, as a value and in one
/// atomic word.
#ifndef QUOIN_DETAIL_LIMIT_WINDOW_CORE_HPP
#define QUOIN_DETAIL_LIMIT_WINDOW_CORE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/limit_decision.hpp>
#include <quoin/detail/limit_window_math.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// All of a quota: what each decision needs is `Quota`, which knows the arithmetic of its
/// algorithm.
template <class Quota>
struct window_plan {
  using options_type = typename Quota::options_type;
  using state = typename Quota::state;

  Quota quota;
  std::int64_t offset = 0;
  std::uint64_t max_debt = 0;  ///< as it was given
  std::int64_t step = 0;

  // As words, of which those of `quota` come first: word(i) is one, put(i, x) takes one.
  static constexpr std::size_t word_count = Quota::word_count + 3;
  template <class F>
  [[nodiscard]] static window_plan from_words(F word) noexcept {
    constexpr std::size_t n = Quota::word_count;
    return {Quota::from_words(word), static_cast<std::int64_t>(word(n)), word(n + 1),
            static_cast<std::int64_t>(word(n + 2))};
  }
  template <class F>
  void to_words(F put) const noexcept {
    constexpr std::size_t n = Quota::word_count;
    quota.to_words(put);
    put(n, static_cast<std::uint64_t>(offset));
    put(n + 1, max_debt);
    put(n + 2, static_cast<std::uint64_t>(step));
  }

  [[nodiscard]] static constexpr window_fault fault_of(const options_type& options) noexcept {
    const auto per = options.rate.per.count(), back = options.max_backward_step.count();
    constexpr std::uint64_t largest = std::uint64_t{1} << 62;
    if (per < 1) return {"rate.per", static_cast<std::uint64_t>(per), "1 ns or more"};
    if (back < 0) return {"max_backward_step", static_cast<std::uint64_t>(back), "0 or more"};
    if (options.rate.count > largest) return {"rate.count", options.rate.count, "at most 2^62"};
    if (options.max_debt != options_type::as_limit && options.max_debt > largest) {
      return {"max_debt", options.max_debt, "at most 2^62"};
    }
    return {};
  }

  [[nodiscard]] static window_plan of(const options_type& options) noexcept {
    const std::uint64_t limit = options.rate.count;
    const bool as_limit = options.max_debt == options_type::as_limit;
    return {Quota(options, limit + (as_limit ? limit : options.max_debt)), options.offset.count(),
            options.max_debt, options.max_backward_step.count()};
  }

  [[nodiscard]] options_type options() const noexcept {
    options_type options;
    options.rate = {quota.limit, std::chrono::nanoseconds(quota.per)};
    options.offset = std::chrono::nanoseconds(offset);
    options.max_debt = max_debt;
    options.max_backward_step = std::chrono::nanoseconds(step);
    quota.put_options(options);
    return options;
  }

  [[nodiscard]] constexpr window_grid grid() const noexcept { return {quota.per, offset}; }
  [[nodiscard]] state fresh() const noexcept { return Quota::fresh(grid().first()); }

  /// `s` at a time outside its window. Back by more than `step`, the clock has been set anew. By
  /// value: what has no address stays in registers elsewhere.
  [[nodiscard]] QUOIN_COLD state moved(state s, std::int64_t now) const noexcept {
    if (now >= s.begin) {
      return quota.later(s, time_between(s.begin, now) / static_cast<std::uint64_t>(quota.per));
    }
    if (time_between(now, s.begin) <= static_cast<std::uint64_t>(step)) return s;
    const std::int64_t begin = grid().begin(now);
    return begin < s.begin ? quota.emptied(s, begin) : s;
  }
  [[nodiscard]] QUOIN_ALWAYS_INLINE state settled(const state& s, std::int64_t now) const noexcept {
    return within(quota, s, now) ? s : moved(s, now);
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE static bool within(const Quota& quota, const state& s,
                                                       std::int64_t now) noexcept {
    return now >= s.begin && time_between(s.begin, now) < static_cast<std::uint64_t>(quota.per);
  }
};

/// The plan of `options`; fails by the name of `type` on those that no limiter has.
template <class Quota>
[[nodiscard]] window_plan<Quota> checked_plan(const char* type,
                                              const typename Quota::options_type& options) {
  const window_fault fault = window_plan<Quota>::fault_of(options);
  if (fault.parameter != nullptr) {
    if (fault.permitted[0] == 'a') {
      fail_argument(type, fault.parameter, fault.value, fault.permitted);
    }
    fail_argument(type, fault.parameter, static_cast<std::int64_t>(fault.value), fault.permitted);
  }
  return window_plan<Quota>::of(options);
}

/// A limiter, whole.
template <class Quota>
struct window_view {
  window_plan<Quota> plan;
  typename Quota::state state;
};

/// A limiter at the time of a question.
template <class Quota>
struct window_moment {
  Quota quota;
  typename Quota::state state;
};

/// A time before the window: that of a clock which was set back, perhaps, or what is past.
enum class earlier { resumed, ignored };

/// The verbs over a store of plan and state. `Quota` has a `state`, whose `begin` is where its
/// window begins, and in it, for a state that is settled at `now`:
///   bool passes(state, now, cost, bound)       whether `bound` tokens bear `cost` more
///   nanoseconds wait(state, now, cost, bound)  until they do, if they do not
///   uint64 remaining(state, now)               tokens left
///   nanoseconds reset_after(state, now)        until the state is that of an unused limiter
///   void take(state&, cost), give(state&, cost), and perhaps reserve(state&, now, cost, max_wait)
/// `Store` has `change(now, f, answer)`: it calls `f(quota, state)`, perhaps more than once, keeps
/// what f made of the state if f says that it changed it, and returns `answer(quota, state)` of
/// both. `change<earlier::ignored>` leaves a state alone whose window begins after `now`.
template <class Quota, class Store>
class window_core {
  using state = typename Quota::state;
  using plan = window_plan<Quota>;

 public:
  using options_type = typename Quota::options_type;

  explicit window_core(const options_type& options) : store_(Store::checked(options)) {}
  explicit window_core(const window_view<Quota>& from) : store_(from) {}

  QUOIN_ALWAYS_INLINE decision try_acquire(std::int64_t now, std::uint64_t cost) noexcept {
    bool passes = false;
    return store_.change(
        now,
        [&](const Quota& quota, state& s) {
          passes = cost == 0 || quota.passes(s, now, cost, quota.limit);
          if (passes) quota.take(s, cost);
          return passes && cost != 0;
        },
        [&](const Quota& quota, const state& s) { return answer(quota, s, now, cost, passes); });
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE decision peek(std::int64_t now,
                                                  std::uint64_t cost) const noexcept {
    const window_view<Quota> all = store_.view();
    const Quota& quota = all.plan.quota;
    const state s = all.plan.settled(all.state, now);
    return answer(quota, s, now, cost, cost == 0 || quota.passes(s, now, cost, quota.limit));
  }

  std::uint64_t acquire_up_to(std::int64_t now, std::uint64_t cost) noexcept {
    std::uint64_t taken = 0;
    return store_.change(
        now,
        [&](const Quota& quota, state& s) {
          taken = min_of(cost, quota.remaining(s, now));
          if (taken != 0) quota.take(s, taken);
          return taken != 0;
        },
        [&](const Quota&, const state&) { return taken; });
  }

  decision debit(std::int64_t now, std::uint64_t cost) noexcept {
    bool passes = false;
    return store_.change(
        now,
        [&](const Quota& quota, state& s) {
          passes = cost == 0 || quota.passes(s, now, cost, quota.most);
          if (passes) quota.take(s, cost);
          return passes && cost != 0;
        },
        [&](const Quota& quota, const state& s) {
          decision d = answer(quota, s, now, 0, true);
          if (passes) return d;
          d.allowed = false;
          d.reason = limit_reason::debt_above_limit;
          d.retry_after = cost > quota.most ? never : quota.wait(s, now, cost, quota.most);
          return d;
        });
  }

  reservation reserve(std::int64_t now, std::uint64_t cost,
                      std::chrono::nanoseconds max_wait) noexcept requires
      requires(const Quota& quota, state& s) {
    quota.reserve(s, 0, cost, max_wait);
  }
  {
    if (cost == 0) return {.granted = true};
    reservation answer;
    return store_.change(
        now,
        [&](const Quota& quota, state& s) {
          answer = quota.reserve(s, now, cost, max_wait);
          return answer.granted;
        },
        [&](const Quota&, const state&) { return answer; });
  }

  void refund(std::int64_t now, std::uint64_t cost) noexcept {
    // Of a window that has ended, the later ones have nothing to give back.
    store_.template change<earlier::ignored>(
        now,
        [&](const Quota& quota, state& s) {
          const state before = s;
          quota.give(s, cost);
          return !(s == before);
        },
        [](const Quota&, const state&) {});
  }

  void reset() noexcept {
    store_.replace([](const window_view<Quota>& at) {
      return window_view<Quota>{at.plan, at.plan.fresh()};
    });
  }

  void reconfigure(std::int64_t now, const options_type& options, inherit what) {
    const plan next = Store::checked(options);
    store_.replace([&](const window_view<Quota>& at) {
      const state s = at.plan.settled(at.state, now);
      const std::int64_t begin = next.grid().begin(max_of(now, s.begin));
      return window_view<Quota>{next, at.plan.quota.inherited(s, begin, next.quota, what)};
    });
  }

  [[nodiscard]] options_type options() const noexcept { return store_.view().plan.options(); }
  [[nodiscard]] window_view<Quota> view() const noexcept { return store_.view(); }

 private:
  [[nodiscard]] QUOIN_ALWAYS_INLINE static decision answer(const Quota& quota, const state& s,
                                                           std::int64_t now, std::uint64_t cost,
                                                           bool passes) noexcept {
    decision d;
    d.allowed = passes;
    d.limit = quota.limit;
    d.remaining = quota.remaining(s, now);
    d.reset_after = quota.reset_after(s, now);
    if (!passes) {
      d.reason = refusal_of(cost, quota.limit);
      d.retry_after = cost <= quota.limit ? quota.wait(s, now, cost, quota.limit) : never;
    }
    return d;
  }

  Store store_;
};

/// A quota and a state as they are.
template <class Quota>
class plain_store {
  using state = typename Quota::state;

 public:
  explicit plain_store(const window_plan<Quota>& plan) noexcept : at_{plan, plan.fresh()} {}
  explicit plain_store(const window_view<Quota>& from) noexcept : at_(from) {}

  [[nodiscard]] static window_plan<Quota> checked(const typename Quota::options_type& options) {
    return checked_plan<Quota>(Quota::type, options);
  }

  template <earlier Earlier = earlier::resumed, class F, class Answer>
  QUOIN_ALWAYS_INLINE auto change(std::int64_t now, F f, Answer answer) noexcept {
    // In place, as f leaves alone what it does not change, and answered in place, too: a copy would
    // be stored and loaded in pieces of other sizes, which stalls.
    if (window_plan<Quota>::within(at_.plan.quota, at_.state, now)) [[likely]] {
      f(at_.plan.quota, at_.state);
      return answer(at_.plan.quota, at_.state);
    }
    if (Earlier == earlier::ignored && now < at_.state.begin) {
      return answer(at_.plan.quota, at_.state);
    }
    state next = at_.plan.moved(at_.state, now);
    if (f(at_.plan.quota, next) || next.begin < at_.state.begin) at_.state = next;
    return answer(at_.plan.quota, next);
  }
  template <class F>
  void replace(F f) {
    at_ = f(at_);
  }
  [[nodiscard]] const window_view<Quota>& view() const noexcept { return at_; }

 private:
  window_view<Quota> at_;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
