// SPDX-License-Identifier: BSL-1.0
/// @file
/// A ring that many threads ask while another one is put in its place.
///
/// Use it where requests are routed in many threads and nodes come and go: readers never wait, not
/// even for the one who publishes. It takes any placement that can be copied, `hash_ring` (whose
/// copies share what they hold) as well as `maglev_table`; for a ring that does not change while it
/// is shared, no more than a constant is needed.
///
/// Guarantee   each reading is of one published ring as a whole, none older than the last one whose
///             publication had ended before; rings that nobody reads any more are freed at once.
/// Cost        a reading: two atomic additions to a counter that is rarely shared, about 5 ns, and
///             the lookup. `read()` pays this once for many lookups. Publishing: a copy of as many
///             rings as are kept, then the wait for the readings that had begun.
/// Memory      4 KiB, and the rings.
/// Threads     concurrent: all operations but construction and destruction from any number of
///             threads. Readings are wait-free (where an atomic addition is); who publishes waits for
///             the readings that began before, and for others who publish. So a thread that holds a
///             `reader` must not publish: it would wait for itself.
/// Source      Ramalhete, Correia 2013 (Left-Right: two sets of counters, so that readers who keep
///             coming do not keep the writer waiting); McKenney, Slingwine 1998 (read-copy update).
///
/// @code
/// quoin::concurrent_ring ring(quoin::hash_ring<std::string>({.virtual_nodes = 160}, nodes));
/// std::string node = ring.owner("user:42");                  // from any thread
/// ring.update([](auto& next) { next.add("cache-9"); });      // from any thread
/// auto reader = ring.read();                                 // one ring for many lookups
/// reader->owners_many(keys, out);
/// for (const auto& n : ring.recent_owners("user:42")) ask(n);  // while data is on its way
/// @endcode
#ifndef QUOIN_PLACEMENT_CONCURRENT_RING_HPP
#define QUOIN_PLACEMENT_CONCURRENT_RING_HPP

#include <quoin/detail/error.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <sched.h>
#endif

namespace quoin::inline QUOIN_ABI {

namespace detail {

/// A number of the calling thread: 0, 1, … as they come.
[[nodiscard]] inline std::uint32_t thread_number() noexcept {
  static constinit std::atomic<std::uint32_t> threads = 0;
  static constinit thread_local std::uint32_t number = 0;  // from 1
  if (number == 0) [[unlikely]]
    number = threads.fetch_add(1, std::memory_order_relaxed) % 0xffffffffu + 1;
  return number - 1;
}

/// Counts those who read, so that a writer can wait until all who might still see what it has
/// replaced are gone. A writer stores the new pointer, calls `wait`, and frees the old object; a
/// reader calls `arrive`, loads the pointer, reads, and departs. Pointer and counters are accessed
/// in one total order (sequentially consistent), which is why this is enough:
///   * when the writer finds a counter at 0 after it has stored the pointer, a reader that adds to
///     this counter later loads the pointer later still, hence sees the new one;
///   * a reader that had added to it before has departed, and all it read happened before, as
///     departing releases and looking at the counter acquires (others' additions between the two
///     are read-modify-writes and continue the release sequence).
/// So it takes one sight of 0 of each counter, whichever of its two counters a reader has taken. The
/// two are there for the writer's sake: new readers are sent to the other one than is waited for.
class reader_counts {
 public:
  /// Wait-free where an atomic addition is. Give the result to `depart`, from any thread.
  [[nodiscard]] std::atomic<std::uint32_t>* arrive() noexcept {
    // Relaxed: to take the wrong counter costs the writer time and nothing else.
    const std::uint32_t side = side_.load(std::memory_order_relaxed);
    auto* const count = &lines_[thread_number() % lines].readers[side];
    count->fetch_add(1, std::memory_order_seq_cst);
    return count;
  }

  static void depart(std::atomic<std::uint32_t>* count) noexcept {
    count->fetch_sub(1, std::memory_order_release);
  }

  /// Returns when all who arrived before are gone. One writer at a time.
  void wait() noexcept {
    const std::uint32_t side = side_.load(std::memory_order_relaxed);
    wait_for(1 - side);  // stragglers, sent there by the last writer but one
    side_.store(1 - side, std::memory_order_relaxed);
    wait_for(side);
  }

 private:
  static constexpr std::size_t lines = 64;

  struct alignas(64) line {  // of its own, so that threads do not take it from each other
    std::atomic<std::uint32_t> readers[2] = {};
  };

  void wait_for(std::uint32_t side) noexcept {
    for (line& l : lines_) {
      for (unsigned tries = 1; l.readers[side].load(std::memory_order_seq_cst) != 0; ++tries) {
#if defined(__unix__) || defined(__APPLE__)
        if (tries % 64 == 0) sched_yield();  // a reader may have lost its core
#endif
      }
    }
  }

  line lines_[lines];
  std::atomic<std::uint32_t> side_ = 0;
};

}  // namespace detail

/// How much of the past is kept.
struct concurrent_ring_options {
  std::size_t generations = 2;  ///< rings that are kept, the current one included: 1 to 1,024
};

/// The ring. Neither copied nor moved: threads hold references to it.
/// @tparam Ring  a placement, copyable: `hash_ring`, `maglev_table`, …
template <class Ring>
class concurrent_ring {
  /// What a reading sees; never changed once it is published.
  struct state {
    std::vector<Ring> rings;   // from the newest on
    std::uint64_t generation;  // of the newest
  };

 public:
  using ring_type = Ring;
  using node_type =
      std::remove_cvref_t<decltype(std::declval<const Ring&>().owner_of_hash(std::uint64_t{}))>;

  /// One reading: as long as it lives, the rings are those that were published when it began. Not to
  /// be held for long, as who publishes waits for it. Movable: one that is moved from reads nothing
  /// and may only be destroyed or assigned to. Used by one thread at a time.
  class reader {
   public:
    reader(reader&& other) noexcept
        : state_(std::exchange(other.state_, nullptr)),
          count_(std::exchange(other.count_, nullptr)) {}
    reader& operator=(reader&& other) noexcept {
      if (this == &other) return *this;
      const reader before(std::move(*this));  // which ends here
      state_ = std::exchange(other.state_, nullptr);
      count_ = std::exchange(other.count_, nullptr);
      return *this;
    }
    ~reader() {
      if (count_ != nullptr) detail::reader_counts::depart(count_);
    }

    [[nodiscard]] const Ring& operator*() const noexcept { return state_->rings.front(); }
    [[nodiscard]] const Ring* operator->() const noexcept { return &state_->rings.front(); }

    /// Rings at hand: `options.generations`, fewer before so many were published.
    [[nodiscard]] std::size_t generations() const noexcept { return state_->rings.size(); }

    /// The ring `back` publications ago, below `generations()`; throws `std::invalid_argument`
    /// otherwise. 0 is the current one.
    [[nodiscard]] const Ring& previous(std::size_t back = 1) const {
      if (back >= generations()) {
        detail::fail_argument("concurrent_ring", "back", back, "below generations()");
      }
      return state_->rings[back];
    }

    /// Publications so far.
    [[nodiscard]] std::uint64_t generation() const noexcept { return state_->generation; }

   private:
    friend concurrent_ring;
    reader(const state* s, std::atomic<std::uint32_t>* count) noexcept : state_(s), count_(count) {}

    const state* state_;
    std::atomic<std::uint32_t>* count_;
  };

  /// Begins with `first`. Throws `std::invalid_argument` if the number of generations is out of
  /// range.
  explicit concurrent_ring(Ring first, const concurrent_ring_options& options = {})
      : kept_(options.generations) {
    if (kept_ - 1 >= 1024) {
      detail::fail_argument("concurrent_ring", "generations", kept_, "1 to 1024");
    }
    current_.store(new_state(std::move(first), nullptr), std::memory_order_relaxed);
  }

  concurrent_ring(const concurrent_ring&) = delete;
  concurrent_ring& operator=(const concurrent_ring&) = delete;

  /// When nobody reads or publishes any more.
  ~concurrent_ring() { delete current_.load(std::memory_order_relaxed); }

  // --- reading ----------------------------------------------------------------------------------

  /// Begins a reading. Wait-free.
  [[nodiscard]] reader read() const noexcept {
    auto* const count = counts_.arrive();
    return reader(current_.load(std::memory_order_seq_cst), count);
  }

  /// The current ring, to keep.
  [[nodiscard]] Ring snapshot() const {
    const reader now = read();
    return *now;
  }

  /// The ring `back` publications ago, to keep. Throws as `reader::previous`.
  [[nodiscard]] Ring previous(std::size_t back = 1) const {
    const reader now = read();
    return now.previous(back);
  }

  /// The node that owns `key`, copied. Whatever the ring throws (`std::out_of_range` if it has no
  /// nodes).
  template <class Key>
  [[nodiscard]] node_type owner(const Key& key) const {
    const reader now = read();
    return now->owner(key);
  }

  /// The node that owns the key whose 64-bit hash is `hash`, copied.
  [[nodiscard]] node_type owner_of_hash(std::uint64_t hash) const {
    const reader now = read();
    return now->owner_of_hash(hash);
  }

  /// The owners of `key` in the rings that are kept, from the current one on, each once: where its
  /// data may be while it is moved. Rings without nodes are passed over.
  template <class Key>
  [[nodiscard]] std::vector<node_type> recent_owners(const Key& key) const {
    return recent([&](const Ring& ring) -> decltype(auto) { return ring.owner(key); });
  }

  /// `recent_owners` of the key whose hash is `hash`.
  [[nodiscard]] std::vector<node_type> recent_owners_of_hash(std::uint64_t hash) const {
    return recent([&](const Ring& ring) -> decltype(auto) { return ring.owner_of_hash(hash); });
  }

  /// Publications so far.
  [[nodiscard]] std::uint64_t generation() const noexcept { return read().generation(); }

  // --- publishing -------------------------------------------------------------------------------
  // One at a time; others who publish wait. Not from a thread that holds a `reader`.

  /// Puts `next` in the place of the current ring. Returns when nobody reads the old state any more.
  /// If there is no memory nothing changes.
  void publish(Ring next) {
    const publishing alone(writing_);
    replace_by(std::move(next));
  }

  /// Publishes what `change(Ring&)` makes of a copy of the current ring: none that others publish
  /// meanwhile is lost. If `change` throws nothing changes. It must not publish itself.
  template <class Change>
  void update(Change change) {
    const publishing alone(writing_);
    Ring next = current_.load(std::memory_order_relaxed)->rings.front();
    change(next);
    replace_by(std::move(next));
  }

 private:
  /// Holds the flag; who waits for it sleeps.
  class publishing {
   public:
    explicit publishing(std::atomic<bool>& flag) noexcept : flag_(flag) {
      while (flag_.exchange(true, std::memory_order_acquire)) {
        flag_.wait(true, std::memory_order_relaxed);
      }
    }
    publishing(const publishing&) = delete;
    publishing& operator=(const publishing&) = delete;
    ~publishing() {
      flag_.store(false, std::memory_order_release);
      flag_.notify_one();
    }

   private:
    std::atomic<bool>& flag_;
  };

  [[nodiscard]] state* new_state(Ring&& ring, const state* before) const {
    std::vector<Ring> rings;
    const std::size_t past = before == nullptr ? 0 : before->rings.size();
    const std::size_t size = past < kept_ ? past + 1 : kept_;
    rings.reserve(size);
    rings.push_back(std::move(ring));
    for (std::size_t i = 0; i + 1 < size; ++i) rings.push_back(before->rings[i]);
    return new state{std::move(rings), before == nullptr ? 0 : before->generation + 1};
  }

  void replace_by(Ring&& next) {
    const state* const before = current_.load(std::memory_order_relaxed);
    current_.store(new_state(std::move(next), before), std::memory_order_seq_cst);
    counts_.wait();
    delete before;
  }

  template <class Owner>
  [[nodiscard]] std::vector<node_type> recent(Owner owner_in) const {
    const reader now = read();
    std::vector<node_type> owners;
    for (std::size_t back = 0; back < now.generations(); ++back) {
      const Ring& ring = now.previous(back);
      if (ring.size() == 0) continue;
      const node_type& owner = owner_in(ring);
      bool listed = false;
      for (const node_type& other : owners) listed = listed || other == owner;
      if (!listed) owners.push_back(owner);
    }
    return owners;
  }

  mutable detail::reader_counts counts_;
  std::atomic<const state*> current_ = nullptr;
  std::atomic<bool> writing_ = false;
  std::size_t kept_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
