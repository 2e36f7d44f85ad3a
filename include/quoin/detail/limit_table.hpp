// SPDX-License-Identifier: BSL-1.0
/// @file
/// The table of a keyed limiter: finding a key, changing its bucket, and giving its slot away.
///
/// A key with hash h may be in two lines of a table of L lines:
///     first  = floor(h * L / 2^64)
///     second = floor((h * 0x9fb21c651e98df25 mod 2^64) * L / 2^64), or the line after the first
/// and a new key goes to the first, unless that has at most one slot left and the second has more.
#ifndef QUOIN_DETAIL_LIMIT_TABLE_HPP
#define QUOIN_DETAIL_LIMIT_TABLE_HPP

#include <quoin/detail/limit_decision.hpp>
#include <quoin/detail/limit_table_quotas.hpp>
#include <quoin/detail/limit_table_scale.hpp>
#include <quoin/detail/limit_table_slots.hpp>
#include <quoin/detail/memory.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// What a keyed limiter does with a new key when all slots that it may have are in use.
enum class when_full : std::uint8_t {
  evict,  ///< forget the key that would be full again soonest: it begins anew, full
  deny,   ///< refuse the new key: `limit_reason::table_full`, until a slot is free
  allow,  ///< let the new key pass, and keep no account of it
};

/// What a keyed limiter has done since it was made.
struct keyed_limiter_statistics {
  std::uint64_t allowed = 0;    ///< requests, also those of untracked keys
  std::uint64_t denied = 0;     ///< requests, for whatever reason
  std::uint64_t admitted = 0;   ///< keys that got a slot
  std::uint64_t evicted = 0;    ///< keys that lost it while they needed it
  std::uint64_t refused = 0;    ///< requests denied for lack of a slot
  std::uint64_t untracked = 0;  ///< requests allowed for lack of a slot

  friend bool operator==(const keyed_limiter_statistics&,
                         const keyed_limiter_statistics&) = default;
};

}  // namespace quoin::inline QUOIN_ABI

namespace quoin::inline QUOIN_ABI::detail {

/// What came of a request: the bucket after it, `ahead` ticks from full.
struct table_answer {
  std::uint64_t ahead = 0;
  bool taken = false;
  bool full = false;  ///< there was no slot; `ahead` is when there will be one
};

/// What the operations on many keys share: the lock of the keys of a part of the lines, counters of
/// what happens under it, and counters of some of the threads. Lines of their own.
struct alignas(64) table_stripe {
  spin_lock lock;
  std::uint64_t admitted = 0, evicted = 0, refused = 0, untracked = 0;
};
struct alignas(64) table_counters {
  std::uint64_t allowed = 0, denied = 0;
};
struct table_control {
  static constexpr std::size_t stripes = 32, shards = 16;

  shared_quota quota;
  table_stripe stripe[stripes];
  table_counters counters[shards];
  alignas(64) spin_lock writers;  // of quotas
};

template <class Slots, class Allocator>
class limit_table {
  using control_allocator =
      typename std::allocator_traits<Allocator>::template rebind_alloc<table_control>;

 public:
  using scale_type = tick_scale<Slots::bits>;
  using lines_type = line_array<Allocator>;

  limit_table(std::size_t lines, std::uint64_t own_quotas, const scale_type& scale,
              const table_quota& quota, when_full policy, const Allocator& allocator)
      : lines_(lines, allocator),
        control_(1, table_control{}, control_allocator(allocator)),
        own_(own_quotas, allocator),
        scale_(scale),
        policy_(policy) {
    control().quota.store(quota);
  }

  [[nodiscard]] const scale_type& scale() const noexcept { return scale_; }
  [[nodiscard]] const lines_type& lines() const noexcept { return lines_; }
  [[nodiscard]] own_quotas<Allocator>& own() noexcept { return own_; }
  [[nodiscard]] const own_quotas<Allocator>& own() const noexcept { return own_; }
  [[nodiscard]] spin_lock& writers() const noexcept { return control().writers; }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return lines_.size() * sizeof(cache_line) + sizeof(table_control) + own_.size_bytes();
  }

  void set_quota(const table_quota& quota) noexcept { control().quota.store(quota); }
  [[nodiscard]] table_quota quota() const noexcept { return control().quota.load(); }
  [[nodiscard]] table_quota quota_of(std::uint64_t hash) const noexcept {
    table_quota quota = control().quota.load();
    if (own_.size() != 0) [[unlikely]]
      own_.find(hash, &quota);
    return quota;
  }

  void prefetch(std::uint64_t hash) const noexcept {
    __builtin_prefetch(lines_.data() + first_of(hash), 1);
  }
  /// Also the second line, if the key is not in the first, which has been prefetched.
  void prefetch_second(std::uint64_t hash) const noexcept {
    if (Slots::matches(lines_.data()[first_of(hash)], Slots::mark(hash)) == 0) {
      __builtin_prefetch(lines_.data() + second_of(hash), 1);
    }
  }

  /// Lets `take(ahead)` say how many ticks to add to a bucket that is `ahead` from full, 0 for none,
  /// and adds them. `take` is called again when another thread was faster. A bucket from which nothing
  /// is taken is written only where it has to go on from now, and not even then if not `Settle`.
  template <bool Settle = true, class Take>
  QUOIN_ALWAYS_INLINE table_answer update(std::uint64_t tick, std::uint64_t hash,
                                          const table_quota& quota, Take take) noexcept {
    const std::uint64_t mark = Slots::mark(hash);
    for (;;) {
      cache_line* line = lines_.data() + first_of(hash);
      unsigned found = Slots::matches(*line, mark);
      if (found == 0) {
        line = lines_.data() + second_of(hash);
        found = Slots::matches(*line, mark);
      }
      if (found != 0) [[likely]] {
        const auto slot = static_cast<unsigned>(std::countr_zero(found));
        std::uint64_t& at = Slots::word_of(*line, slot);
        const std::uint64_t word = load_word(at);
        if (Slots::mark_at(*line, slot, word) == mark && !Slots::is_busy(word)) [[likely]] {
          const std::uint64_t distance = distance_of(word, tick);
          const bool strays = distance > 2 * quota.capacity + scale_.step();
          const std::uint64_t ahead = strays ? quota.capacity : distance;
          const std::uint64_t taken = take(ahead);
          if (taken == 0) {
            if (Settle && strays) [[unlikely]] {
              if (!swap_word(at, word, word_at(word, tick, ahead))) continue;
            } else if (load_word(at) != word) {
              continue;
            }
            return {ahead, false, false};
          }
          const std::uint64_t after = begun(ahead) + taken;
          if (swap_word(at, word, word_at(word, tick, after))) return {after, true, false};
          continue;
        }
      }
      const std::uint64_t taken = take(0);
      if (taken == 0) return {0, false, false};
      table_answer answer{begun(0) + taken, true, false};
      if (admit(tick, hash, &answer)) return answer;
    }
  }

  /// How far the bucket of `hash` is from full.
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint64_t look(std::uint64_t tick, std::uint64_t hash,
                                                       const table_quota& quota) const noexcept {
    // Nothing is taken, so that nothing is written.
    return const_cast<limit_table*>(this)
        ->template update<false>(tick, hash, quota, [](std::uint64_t) { return std::uint64_t{0}; })
        .ahead;
  }

  /// Takes `ticks` back from the bucket of `hash`, and all if it has fewer. A refund may well tell the
  /// time of the request, long ago: it is never a sign of a clock that was set back.
  void refund(std::uint64_t tick, std::uint64_t hash, std::uint64_t ticks) noexcept {
    change(hash, [&](std::uint64_t word) {
      const std::uint64_t ahead = distance_of(word, tick);
      if (ahead == 0) return word;
      return ahead > ticks ? word_at(word, tick, ahead - ticks) : Slots::without_instant(word);
    });
  }

  void forget(std::uint64_t hash) noexcept {
    change(hash, [](std::uint64_t word) { return Slots::without_instant(word); });
  }

  /// Forgets all keys; of those that come meanwhile, some or none.
  void clear() noexcept {
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      for (unsigned slot = 0; slot < Slots::per_line; ++slot) {
        std::uint64_t& at = Slots::word_of(lines_.data()[i], slot);
        for (std::uint64_t word = load_word(at);
             !Slots::is_vacant(word) && !swap_word(at, word, Slots::without_instant(word));) {
          word = load_word(at);
        }
      }
    }
  }

  /// Calls `f(line, mark, ahead)` for each slot in use.
  template <class F>
  void for_each(std::uint64_t tick, F f) const {
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const cache_line& line = lines_.data()[i];
      for (unsigned slot = 0; slot < Slots::per_line; ++slot) {
        const std::uint64_t word = load_word(Slots::word_of(line, slot));
        const std::uint64_t ahead = used(word, tick);
        if (ahead != 0) f(i, Slots::mark_at(line, slot, word), ahead);
      }
    }
  }

  QUOIN_ALWAYS_INLINE void count(std::uint64_t allowed, std::uint64_t denied) noexcept {
    // Threads have stacks of their own: where this one's is tells which counters are nobody else's,
    // mostly, without a thread-local variable.
    const auto stack = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    table_counters& mine =
        control().counters[(stack >> 16) * 0x9e3779b1u >> 8 & (table_control::shards - 1)];
    if (allowed != 0) __atomic_fetch_add(&mine.allowed, allowed, __ATOMIC_RELAXED);
    if (denied != 0) __atomic_fetch_add(&mine.denied, denied, __ATOMIC_RELAXED);
  }

  [[nodiscard]] keyed_limiter_statistics statistics() const noexcept {
    keyed_limiter_statistics sum;
    for (const table_counters& each : control().counters) {
      sum.allowed += load_word(each.allowed);
      sum.denied += load_word(each.denied);
    }
    for (const table_stripe& each : control().stripe) {
      sum.admitted += load_word(each.admitted);
      sum.evicted += load_word(each.evicted);
      sum.refused += load_word(each.refused);
      sum.untracked += load_word(each.untracked);
    }
    return sum;
  }

  /// Puts the key of `mark` into `line`, `ahead` ticks from full, for want of a hash. False if there
  /// is no slot in it. Not while other threads use the table.
  [[nodiscard]] bool put(std::size_t line, std::uint64_t mark, std::uint64_t tick,
                         std::uint64_t ahead) noexcept {
    for (unsigned slot = 0; slot < Slots::per_line; ++slot) {
      const std::uint64_t word = load_word(Slots::word_of(lines_.data()[line], slot));
      if (used(word, tick) != 0) continue;
      return Slots::take(lines_.data()[line], slot, word, mark, (tick + ahead) & scale_type::mask);
    }
    return false;
  }

  /// Gives the key of `hash` a slot with the bucket of `*answer`; what happens without one is the
  /// policy's. False if another thread has brought the key meanwhile.
  [[nodiscard]] __attribute__((noinline)) bool admit(std::uint64_t tick, std::uint64_t hash,
                                                     table_answer* answer) noexcept {
    // Keys of one first line are under one lock, so that none gets two slots.
    table_stripe& stripe = control().stripe[first_of(hash) % table_control::stripes];
    const lock_guard guard(stripe.lock);
    if (holds(hash)) return false;
    const auto add = [](std::uint64_t& counter) { store_word(counter, counter + 1); };
    for (;;) {
      const choice best = best_of(hash, tick);
      if (best.line == nullptr) continue;  // all slots are changing hands
      if (best.used != 0 && policy_ == when_full::deny) {
        add(stripe.refused);
        *answer = {best.used, false, true};
        return true;
      }
      if (best.used != 0 && policy_ == when_full::allow) {
        add(stripe.untracked);
        answer->full = true;
        return true;
      }
      if (Slots::take(*best.line, best.slot, best.word, Slots::mark(hash),
                      (tick + answer->ahead) & scale_type::mask)) {
        add(stripe.admitted);
        if (best.used != 0) add(stripe.evicted);
        return true;
      }
    }
  }

 private:
  /// Also of a table that is only read: locks and counters are no part of what it says.
  [[nodiscard]] table_control& control() const noexcept {
    return const_cast<table_control&>(control_[0]);
  }

  [[nodiscard]] std::size_t first_of(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>(mul_high(hash, lines_.size()));
  }
  [[nodiscard]] std::size_t second_of(std::uint64_t hash) const noexcept {
    const auto line = static_cast<std::size_t>(mul_high(hash * 0x9fb21c651e98df25u, lines_.size()));
    const std::size_t first = first_of(hash);
    return line != first ? line : first + 1 == lines_.size() ? 0 : first + 1;
  }

  /// From where a bucket that is `ahead` from full goes on: see limit_table_scale.hpp.
  [[nodiscard]] std::uint64_t begun(std::uint64_t ahead) const noexcept {
    return ahead + (scale_.lead() & (0 - std::uint64_t{ahead == 0}));
  }

  /// Ticks until a slot is free; 0 if it is.
  [[nodiscard]] std::uint64_t used(std::uint64_t word, std::uint64_t tick) const noexcept {
    if (Slots::is_vacant(word)) return 0;
    if (Slots::is_busy(word)) return ~std::uint64_t{0};
    return scale_.ahead(Slots::instant(word), tick);
  }

  /// How far a bucket is from full. None can be further than its capacity and a debt, but for a
  /// clock that went back, or after a turn of the ring. When that is more than the permitted step, it
  /// strays: it goes on from now, empty.
  [[nodiscard]] std::uint64_t distance_of(std::uint64_t word, std::uint64_t tick) const noexcept {
    return Slots::is_vacant(word) ? 0 : scale_.ahead(Slots::instant(word), tick);
  }

  /// `word` of a bucket that is `ahead` from full.
  [[nodiscard]] static std::uint64_t word_at(std::uint64_t word, std::uint64_t tick,
                                             std::uint64_t ahead) noexcept {
    return Slots::with_instant(word, (tick + ahead) & scale_type::mask);
  }

  /// Replaces the word of a key that is here by `f(word)`.
  template <class F>
  void change(std::uint64_t hash, F f) noexcept {
    const std::uint64_t mark = Slots::mark(hash);
    for (const std::size_t i : {first_of(hash), second_of(hash)}) {
      cache_line& line = lines_.data()[i];
      for (unsigned slot = 0; slot < Slots::per_line; ++slot) {
        for (;;) {
          std::uint64_t& at = Slots::word_of(line, slot);
          const std::uint64_t word = load_word(at);
          if (Slots::mark_at(line, slot, word) != mark || Slots::is_busy(word)) break;
          if (Slots::is_vacant(word)) break;
          if (swap_word(at, word, f(word))) return;
        }
      }
    }
  }

  /// The slots that a new key may have.
  struct choice {
    cache_line* line = nullptr;
    unsigned slot = 0;
    std::uint64_t word = 0;
    std::uint64_t used = ~std::uint64_t{0};  ///< ticks until it is free
    unsigned free = 0;                       ///< slots of the line that are free
  };

  [[nodiscard]] choice best_of(cache_line& line, std::uint64_t tick) const noexcept {
    choice best;
    for (unsigned slot = 0; slot < Slots::per_line; ++slot) {
      const std::uint64_t word = load_word(Slots::word_of(line, slot));
      const std::uint64_t until = used(word, tick);
      if (until == 0) ++best.free;
      if (until < best.used) best = {&line, slot, word, until, best.free};
    }
    return best;
  }

  [[nodiscard]] choice best_of(std::uint64_t hash, std::uint64_t tick) noexcept {
    const choice first = best_of(lines_.data()[first_of(hash)], tick);
    if (first.free > 1) return first;
    const choice second = best_of(lines_.data()[second_of(hash)], tick);
    if (first.free != second.free) return first.free > second.free ? first : second;
    return first.used <= second.used ? first : second;
  }

  [[nodiscard]] bool holds(std::uint64_t hash) const noexcept {
    const std::uint64_t mark = Slots::mark(hash);
    for (const std::size_t i : {first_of(hash), second_of(hash)}) {
      const cache_line& line = lines_.data()[i];
      for (unsigned slot = 0; slot < Slots::per_line; ++slot) {
        const std::uint64_t word = load_word(Slots::word_of(line, slot));
        if (Slots::mark_at(line, slot, word) == mark && !Slots::is_busy(word)) return true;
      }
    }
    return false;
  }

  lines_type lines_;
  std::vector<table_control, control_allocator> control_;
  own_quotas<Allocator> own_;
  scale_type scale_;
  when_full policy_;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
