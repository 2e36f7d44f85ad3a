// SPDX-License-Identifier: BSL-1.0
// Runs two or three small threads in every order in which their atomic operations can come.
//
//     const auto result = quoin_test::explore({}, [](quoin_test::interleaver& run) {
//       quoin_test::interleaved_atomic<int> counter{3};
//       const auto add_one = [&] { counter.store(counter.load() + 1); };
//       run({add_one, add_one});
//       EXPECT_EQ(counter.load(), 5);  // fails: there is an order in which both write 4
//     });
//
// The threads are contexts of one thread of the system (ucontext), of which each stops before every
// operation on an `interleaved_atomic`; a search of all choices, depth first, runs the scenario once
// for each order. Orders are sequentially consistent ones: that a weaker memory order suffices is
// not shown here. Compare-and-swap in its weak form also fails without a reason, as often as the
// options say.
//
// Orders that differ only in operations that do not meet (on different words, or two readings) give
// the same result and are run once: dynamic partial-order reduction (Flanagan, Godefroid 2005) with
// sleep sets. `every_order` turns that off. A thread that has read the same three times over waits
// until something is written: loops that wait for others end. Who sleeps in `wait` is woken by
// `notify_all` alone; where all sleep, the program is over.
#ifndef QUOIN_TESTS_SUPPORT_INTERLEAVE_HPP
#define QUOIN_TESTS_SUPPORT_INTERLEAVE_HPP

#include <ucontext.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <vector>

// ThreadSanitizer does not know that one thread runs many contexts.
#if defined(__SANITIZE_THREAD__)
#define UNDER_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_THREAD_SANITIZER 1
#endif
#endif
#ifndef UNDER_THREAD_SANITIZER
#define UNDER_THREAD_SANITIZER 0
#endif

// AddressSanitizer must be told: else what is thrown leaves marks on a stack that it does not know.
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ADDRESS_SANITIZER 1
#endif
#endif
#ifndef UNDER_ADDRESS_SANITIZER
#define UNDER_ADDRESS_SANITIZER 0
#endif
#if UNDER_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif

namespace quoin_test {

struct interleaving_options {
  std::size_t spurious_failures = 0;   ///< of weak compare-and-swaps, at most so many per thread
  std::uint64_t most_runs = 10000000;  ///< where the search stops
  std::size_t most_steps = 5000;       ///< a run that takes more never ends
  bool every_order = false;
};

struct interleaving_result {
  std::uint64_t orders = 0;  ///< run to their end, no two alike
  std::uint64_t pruned = 0;  ///< begun, and found to be like another
  bool complete = false;     ///< there are no more
};

class interleaver {
 public:
  static constexpr std::size_t most_threads = 4;

  explicit interleaver(const interleaving_options& options) : options_(options) {}
  interleaver(const interleaver&) = delete;
  interleaver& operator=(const interleaver&) = delete;

  /// Runs `bodies` to their ends, in the order whose turn it is. Once in each scenario.
  void operator()(std::initializer_list<std::function<void()>> bodies) {
    if (bodies.size() > most_threads) fail("too many threads");
    trace_.clear();
    redundant_ = false;
    spinning_ = 0;
    waiting_ = 0;
    unfinished_ = 0;
    threads_.resize(bodies.size());
    now_running() = this;
    for (std::size_t i = 0; i < threads_.size(); ++i) start(i, bodies.begin()[i]);
    hand_over(main_, choose());
    now_running() = nullptr;
  }

  /// Goes to the next order; false when there is none.
  bool advance(interleaving_result& result) {
    ++(redundant_ ? result.pruned : result.orders);
    while (!nodes_.empty()) {
      node& last = nodes_.back();
      if (last.may_fail && !last.fails) {
        last.fails = true;
        return result.orders + result.pruned < options_.most_runs;
      }
      last.done |= bit(last.chosen);
      last.may_fail = last.fails = false;
      const mask left = last.backtrack & ~last.done & ~last.asleep;
      if (left != 0) {
        last.chosen = lowest(left);
        return result.orders + result.pruned < options_.most_runs;
      }
      nodes_.pop_back();
    }
    result.complete = true;
    return false;
  }

  /// Called before each operation: others may come first.
  /// @param writes  whether it would change `word` as that is when it is asked.
  template <class Writes>
  static void point(const void* word, const Writes& writes) {
    interleaver* const self = now_running();
    if (self == nullptr) return;
    self->stop_before(
        {word, true, &writes, [](const void* f) { return (*static_cast<const Writes*>(f))(); }});
  }
  /// Called after each operation, with what was read or replaced.
  static void done(std::uint64_t seen, bool changed) {
    if (interleaver* const self = now_running()) self->note(seen, changed);
  }
  /// Called by who waits for a change of `word` and saw none: others come first, until `wake`.
  static void sleep_on(const void* word) {
    interleaver* const self = now_running();
    if (self == nullptr) fail("nobody is there to wake who waits");
    self->threads_[self->running_].bed = word;
    self->waiting_ |= bit(self->running_);
  }
  /// Wakes all who wait for a change of `word`.
  static void wake(const void* word) {
    interleaver* const self = now_running();
    if (self == nullptr) return;
    for (std::size_t i = 0; i < self->threads_.size(); ++i) {
      if (self->threads_[i].bed == word) self->waiting_ &= ~bit(i);
    }
  }
  /// Whether a weak compare-and-swap that could succeed is to fail.
  static bool fails_without_reason() {
    interleaver* const self = now_running();
    return self != nullptr && self->spurious();
  }

 private:
  using mask = unsigned;
  using clock = std::array<std::size_t, most_threads>;

  struct operation {
    const void* word = nullptr;
    bool writes = false;
    const void* asked = nullptr;
    bool (*ask)(const void*) = nullptr;
  };
  struct reading {
    const void* word;
    std::uint64_t value;
    friend bool operator==(const reading&, const reading&) = default;
  };
  struct thread {
    std::function<void()> body;
    std::vector<unsigned char> stack;
    ::ucontext_t context{};
    operation next;
    clock known{};                  // how much of the trace it comes after, by thread
    std::vector<reading> readings;  // since the last change of anything
    std::size_t failures_left = 0;
    const void* bed = nullptr;  // what it waits for, if it does
  };
  struct event {
    std::size_t thread;
    operation what;
    clock known;
  };
  /// A choice. The path from the root is the order of the current run.
  struct node {
    mask ready = 0, backtrack = 0, done = 0, asleep = 0;
    std::size_t chosen = 0;
    bool may_fail = false, fails = false;
  };

  static constexpr std::size_t nobody = static_cast<std::size_t>(-1);

  static interleaver*& now_running() {
    static interleaver* current = nullptr;
    return current;
  }
  static mask bit(std::size_t i) { return 1u << i; }
  static std::size_t lowest(mask m) { return static_cast<std::size_t>(std::countr_zero(m)); }
  static bool meet(const operation& a, const operation& b) {
    return a.word == b.word && (a.writes || b.writes);
  }
  [[noreturn]] static void fail(const char* what) {
    std::fprintf(stderr, "interleaver: %s\n", what);
    std::abort();
  }

  // --- the contexts -----------------------------------------------------------------------------

  void start(std::size_t i, const std::function<void()>& body) {
    thread& t = threads_[i];
    t.body = body;
    t.stack.resize(std::size_t{128} << 10);
    t.next = {};
    t.known = {};
    t.readings.clear();
    t.failures_left = options_.spurious_failures;
    ::getcontext(&t.context);
    t.context.uc_stack.ss_sp = t.stack.data();
    t.context.uc_stack.ss_size = t.stack.size();
    t.context.uc_link = nullptr;
    ::makecontext(&t.context, &run_body, 0);
    unfinished_ |= bit(i);
    starting_ = true;
    hand_over(main_, i);  // up to its first operation
    starting_ = false;
  }

  static void run_body() {
    interleaver& self = *now_running();
#if UNDER_ADDRESS_SANITIZER
    const void* bottom = nullptr;
    std::size_t size = 0;
    __sanitizer_finish_switch_fiber(nullptr, &bottom, &size);
    if (self.starting_) self.main_stack_ = {bottom, size};  // it is main that starts all
#endif
    const std::size_t me = self.running_;
    self.threads_[me].body();
    self.unfinished_ &= ~bit(me);
    self.hand_over(self.threads_[me].context, self.starting_ ? nobody : self.choose());
    fail("a thread went on after its end");
  }

  void hand_over(::ucontext_t& from, std::size_t to) {
    running_ = to;
#if UNDER_ADDRESS_SANITIZER
    void* mine = nullptr;
    const auto& [bottom, size] =
        to == nobody ? main_stack_
                     : stack_bounds{threads_[to].stack.data(), threads_[to].stack.size()};
    __sanitizer_start_switch_fiber(&mine, bottom, size);
#endif
    ::swapcontext(&from, to == nobody ? &main_ : &threads_[to].context);
#if UNDER_ADDRESS_SANITIZER
    __sanitizer_finish_switch_fiber(mine, nullptr, nullptr);
#endif
  }

  void stop_before(const operation& what) {
    const std::size_t me = running_;
    threads_[me].next = what;
    const std::size_t next = starting_ ? nobody : choose();
    if (next != me) hand_over(threads_[me].context, next);
  }

  // --- the search -------------------------------------------------------------------------------

  std::size_t choose() {
    mask ready = unfinished_ & ~waiting_ & ~spinning_;
    if (ready == 0) ready = unfinished_ & ~waiting_;
    if (ready == 0 && unfinished_ != 0) fail("all threads wait, and none is woken");
    if (ready == 0) return nobody;
    const std::size_t depth = trace_.size();
    if (depth == options_.most_steps) fail("a run does not end");
    if (!redundant_ && depth == nodes_.size()) grow(ready);
    const std::size_t chosen = redundant_ ? lowest(ready) : nodes_[depth].chosen;
    if ((ready & bit(chosen)) == 0) fail("the scenario is not the same each time");
    record(chosen);
    return chosen;
  }

  void grow(mask ready) {
    node n;
    n.ready = ready;
    if (options_.every_order) {
      n.backtrack = ready;
    } else if (!nodes_.empty()) {
      const node& parent = nodes_.back();
      for (std::size_t i = 0; i < threads_.size(); ++i) {
        const bool slept = ((parent.asleep | parent.done) & bit(i)) != 0;
        if (slept && !meet(threads_[i].next, trace_.back().what)) n.asleep |= bit(i);
      }
    }
    const mask left = ready & ~n.asleep;
    redundant_ = left == 0;  // all that could follow was run in another order
    if (redundant_) return;
    const bool stay = !trace_.empty() && (left & bit(trace_.back().thread)) != 0;
    n.chosen = stay && !options_.every_order ? trace_.back().thread : lowest(left);
    n.backtrack |= bit(n.chosen);
    nodes_.push_back(n);
  }

  /// Notes that `me` moves, and where it could have moved earlier to another effect.
  void record(std::size_t me) {
    thread& t = threads_[me];
    if (t.next.ask != nullptr) t.next.writes = t.next.ask(t.next.asked);
    clock known = t.known;
    for (std::size_t i = trace_.size(); i-- > 0;) {
      const event& e = trace_[i];
      if (e.thread == me || i < known[e.thread] || !meet(e.what, t.next)) continue;
      if (!redundant_) reverse(i, me, known);
      for (std::size_t k = 0; k < known.size(); ++k) {
        if (known[k] < e.known[k]) known[k] = e.known[k];
      }
    }
    known[me] = trace_.size() + 1;
    t.known = known;
    trace_.push_back({me, t.next, known});
  }

  /// Sees to it that the next operation of `me` is also tried before event `i`, which it meets.
  void reverse(std::size_t i, std::size_t me, const clock& known) {
    // What does not come after event `i` comes before it then, beginning with any of `first`.
    mask first = 0, moved = 0;
    const auto begins = [&](std::size_t end, const clock& known_then) {
      for (std::size_t k = i + 1; k < end; ++k) {
        const bool moves = trace_[k].known[trace_[i].thread] <= i;
        if (moves && k < known_then[trace_[k].thread]) return false;
      }
      return true;
    };
    for (std::size_t k = i + 1; k < trace_.size(); ++k) {
      const event& e = trace_[k];
      if (e.known[trace_[i].thread] > i || (moved & bit(e.thread)) != 0) continue;
      moved |= bit(e.thread);
      if (begins(k, e.known)) first |= bit(e.thread);
    }
    if ((moved & bit(me)) == 0 && begins(trace_.size(), known)) first |= bit(me);
    node& n = nodes_[i];
    if ((first & (n.backtrack | n.asleep)) != 0) return;
    n.backtrack |= (first & n.ready) != 0 ? bit(lowest(first & n.ready)) : n.ready;
  }

  bool spurious() {
    thread& t = threads_[running_];
    if (redundant_ || t.failures_left == 0) return false;
    node& n = nodes_[trace_.size() - 1];
    n.may_fail = true;
    if (n.fails) --t.failures_left;
    return n.fails;
  }

  void note(std::uint64_t seen, bool changed) {
    if (changed) {
      for (thread& t : threads_) t.readings.clear();
      spinning_ = 0;
      return;
    }
    auto& readings = threads_[running_].readings;
    readings.push_back({trace_.back().what.word, seen});
    const auto end = readings.end();
    for (std::ptrdiff_t n = 1; 3 * n <= end - readings.begin(); ++n) {
      if (std::equal(end - 2 * n, end, end - 3 * n)) spinning_ |= bit(running_);
    }
  }

  interleaving_options options_;
  std::vector<thread> threads_;
  ::ucontext_t main_{};
#if UNDER_ADDRESS_SANITIZER
  struct stack_bounds {
    const void* bottom = nullptr;
    std::size_t size = 0;
  };
  stack_bounds main_stack_;
#endif
  std::vector<event> trace_;
  std::vector<node> nodes_;
  std::size_t running_ = nobody;
  mask unfinished_ = 0;
  mask spinning_ = 0;
  mask waiting_ = 0;
  bool starting_ = false;
  bool redundant_ = false;
};

/// Runs `scenario` once for each order of the threads that it starts. It begins from the same state
/// each time and keeps no time and no chance of its own.
template <class Scenario>
interleaving_result explore(const interleaving_options& options, Scenario scenario) {
  interleaving_result result;
  interleaver run(options);
  do {
    scenario(run);
  } while (run.advance(result));
  return result;
}

/// In the place of `std::atomic`, for `explore`. Outside of it, a plain value.
template <class T>
class interleaved_atomic {
 public:
  using value_type = T;
  static constexpr bool is_always_lock_free = true;

  constexpr interleaved_atomic() noexcept = default;
  constexpr interleaved_atomic(T value) noexcept : value_(value) {}
  interleaved_atomic(const interleaved_atomic&) = delete;
  interleaved_atomic& operator=(const interleaved_atomic&) = delete;

  [[nodiscard]] T load(std::memory_order = std::memory_order_seq_cst) const noexcept {
    interleaver::point(this, [] { return false; });
    interleaver::done(word(value_), false);
    return value_;
  }
  void store(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    modify([&](T) { return value; });
  }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    return modify([&](T) { return value; });
  }
  T fetch_add(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    return modify([&](T old) { return static_cast<T>(old + value); });
  }
  T fetch_sub(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    return modify([&](T old) { return static_cast<T>(old - value); });
  }

  void wait(T old, std::memory_order order = std::memory_order_seq_cst) const noexcept {
    while (word(load(order)) == word(old)) interleaver::sleep_on(this);
  }
  void notify_all() noexcept {
    interleaver::point(this, [] { return true; });
    interleaver::wake(this);
    interleaver::done(word(value_), false);
  }

  bool compare_exchange_strong(T& expected, T value,
                               std::memory_order = std::memory_order_seq_cst) noexcept {
    return compare_exchange(expected, value, false);
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order,
                               std::memory_order) noexcept {
    return compare_exchange(expected, value, false);
  }
  bool compare_exchange_weak(T& expected, T value,
                             std::memory_order = std::memory_order_seq_cst) noexcept {
    return compare_exchange(expected, value, true);
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order, std::memory_order) noexcept {
    return compare_exchange(expected, value, true);
  }

 private:
  static std::uint64_t word(const T& value) noexcept {
    static_assert(sizeof(T) <= sizeof(std::uint64_t));
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
  }

  template <class Change>
  T modify(Change change) noexcept {
    interleaver::point(this, [&] { return word(change(value_)) != word(value_); });
    const T old = value_;
    value_ = change(old);
    interleaver::done(word(old), word(old) != word(value_));
    return old;
  }

  bool compare_exchange(T& expected, T value, bool weak) noexcept {
    interleaver::point(this, [&] { return word(value_) == word(expected); });
    const T old = value_;
    const bool equal = word(old) == word(expected);
    const bool succeeds = equal && !(weak && interleaver::fails_without_reason());
    if (succeeds) {
      value_ = value;
    } else {
      expected = old;
    }
    interleaver::done(word(old), word(old) != word(value_));
    return succeeds;
  }

  T value_{};
};

}  // namespace quoin_test

#endif
