// SPDX-License-Identifier: BSL-1.0
/// @file
/// One bucket by the arithmetic of limit_gcra.hpp for many threads: one word and one exchange.
///
/// The word is the theoretical arrival time in 60 bits, counted in units from a base, and above them
/// the lowest 4 bits of the generation: which base and which quota it is to be read with. Those lie in
/// one of four slots, written before the word enters their generation and never while it is in it.
///
/// A thread reads the word, then the slot, and believes the slot if the word is still the same
/// afterwards: a successful exchange shows that, too. (A thread that sleeps for 16 generations and
/// wakes to the very same 60 bits would not notice; it would take its tokens from the wrong side of
/// two bases. A base lasts for 2^57 units: half a year at 9 tokens a second, 0.14 s at a rate that
/// takes all 2^58.)
///
/// All but the usual case (`now` near the base, tokens taken or not) is left to the plain core: read
/// all, let it decide, exchange the word if it has changed, begin again if another was faster.
#ifndef QUOIN_DETAIL_LIMIT_ATOMIC_GCRA_HPP
#define QUOIN_DETAIL_LIMIT_ATOMIC_GCRA_HPP

#include <quoin/detail/limit_gcra_core.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace quoin::inline QUOIN_ABI::detail {

/// @tparam Atomic  `std::atomic`, or what a test puts in its place.
template <template <class> class Atomic>
class atomic_token_bucket_core {
 public:
  using options_type = token_bucket_options;

  explicit atomic_token_bucket_core(const options_type& options)
      : atomic_token_bucket_core(token_bucket_core(options)) {}

  explicit atomic_token_bucket_core(const token_bucket_core& core) noexcept {
    const gcra_state state = core.state();
    const std::int64_t base = base_of(core.quota(), state.time);
    write(slots_[0], 0, core.options(), core.quota(), base);
    word_.store(offset_of(core.quota(), state, base), std::memory_order_release);
  }

  QUOIN_ALWAYS_INLINE decision try_acquire(std::int64_t now, std::uint64_t cost) noexcept {
    if (cost == 0) return try_acquire_slowly(now, 0);
    std::uint64_t word = word_.load(acquire);
    for (;;) {
      // Not from the word: then the readings of the slot need not wait for that of the word.
      const slot& in = slots_[generation_.load(acquire) % slot_count];
      const std::uint64_t passed =
          static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(in.base.load(acquire));
      if (passed > in.horizon.load(acquire)) [[unlikely]]
        return try_acquire_slowly(now, cost);
      // All modulo 2^64: a slot that is being written makes no sense, and then the word has changed.
      const std::uint64_t tick = in.tick.load(acquire);
      const std::uint64_t token = in.token.load(acquire);
      const std::uint64_t room = in.room.load(acquire);
      const std::uint64_t limit = in.limit.load(acquire);
      const std::uint64_t clock = in.first.load(acquire) + passed * tick;
      const std::uint64_t units = cost * token;
      // How far the word is ahead of the clock. A clock that is ahead is so by less than `lead`; a
      // word of another generation is further off than that, or than any debt (see most_offset).
      const std::uint64_t distance = word - clock;
      const bool full = static_cast<std::int64_t>(distance) < 0;
      const std::uint64_t next = full ? clock + units : word + units;
      const gcra_moment at = loaded(now, full ? 0 : distance);
      if (cost <= limit && distance + lead <= room - units) {
        if (word_.compare_exchange_weak(word, next, acquire)) {
          return gcra_allowed(plain(token, tick, room, limit), at,
                              static_cast<std::int64_t>(units));
        }
        continue;
      }
      if (distance + lead > in.far.load(acquire)) {  // or of a clock set back
        return try_acquire_slowly(now, cost);
      }
      const std::uint64_t again = word_.load(acquire);
      if (again == word) {
        const gcra_quota quota = plain(token, tick, room, limit);
        return gcra_refused(quota, at, cost, quota.capacity, gcra_reason(quota, cost));
      }
      word = again;
    }
  }

  [[nodiscard]] decision peek(std::int64_t now, std::uint64_t cost) const noexcept {
    return read().core().peek(now, cost);
  }

  std::uint64_t acquire_up_to(std::int64_t now, std::uint64_t cost) noexcept {
    return update(now, [&](token_bucket_core& core) { return core.acquire_up_to(now, cost); });
  }

  decision debit(std::int64_t now, std::uint64_t cost) noexcept {
    return update(now, [&](token_bucket_core& core) { return core.debit(now, cost); });
  }

  reservation reserve(std::int64_t now, std::uint64_t cost,
                      std::chrono::nanoseconds max_wait) noexcept {
    return update(now, [&](token_bucket_core& core) { return core.reserve(now, cost, max_wait); });
  }

  void refund(std::int64_t now, std::uint64_t cost) noexcept {
    update(now, [&](token_bucket_core& core) {
      core.refund(now, cost);
      return true;
    });
  }

  void reset() noexcept {
    for (;;) {
      const reading from = read();
      token_bucket_core core = from.core();
      core.reset();
      if (enter_generation(from, core, INT64_MIN)) return;
    }
  }

  void reconfigure(std::int64_t now, const options_type& options, inherit what,
                   const char* type = "token_bucket", const char* burst_name = "burst") {
    for (;;) {
      const reading from = read();
      token_bucket_core core = from.core();
      core.reconfigure(now, options, what, type, burst_name);
      if (enter_generation(from, core, base_of(core.quota(), now))) return;
    }
  }

  [[nodiscard]] options_type options() const noexcept { return read().options; }
  [[nodiscard]] token_bucket_core snapshot() const noexcept { return read().core(); }

 private:
  static constexpr unsigned offset_bits = 60;
  static constexpr std::uint64_t offset_mask = (std::uint64_t{1} << offset_bits) - 1;
  static constexpr std::uint64_t generations = 16;
  static constexpr std::uint64_t slot_count = 4;
  /// The clock is at most a horizon, 2^58 units, after the base, and the arrival time a bucket and a
  /// debt, 2^59, after the clock. So a word less a clock is from -2^58 on and below 3 * 2^58; if the
  /// word is of the generation before, below -2^58, and of the one after, 3 * 2^58 or more.
  static constexpr std::uint64_t lead = std::uint64_t{1} << 58;
  static constexpr std::uint64_t most_offset = 3 * lead - 1;
  static constexpr std::memory_order acquire = std::memory_order_acquire;

  // 64-bit atomics of 32-bit targets want an alignment that 64-bit integers there do not have.
  struct alignas(64) slot {
    alignas(8) Atomic<std::int64_t> base;
    alignas(8) Atomic<std::uint64_t> horizon;  // how far after the base `now` may be, nanoseconds
    alignas(8) Atomic<std::uint64_t> first;    // the word of this generation at its base
    alignas(8) Atomic<std::uint64_t> tick;
    alignas(8) Atomic<std::uint64_t> token;
    alignas(8) Atomic<std::uint64_t> limit;
    alignas(8) Atomic<std::uint64_t> room;  // the capacity, and `lead`
    alignas(8) Atomic<std::uint64_t> far;   // the greatest load, and `lead`
    alignas(8) Atomic<std::uint64_t> count;
    alignas(8) Atomic<std::int64_t> per;
    alignas(8) Atomic<std::uint64_t> burst;
    alignas(8) Atomic<std::uint64_t> max_debt;
    alignas(8) Atomic<std::int64_t> step;
  };

  /// All of one generation, and the word that it was read with.
  struct reading {
    std::uint64_t word = 0;
    std::uint64_t generation = 0;
    std::int64_t base = 0;
    std::uint64_t horizon = 0;
    options_type options;
    gcra_quota quota;

    /// The arrival time, from a nanosecond before it.
    [[nodiscard]] gcra_state state() const noexcept {
      const auto offset = static_cast<std::int64_t>(word & offset_mask);
      if (quota.tick == 0) return {base, offset};
      std::int64_t time = 0;
      if (!__builtin_add_overflow(base, offset / quota.tick, &time)) {
        return {time, offset % quota.tick};
      }
      return {INT64_MAX, offset - (INT64_MAX - base) * quota.tick};
    }
    [[nodiscard]] token_bucket_core core() const noexcept { return {options, quota, state()}; }
  };

  /// A quota as far as an answer needs it.
  [[nodiscard]] QUOIN_ALWAYS_INLINE static gcra_quota plain(std::uint64_t token, std::uint64_t tick,
                                                            std::uint64_t room,
                                                            std::uint64_t limit) noexcept {
    return {.token = static_cast<std::int64_t>(token),
            .tick = static_cast<std::int64_t>(tick),
            .capacity = static_cast<std::int64_t>(room - lead),
            .limit = limit};
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE static gcra_moment loaded(std::int64_t now,
                                                              std::uint64_t ahead) noexcept {
    const auto load = static_cast<std::int64_t>(ahead);
    return {now, now, load, load};
  }

  /// How long a base serves: the arrival time is at most a bucket and a debt, 2^59, further off.
  [[nodiscard]] static constexpr std::uint64_t horizon_of(const gcra_quota& quota) noexcept {
    if (quota.tick == 0) return ~std::uint64_t{0};
    return static_cast<std::uint64_t>(gcra_most / quota.tick);
  }

  /// The base for times around `now`; half of the horizon is before it.
  [[nodiscard]] static constexpr std::int64_t base_of(const gcra_quota& quota,
                                                      std::int64_t now) noexcept {
    if (quota.tick == 0) return INT64_MIN;
    const std::int64_t half = gcra_most / quota.tick / 2;
    return now < INT64_MIN + half ? INT64_MIN : now - half;
  }

  /// The arrival time of `state` as it is counted from `base`, or `too_far`.
  [[nodiscard]] static constexpr std::uint64_t offset_of(const gcra_quota& quota,
                                                         const gcra_state& state,
                                                         std::int64_t base) noexcept {
    const std::uint64_t passed =
        static_cast<std::uint64_t>(state.time) - static_cast<std::uint64_t>(base);
    std::uint64_t offset = 0;
    if (state.time < base ||
        !checked_mul(passed, static_cast<std::uint64_t>(quota.tick), &offset) ||
        !checked_add(offset, static_cast<std::uint64_t>(state.ahead), &offset)) {
      return too_far;
    }
    return offset;
  }
  static constexpr std::uint64_t too_far = ~std::uint64_t{0};

  static void write(slot& to, std::uint64_t generation, const options_type& options,
                    const gcra_quota& quota, std::int64_t base) noexcept {
    constexpr std::memory_order release = std::memory_order_release;
    to.base.store(base, release);
    to.horizon.store(horizon_of(quota), release);
    to.first.store(generation << offset_bits, release);
    to.tick.store(static_cast<std::uint64_t>(quota.tick), release);
    to.token.store(static_cast<std::uint64_t>(quota.token), release);
    to.limit.store(quota.limit, release);
    to.room.store(static_cast<std::uint64_t>(quota.capacity) + lead, release);
    to.far.store(static_cast<std::uint64_t>(quota.lending) + lead, release);
    to.count.store(options.rate.count, release);
    to.per.store(options.rate.per.count(), release);
    to.burst.store(options.burst, release);
    to.max_debt.store(options.max_debt, release);
    to.step.store(options.max_backward_step.count(), release);
  }

  [[nodiscard]] reading read() const noexcept {
    for (;;) {
      reading r;
      r.word = word_.load(acquire);
      r.generation = generation_.load(acquire);
      const slot& in = slots_[r.generation % slot_count];
      r.base = in.base.load(acquire);
      r.horizon = in.horizon.load(acquire);
      r.quota = plain(in.token.load(acquire), in.tick.load(acquire), in.room.load(acquire),
                      in.limit.load(acquire));
      r.quota.lending = static_cast<std::int64_t>(in.far.load(acquire) - lead);
      r.options = {.rate = {in.count.load(acquire), std::chrono::nanoseconds(in.per.load(acquire))},
                   .burst = in.burst.load(acquire),
                   .max_debt = in.max_debt.load(acquire),
                   .max_backward_step = std::chrono::nanoseconds(in.step.load(acquire))};
      if (r.word >> offset_bits == r.generation % generations && word_.load(acquire) == r.word) {
        return r;
      }
    }
  }

  /// What `operation` answers when it is done to a plain bucket in the state of this one, and the
  /// change that it makes there.
  template <class Operation>
  auto update(std::int64_t now, Operation operation) noexcept {
    for (;;) {
      const reading from = read();
      token_bucket_core core = from.core();
      const auto answer = operation(core);
      if (core.state() == from.state() || exchange(from, core, now)) return answer;
    }
  }

  QUOIN_COLD decision try_acquire_slowly(std::int64_t now, std::uint64_t cost) noexcept {
    return update(now, [&](token_bucket_core& core) { return core.try_acquire(now, cost); });
  }

  /// Goes from `from` to the state of `core`; false, and nothing has changed, if another was faster.
  bool exchange(const reading& from, const token_bucket_core& core, std::int64_t now) noexcept {
    const gcra_state next = core.state();
    const std::uint64_t passed =
        static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(from.base);
    const std::uint64_t here = offset_of(from.quota, next, from.base);
    const bool fits_here = here <= most_offset;
    const std::int64_t base = base_of(from.quota, now);
    if (!fits_here || passed > from.horizon) {
      // Around `now`, if the arrival time can be told from there: not that of a clock set back far.
      if (offset_of(from.quota, next, base) <= most_offset)
        return enter_generation(from, core, base);
      if (!fits_here) return enter_generation(from, core, base_of(from.quota, next.time));
    }
    std::uint64_t word = from.word;
    return word_.compare_exchange_strong(word, (word & ~offset_mask) + here,
                                         std::memory_order_relaxed);
  }

  /// The same with another base, quota or both.
  bool enter_generation(const reading& from, const token_bucket_core& core,
                        std::int64_t base) noexcept {
    if (entering_.exchange(1, acquire) != 0) return false;
    bool entered = false;
    if (generation_.load(acquire) == from.generation) {
      const std::uint64_t next = from.generation + 1;
      write(slots_[next % slot_count], next, core.options(), core.quota(), base);
      std::uint64_t word = from.word;
      entered = word_.compare_exchange_strong(
          word, (next << offset_bits) + offset_of(core.quota(), core.state(), base),
          std::memory_order_acq_rel);
      if (entered) generation_.store(next, std::memory_order_release);
    }
    entering_.store(0, std::memory_order_release);
    return entered;
  }

  // Lines of their own: the word is written by all threads, the rest is read by all.
  alignas(64) Atomic<std::uint64_t> word_{0};
  alignas(64) Atomic<std::uint64_t> generation_{0};
  alignas(8) Atomic<std::uint64_t> entering_{0};
  slot slots_[slot_count];
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
