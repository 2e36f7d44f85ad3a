// SPDX-License-Identifier: BSL-1.0
/// @file
/// The state of a limiter by windows in one atomic word.
#ifndef QUOIN_DETAIL_LIMIT_WINDOW_WORD_HPP
#define QUOIN_DETAIL_LIMIT_WINDOW_WORD_HPP

#include <quoin/detail/limit_window_core.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// Keeps state in a word of 4 bits of a generation, a window's number and the counts. The plan and
/// the begin of window 0 lie beside it, once for each of four generations: another quota, or a
/// window whose number needs more bits, begins the next generation. A word that still names a
/// generation says that what was read of its plan before was whole, as a plan is only written over
/// three generations later. (An operation during which 16 generations pass may be misled.)
///
/// `Quota::pack(state)` gives the counts as less than 2^`count_bits()`, `unpack` takes them apart.
///
/// Order: a plan is written before the word that names it, and read before the word is, each with
/// release and acquire; on x86 that costs nothing. Whoever begins a generation holds `busy_`; the
/// others go on in the old one meanwhile, but for those that need the next one themselves.
template <class Quota, template <class> class Atomic>
class word_store {
  using state = typename Quota::state;
  using plan = window_plan<Quota>;
  static constexpr unsigned generation_shift = 60;
  static constexpr std::uint64_t body = (std::uint64_t{1} << generation_shift) - 1;

 public:
  explicit word_store(const plan& all) : word_store(window_view<Quota>{all, all.fresh()}) {}
  explicit word_store(const window_view<Quota>& from)
      : word_(within_word(from.plan).quota.pack(from.state)) {
    slots_[0].write(from.plan, from.state.begin);
  }
  word_store(const word_store&) = delete;
  word_store& operator=(const word_store&) = delete;

  [[nodiscard]] static plan checked(const typename Quota::options_type& options) {
    return within_word(checked_plan<Quota>(Quota::atomic_type, options));
  }

  template <earlier Earlier = earlier::resumed, class F, class Answer>
  QUOIN_ALWAYS_INLINE auto change(std::int64_t now, F f, Answer answer) noexcept {
    const window_moment<Quota> at = changed<Earlier>(now, f);
    return answer(at.quota, at.state);
  }

  template <class F>
  void replace(F f) noexcept {
    for (;;) {
      const std::uint64_t word = word_.load(std::memory_order_acquire);
      const window_view<Quota> at = read(word);
      if (word_.load(std::memory_order_acquire) == word && publish(word, f(at))) return;
    }
  }

  [[nodiscard]] window_view<Quota> view() const noexcept {
    for (;;) {
      const std::uint64_t word = word_.load(std::memory_order_acquire);
      const window_view<Quota> at = read(word);
      if (word_.load(std::memory_order_acquire) == word) return at;
    }
  }

 private:
  template <earlier Earlier, class F>
  QUOIN_ALWAYS_INLINE window_moment<Quota> changed(std::int64_t now, F f) noexcept {
    // A generation read from the word itself would have the quota wait for the word.
    std::uint64_t generation = generation_.load(std::memory_order_acquire);
    for (;;) {  // aggregates are not const: GCC 12 keeps those in memory
      const slot& from = slots_[generation & 3];
      Quota quota = from.template read<Quota>();
      const std::int64_t base = from.base.load(std::memory_order_acquire);
      const std::uint64_t word = word_.load(std::memory_order_acquire);
      if (word >> generation_shift != generation) [[unlikely]] {
        generation = word >> generation_shift;
        continue;
      }
      state next = state_of(word, quota, base);
      if (plan::within(quota, next, now)) [[likely]] {
        const std::uint64_t before = quota.pack(next);
        if (!f(quota, next)) return {quota, next};
        // What is added is known before all that the decision was made of has been loaded.
        if (exchange(word, word + (quota.pack(next) - before))) return {quota, next};
      } else {
        const window_view<Quota> all = read(word);
        if (word_.load(std::memory_order_acquire) != word) continue;  // perhaps not one plan
        const std::int64_t begin = next.begin;
        if (Earlier == earlier::ignored && now < begin) return {quota, next};
        next = all.plan.moved(next, now);
        const bool taken = f(quota, next);
        if (!taken && next.begin >= begin) return {quota, next};
        if (enter(word, all.plan, base, next)) return {quota, next};
      }
    }
  }

  /// Fails unless a word holds what is counted.
  static const plan& within_word(const plan& checked) {
    if (checked.quota.most > Quota::word_most) {
      char permitted[64];
      std::snprintf(permitted, sizeof permitted, "at most %llu together",
                    static_cast<unsigned long long>(Quota::word_most));
      fail_argument(Quota::atomic_type, "rate.count + max_debt", checked.quota.most, permitted);
    }
    return checked;
  }

  struct alignas(64) slot {
    alignas(8) Atomic<std::int64_t> base{0};
    alignas(8) Atomic<std::uint64_t> words[plan::word_count] = {};

    void write(const plan& from, std::int64_t begin) noexcept {
      base.store(begin, std::memory_order_release);
      from.to_words([this](std::size_t i, std::uint64_t word) {
        words[i].store(word, std::memory_order_release);
      });
    }
    /// A plan, or a quota, which is how a plan begins.
    template <class Part>
    [[nodiscard]] QUOIN_ALWAYS_INLINE Part read() const noexcept {
      return Part::from_words(
          [this](std::size_t i) { return words[i].load(std::memory_order_acquire); });
    }
  };

  /// All that `word` names, if it is still the word afterwards.
  [[nodiscard]] QUOIN_COLD window_view<Quota> read(std::uint64_t word) const noexcept {
    const slot& from = slots_[word >> generation_shift & 3];
    const plan all = from.template read<plan>();
    return {all, state_of(word, all.quota, from.base.load(std::memory_order_acquire))};
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE static state state_of(std::uint64_t word, const Quota& quota,
                                                          std::int64_t base) noexcept {
    const unsigned bits = quota.count_bits();
    state s = quota.unpack(word & ((std::uint64_t{1} << bits) - 1));
    s.begin = later_by(base, ((word & body) >> bits) * static_cast<std::uint64_t>(quota.per));
    return s;
  }

  QUOIN_ALWAYS_INLINE bool exchange(std::uint64_t expected, std::uint64_t word) noexcept {
    return word_.compare_exchange_weak(expected, word, std::memory_order_acq_rel,
                                       std::memory_order_relaxed);
  }

  /// Makes `next`, of another window, of `word`; in the next generation if the number of the window
  /// takes more bits than there are.
  QUOIN_COLD bool enter(std::uint64_t word, const plan& all, std::int64_t base,
                        state next) noexcept {
    const unsigned bits = all.quota.count_bits();
    const std::uint64_t windows =
        time_between(base, next.begin) / static_cast<std::uint64_t>(all.quota.per);
    if (next.begin < base || windows > body >> bits) return publish(word, {all, next});
    return exchange(word, (word & ~body) | windows << bits | all.quota.pack(next));
  }

  /// Begins the next generation with `to`, if the word is still `word`. What was read before is
  /// whole in that case.
  QUOIN_COLD bool publish(std::uint64_t word, const window_view<Quota>& to) noexcept {
    if (busy_.exchange(1, std::memory_order_acquire) != 0) return false;
    bool done = false;
    if (word_.load(std::memory_order_acquire) == word) {
      const std::uint64_t generation = (word >> generation_shift) + 1;
      slots_[generation & 3].write(to.plan, to.state.begin);
      done = word_.compare_exchange_strong(
          word, generation << generation_shift | to.plan.quota.pack(to.state),
          std::memory_order_acq_rel, std::memory_order_relaxed);
      if (done) generation_.store(generation & 15, std::memory_order_release);
    }
    busy_.store(0, std::memory_order_release);
    return done;
  }

  alignas(64) Atomic<std::uint64_t> word_;
  alignas(64) Atomic<std::uint64_t> generation_{0};  // on no line that every admission writes
  alignas(8) Atomic<std::uint32_t> busy_{0};
  slot slots_[4];
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
