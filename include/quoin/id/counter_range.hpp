// SPDX-License-Identifier: BSL-1.0
/// @file
/// Numbers that count up across many servers: each hands out blocks that one coordinator gave it.
///
/// Use it where ids must be dense, for short codes above all: a counter below 62^7 makes codes of
/// seven characters, a Snowflake eleven. The coordinator (a row in a database, a key in ZooKeeper) is
/// asked once in a block, not once in an id, and may be away for as long as a block lasts.
///
/// Do not take a counter per server that goes up in steps of the number of servers (`auto_increment`
/// with an offset): its numbers do not go up with time across servers, it wastes what a slow server
/// does not use, and a server more or less changes the step under the feet of all others.
///
/// Guarantee   no number of a block is handed out twice, by threads or after a crash. A crash loses at
///             most `checkpoint_interval` numbers of the blocks in hand; one that comes between the
///             coordinator's answer and the checkpoint loses that block, unless the coordinator gives
///             it again. Without checkpoints a crash loses the blocks in hand. Numbers go up within a
///             block. That no two blocks overlap is for the coordinator to see to; one that overlaps
///             the block in use, or what was left of it to resume, is refused.
/// Cost        next: one compare-and-swap. The thread that comes upon the low-water mark fetches the
///             next block while others go on; so it is with checkpoints, from half of the interval on.
/// Memory      four cache lines.
/// Threads     concurrent, all but construction and destruction; lock-free as long as there are
///             numbers for which a checkpoint is written. Who finds none waits, asleep, for the thread
///             that fetches. Callbacks are called by one thread at a time (two ranges may call those that
///             they share at once); they must not call back. What they throw passes through, and is a
///             failure like others for what comes after. A child process makes its own.
/// Source      the hi/lo algorithm of object-relational mappers, with checkpoints as in range servers.
///
/// @code
/// quoin::counter_range ids({.checkpoint_interval = 100, .low_water = 50'000, .resume = read_file()},
///                          [&] { return ask_coordinator(1'000'000); },      // an optional block
///                          [&](const quoin::counter_checkpoint& c) { return write_file(c); });
/// if (const auto id = ids.next()) use(*id);
/// @endcode
#ifndef QUOIN_ID_COUNTER_RANGE_HPP
#define QUOIN_ID_COUNTER_RANGE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace quoin::inline QUOIN_ABI {

/// The numbers first, first + 1, …, first + count - 1.
struct counter_block {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  friend constexpr bool operator==(const counter_block&, const counter_block&) noexcept = default;
};

/// What must be there after a crash: none of these numbers was handed out.
struct counter_checkpoint {
  counter_block current;  ///< the rest of the block in use
  counter_block next;     ///< the block after it, if one was fetched ahead
  friend constexpr bool operator==(const counter_checkpoint&,
                                   const counter_checkpoint&) noexcept = default;
};

/// How far ahead a `counter_range` fetches and checkpoints, and where it goes on.
struct counter_range_options {
  std::uint64_t checkpoint_interval = 1000;  ///< numbers that a crash may lose, >= 1
  std::uint64_t low_water = 1000;  ///< fetches when so few of a block are left; 0: when none is
  counter_checkpoint resume = {};  ///< the last checkpoint, of a crash or of `unused()`
};

/// Why there is no number.
enum class counter_error : std::uint8_t {
  exhausted = 1,      ///< the coordinator has no more
  refill_failed,      ///< no block came
  bad_block,          ///< a block came that ends beyond 64 bits or overlaps the one in use
  checkpoint_failed,  ///< the checkpoint could not be written
};

/// `error` as words.
[[nodiscard]] constexpr const char* to_text(counter_error error) noexcept {
  switch (error) {
    case counter_error::exhausted:
      return "there are no more numbers";
    case counter_error::refill_failed:
      return "no block of numbers could be fetched";
    case counter_error::bad_block:
      return "the block of numbers that was fetched ends beyond 64 bits or overlaps the last";
    case counter_error::checkpoint_failed:
      return "the checkpoint could not be written";
  }
  return "unknown";
}

/// Asks the coordinator: gives a `std::optional<counter_block>`, or anything of that shape (an
/// `expected`). Nothing: it did not answer, ask again later. An empty block: there are no more.
template <class T>
concept counter_fetch = requires(T& fetch) {
  static_cast<bool>(fetch());
  { *fetch() } -> std::convertible_to<counter_block>;
};

/// Writes a checkpoint; true when it will be there after a crash.
template <class T>
concept counter_persist = requires(T& persist, const counter_checkpoint& state) {
  { persist(state) } -> std::convertible_to<bool>;
};

/// Writes no checkpoints: a crash loses what is in hand.
struct no_checkpoint {
  constexpr bool operator()(const counter_checkpoint& /*state*/) const noexcept { return true; }
};

/// Hands out numbers of blocks that `Fetch` brings. Neither copied nor moved.
/// @tparam Atomic  `std::atomic`, or what a test puts in its place.
template <counter_fetch Fetch, counter_persist Persist = no_checkpoint,
          template <class> class Atomic = std::atomic>
class counter_range {
 public:
  /// Fetches nothing yet. Fails for an interval of 0 or a checkpoint that never was one: of blocks
  /// that end beyond 64 bits, or that overlap.
  explicit counter_range(const counter_range_options& options, Fetch fetch,
                         Persist persist = Persist())
      : interval_(keeps_none ? longest : min_of_interval(options.checkpoint_interval)),
        low_water_(options.low_water),
        begin_(options.resume.current.first),
        rest_(options.resume.current),
        next_(options.resume.next),
        fetch_(std::move(fetch)),
        persist_(std::move(persist)) {
    const char* const fitting = "at most 2^64 - first";
    if (!fits(rest_)) bad_option("resume.current.count", rest_.count, fitting);
    if (!fits(next_)) bad_option("resume.next.count", next_.count, fitting);
    if (overlap(rest_, next_))
      bad_option("resume.next.first", next_.first, "not in resume.current");
    slots_[0].first.store(rest_.first, std::memory_order_relaxed);  // for `unused`
  }

  counter_range(const counter_range&) = delete;
  counter_range& operator=(const counter_range&) = delete;

  /// A number, or why there is none.
  [[nodiscard]] QUOIN_ALWAYS_INLINE expected<std::uint64_t, counter_error> next() {
    const taken t = take(1);
    if (t.block.count == 0) [[unlikely]]
      return unexpected<counter_error>(t.reason);
    return t.block.first;
  }

  /// 1 to `count` numbers in a row, as many as there are before the next checkpoint or the end of the
  /// block; none if `count` is 0.
  [[nodiscard]] expected<counter_block, counter_error> reserve(std::uint64_t count) {
    if (count == 0) return counter_block();
    const taken t = take(count);
    if (t.block.count == 0) return unexpected<counter_error>(t.reason);
    return t.block;
  }

  /// Does what is due: fetches a block if `low_water` is reached, writes a checkpoint if half of the
  /// last is used up. For a thread in the background, so that those that call `next` need not.
  void refill() {
    const holder hold(busy_);
    if (make_room() == counter_error{}) tend(/*again=*/true);
  }

  /// Numbers in hand, with those of the block fetched ahead; waits for a callback that is running.
  /// 2^64 - 1 if there are more.
  [[nodiscard]] std::uint64_t remaining() const noexcept {
    const counter_checkpoint left = unused();
    std::uint64_t sum = 0;
    return detail::checked_add(left.current.count, left.next.count, &sum) ? sum : ~std::uint64_t{0};
  }

  /// What is in hand, exactly: to be written by who ends in order and stops all threads before, so that
  /// nothing is lost.
  [[nodiscard]] counter_checkpoint unused() const noexcept {
    const holder hold(busy_);
    const std::uint64_t word = word_.load(std::memory_order_acquire);
    return left_from(slot_of(word), offset_of(word));
  }

 private:
  static constexpr bool keeps_none = std::same_as<Persist, no_checkpoint>;
  static constexpr std::uint64_t longest = 0xffffffffu;  ///< numbers in a slot

  /// A block in use, or the first 2^32 - 1 numbers of what is left of it. Generation g is in slot
  /// g mod 2 from before `word_` says so until it says g + 1: who finds `word_` unchanged after
  /// reading a slot has read that of its generation. (Who sleeps between the two through a multiple
  /// of 2^32 generations would be mistaken.)
  struct slot {
    Atomic<std::uint64_t> first{0};
    Atomic<std::uint64_t> granted{0};  ///< offsets below are written off: they may be given
    Atomic<std::uint64_t> due{0};      ///< from this offset on there is something to do
    std::uint64_t count = 0;           ///< only for who holds `busy_`
  };

  struct taken {
    counter_block block;
    counter_error reason;
  };

  /// Holds `flag`; who waits for it sleeps.
  class holder {
   public:
    explicit holder(Atomic<bool>& flag) noexcept : flag_(flag) {
      while (!try_hold(flag)) flag.wait(true, std::memory_order_relaxed);
    }
    struct held {};
    holder(Atomic<bool>& flag, held) noexcept : flag_(flag) {}
    holder(const holder&) = delete;
    holder& operator=(const holder&) = delete;
    ~holder() {
      flag_.store(false, std::memory_order_release);
      flag_.notify_all();
    }
    [[nodiscard]] static bool try_hold(Atomic<bool>& flag) noexcept {
      return !flag.exchange(true, std::memory_order_acquire);
    }

   private:
    Atomic<bool>& flag_;
  };

  [[nodiscard]] static std::uint64_t offset_of(std::uint64_t word) noexcept {
    return word & longest;
  }
  [[nodiscard]] slot& slot_of(std::uint64_t word) noexcept { return slots_[(word >> 32) & 1]; }
  [[nodiscard]] const slot& slot_of(std::uint64_t word) const noexcept {
    return slots_[(word >> 32) & 1];
  }
  /// Whether the last number of `block` is one of 64 bits.
  [[nodiscard]] static bool fits(const counter_block& block) noexcept {
    return block.count == 0 || block.count - 1 <= ~std::uint64_t{0} - block.first;
  }
  /// Whether any number is in both.
  [[nodiscard]] static bool overlap(const counter_block& a, const counter_block& b) noexcept {
    return a.count != 0 && b.count != 0 &&
           (a.first < b.first ? b.first - a.first < a.count : a.first - b.first < b.count);
  }
  [[noreturn]] QUOIN_COLD static void bad_option(const char* name, std::uint64_t value,
                                                 const char* permitted) {
    detail::fail_argument("counter_range", name, value, permitted);
  }
  [[nodiscard]] static std::uint64_t min_of_interval(std::uint64_t interval) {
    if (interval == 0) {
      detail::fail_argument("counter_range", "checkpoint_interval", interval, "at least 1");
    }
    return detail::min_of(interval, longest);
  }

  QUOIN_ALWAYS_INLINE taken take(std::uint64_t most) {
    bool tended = false;
    std::uint64_t word = word_.load(std::memory_order_acquire);
    for (;;) {
      const slot& s = slot_of(word);
      const std::uint64_t offset = offset_of(word);
      const std::uint64_t due = s.due.load(std::memory_order_acquire);  // before what it is due in
      const std::uint64_t granted = s.granted.load(std::memory_order_acquire);
      const std::uint64_t first = s.first.load(std::memory_order_relaxed);
      if (offset >= due) [[unlikely]] {
        if (offset >= granted) {
          const counter_error reason = wait_for_room();
          if (reason != counter_error{}) return {{}, reason};
          word = word_.load(std::memory_order_acquire);
          continue;
        }
        if (!std::exchange(tended, true)) {
          tend_if_idle();
          word = word_.load(std::memory_order_acquire);
          continue;
        }
      }
      const std::uint64_t count = detail::min_of(most, granted - offset);
      if (word_.compare_exchange_weak(word, word + count, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) [[likely]] {
        return {{first + offset, count}, {}};
      }
    }
  }

  QUOIN_COLD void tend_if_idle() {
    if (!holder::try_hold(busy_)) return;
    const holder hold(busy_, typename holder::held());
    tend(/*again=*/false);
  }

  QUOIN_COLD counter_error wait_for_room() {
    const holder hold(busy_);
    return make_room();
  }

  // --- for who holds `busy_` ------------------------------------------------------------------------

  /// Fetches and checkpoints ahead of need. That it failed is for `make_room` to tell, when there is
  /// need; till then it is tried again each time that half of what is left is gone, or if `again`.
  void tend(bool again) {
    const std::uint64_t word = word_.load(std::memory_order_acquire);
    slot& s = slot_of(word);
    const std::uint64_t offset = offset_of(word);
    if (offset >= s.count) return;
    bool fetched = false;
    if (wants_block() && offset >= fetch_from(s) && (again || offset >= retry_at_)) {
      retry_at_ = offset + detail::max_of((s.count - offset) / 2, std::uint64_t{1});
      s.due.store(due_in(s), std::memory_order_release);  // if it throws
      fetched = fetch_next(s) == counter_error{};
    }
    const std::uint64_t granted = s.granted.load(std::memory_order_relaxed);
    if (fetched || ((ahead_ || again) && granted < s.count &&
                    offset >= granted - detail::min_of(granted, interval_ / 2))) {
      ahead_ = false;
      s.due.store(due_in(s), std::memory_order_release);
      ahead_ = extend(s, offset);
    }
    s.due.store(due_in(s), std::memory_order_release);
  }

  /// Makes that something is granted from here on, or says why not.
  counter_error make_room() {
    const std::uint64_t word = word_.load(std::memory_order_acquire);
    slot& s = slot_of(word);
    const std::uint64_t offset = offset_of(word);
    const std::uint64_t granted = s.granted.load(std::memory_order_relaxed);
    if (offset < granted) return {};
    if (granted == s.count) return begin_slot(word);
    if (!extend(s, offset)) return counter_error::checkpoint_failed;
    ahead_ = true;
    s.due.store(due_in(s), std::memory_order_release);
    return {};
  }

  /// Goes on with the rest of the block, or with the next one.
  counter_error begin_slot(std::uint64_t word) {
    if (wants_block()) {
      if (const counter_error reason = fetch_next(slot_of(word)); reason != counter_error{})
        return reason;
    }
    const bool from_next = rest_.count == 0;
    const counter_block block = from_next ? next_ : rest_;
    const std::uint64_t count = detail::min_of(block.count, longest);
    const std::uint64_t granted = detail::min_of(count, interval_);
    const counter_block after{block.first + granted, block.count - granted};
    if (!persist(after, from_next ? counter_block() : next_)) {
      return counter_error::checkpoint_failed;
    }
    if (from_next) {
      begin_ = block.first;
      next_ = {};
    }
    rest_ = {block.first + count, block.count - count};
    const std::uint64_t generation = (word >> 32) + 1;
    slot& s = slot_of(generation << 32);
    s.first.store(block.first, std::memory_order_relaxed);
    s.granted.store(granted, std::memory_order_relaxed);
    s.count = count;
    retry_at_ = 0;
    ahead_ = true;
    s.due.store(due_in(s), std::memory_order_release);
    word_.exchange(generation << 32, std::memory_order_acq_rel);
    return {};
  }

  /// Writes that nothing from `interval_` after `offset` on was handed out; then all before it may.
  bool extend(slot& s, std::uint64_t offset) {
    const std::uint64_t granted =
        detail::max_of(detail::min_of(s.count - offset, interval_) + offset,
                       s.granted.load(std::memory_order_relaxed));
    const counter_checkpoint left = left_from(s, granted);
    if (!persist(left.current, left.next)) return false;
    s.granted.store(granted, std::memory_order_release);
    return true;
  }

  [[nodiscard]] bool persist(const counter_block& current, const counter_block& next) {
    if (current.count == 0) return static_cast<bool>(persist_(counter_checkpoint{next, {}}));
    return static_cast<bool>(persist_(counter_checkpoint{current, next}));
  }

  counter_error fetch_next(const slot& s) {
    auto&& got = fetch_();
    if (!static_cast<bool>(got)) return counter_error::refill_failed;
    const counter_block block = *got;
    if (block.count == 0) return counter_error::exhausted;
    const std::uint64_t before = s.first.load(std::memory_order_relaxed) - begin_;
    const counter_block used{begin_, before + s.count};
    if (!fits(block) || overlap(used, block)) return counter_error::bad_block;
    next_ = block;
    return {};
  }

  [[nodiscard]] bool wants_block() const noexcept { return rest_.count == 0 && next_.count == 0; }

  /// The offset at which `low_water_` are left.
  [[nodiscard]] std::uint64_t fetch_from(const slot& s) const noexcept {
    return s.count - detail::min_of(s.count, low_water_);
  }

  /// The first offset at which `tend` or `make_room` is needed; never after what is granted.
  [[nodiscard]] std::uint64_t due_in(const slot& s) const noexcept {
    const std::uint64_t granted = s.granted.load(std::memory_order_relaxed);
    std::uint64_t at = granted;
    if (granted < s.count && ahead_) at -= detail::min_of(granted, interval_ / 2);
    if (wants_block()) at = detail::min_of(at, detail::max_of(fetch_from(s), retry_at_));
    return at;
  }

  /// What is in hand from `offset` on.
  [[nodiscard]] counter_checkpoint left_from(const slot& s, std::uint64_t offset) const noexcept {
    return {{s.first.load(std::memory_order_relaxed) + offset, s.count - offset + rest_.count},
            next_};
  }

  // What all threads read and write, and apart from it what is read alone.
  alignas(64) Atomic<std::uint64_t> word_{0};  ///< generation · 2^32 + offset within its slot
  alignas(64) slot slots_[2];
  alignas(64) mutable Atomic<bool> busy_{false};
  bool ahead_ = true;           ///< the last checkpoint ahead of need did not fail
  std::uint64_t retry_at_ = 0;  ///< no fetch ahead of need before this offset
  const std::uint64_t interval_;
  const std::uint64_t low_water_;
  std::uint64_t begin_;  ///< of the block in use, or of what was left of it at the beginning
  counter_block rest_;   ///< what follows the slot in its block
  counter_block next_;   ///< the block after that
  Fetch fetch_;
  [[no_unique_address]] Persist persist_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
