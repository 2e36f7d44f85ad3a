// SPDX-License-Identifier: BSL-1.0
/// @file
/// A token bucket for each key, in a table of fixed size that any number of threads ask at once.
///
/// Use it for "60 a minute for each user": keys come and go, and nobody has to remove them. A key
/// whose bucket is full again is as good as one that never came: its slot is given away in place.
/// There is no sweeper, no pause, and no way to make the table grow. For one bucket, `token_bucket`.
///
/// Guarantee   `keyed_limiter` (exact slots): each key as a `token_bucket`, exact for ever for rates
///             whose token is p/q ns with q up to 146 (in lowest terms) and for burst·p·q up to 2^58;
///             for others, costs are exact too, but a bucket that begins to be used is up to 1/73 ns
///             (one tick) emptier. Keys are told apart by 64 bits of hash: among n keys two are one
///             with probability n²/2^65 (a million: 3·10^-8). Never more passes than the quota says.
///             `compact_keyed_limiter`: half the memory. A bucket that begins to be used is up to one
///             tick emptier: 1/2^m of a token's time, at most 58 µs for tokens of 29 µs or more. Keys
///             are told apart by 24 bits within two lines: a new key shares the bucket of another with
///             probability 1 − (1 − 2^-24)^k for k keys in its lines, at most 9.6·10^-7; the two
///             then have one quota together. (If the other comes later, and into the first line
///             of the two while this key is in the second, this key's past is forgotten once.)
/// Full        `capacity` is for keys whose buckets are not full. Of a table with as many, 3 % (compact:
///             0.6 %) found both lines full when they came: `when_full` says what becomes of such.
/// Cost        1 cache line, 2 for one key in six; a request that is refused writes nothing there. Of
///             a million integers at random: single requests 0.8 of a dependent read of memory each,
///             batches a fifth.
/// Memory      19 bytes per key of `capacity`, compact: 10; and about 4 KB. Fixed at construction.
/// Threads     concurrent: all operations but construction, moving and destruction. Requests of keys
///             in the table are lock-free: one compare-and-swap. A key that comes in takes a spin lock,
///             one of 32, for some dozens of instructions; requests of that key wait for it. No other
///             memory is published through the limiter.
/// Attackers   `secret_hash` under a random seed, which is the default: who does not know the seed
///             cannot aim at a line or at another's bucket (`secret_hash` says how far that is proved).
///             A flood of new keys displaces others only where all slots are in use, as `when_full`
///             says: `evict` forgets those nearest to full (they begin anew, full), `deny` turns new
///             keys away, `allow` lets them through.
/// Time        as `token_bucket`: a `now` that goes back never brings tokens back to a key in the
///             table, and further than `max_backward_step` the next request empties it (a peek says so,
///             and changes nothing). What a thread forgets as passed is forgotten for a thread whose
///             `now` is earlier. A key that comes back after nine months or more may find its bucket
///             empty, once: limit_table_scale.hpp says when.
/// Bounds      burst · T in ticks up to 2^58 (compact: 2^36), T the time of a token.
/// Bytes       format id 0x0707, docs/formats.md#keyed-limiter. They tell the seed: keep them secret.
/// Source      as `token_bucket`; the table: detail/limit_table.hpp, its time: limit_table_scale.hpp.
///
/// @code
/// quoin::keyed_limiter<std::string> per_user(
///     {.rate = quoin::per_minute(60), .burst = 10, .capacity = 1'000'000});
/// if (const auto d = per_user.try_acquire(user); !d) reply_429(d.retry_after);
/// per_user.try_acquire_at(now, user, 3);              // three tokens or none
/// per_user.try_acquire_many(users, now, decisions);   // overlaps the cache misses
/// @endcode
#ifndef QUOIN_LIMIT_KEYED_LIMITER_HPP
#define QUOIN_LIMIT_KEYED_LIMITER_HPP

#include <quoin/detail/clock.hpp>
#include <quoin/detail/limit_decision.hpp>
#include <quoin/detail/limit_table_bytes.hpp>
#include <quoin/detail/limit_table_core.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace quoin::inline QUOIN_ABI {

namespace detail {

template <class T>
concept text = byte_range<T> || c_string<T>;

/// What may be given for a `Key`: any text for a text, else what converts.
template <class T, class Key>
concept key_of = (text<Key> && text<T>) || (!text<Key> && std::convertible_to<const T&, Key>);

/// Contiguous ranges of keys, and of answers to a batch.
template <class T, class Key>
concept keys_of = requires(const T& keys) {
  requires key_of<std::remove_cvref_t<decltype(*keys.data())>, Key>;
};
template <class T>
concept answer = std::same_as<T, decision> || std::same_as<T, bool>;
template <class T>
concept answers = requires(T& all) {
  requires answer<std::remove_reference_t<decltype(*all.data())>>;
};

}  // namespace detail

/// The limiter; `keyed_limiter` and `compact_keyed_limiter` are the two that there are. May be moved,
/// for instance out of a function, while no other thread uses it; a moved-from one may only be
/// destroyed or assigned to.
/// @tparam Key        what is limited: text of any type for a text, else this type.
/// @tparam Hash       hasher of the keys. Another one must be safe from whoever picks the keys.
/// @tparam Allocator  any standard allocator. The default asks for huge pages.
template <class Slots, class Key, class Clock, class Hash, class Allocator>
class basic_keyed_limiter {
 public:
  using key_type = Key;
  using clock_type = Clock;
  using time_point = typename Clock::time_point;
  using duration = std::chrono::nanoseconds;
  using options_type = keyed_limiter_options;

  /// Throws `std::invalid_argument` when an option is out of range.
  explicit basic_keyed_limiter(
      const options_type& options,
      const Allocator& allocator = Allocator()) requires detail::static_clock<Clock>
      : basic_keyed_limiter(options, detail::clock_reference<Clock>(), allocator) {}
  /// In the time of `clock`, which must outlive the limiter.
  basic_keyed_limiter(const options_type& options, const Clock& clock,
                      const Allocator& allocator = Allocator())
      : basic_keyed_limiter(options, detail::clock_reference<Clock>(clock), allocator) {}
  basic_keyed_limiter(const options_type&, const Clock&&) = delete;

  // --- asking -----------------------------------------------------------------------------------

  /// Takes `cost` tokens of `key` if there are as many, all or none. A cost of 0 always passes and
  /// changes nothing.
  template <detail::key_of<Key> K>
  QUOIN_ALWAYS_INLINE decision try_acquire_at(time_point now, const K& key,
                                              std::uint64_t cost = 1) {
    return core_.try_acquire(detail::nanoseconds_of(now), hash_of(key), cost);
  }
  template <detail::key_of<Key> K>
  decision try_acquire(const K& key, std::uint64_t cost = 1) {
    return try_acquire_at(clock_.now(), key, cost);
  }
  /// `try_acquire_at` of the key whose 64-bit hash is `hash`: all bits must be good, and no secret of
  /// whoever picks the keys. `hash_of` gives the one that this limiter would calculate.
  decision try_acquire_hash_at(time_point now, std::uint64_t hash,
                               std::uint64_t cost = 1) noexcept {
    return core_.try_acquire(detail::nanoseconds_of(now), hash, cost);
  }

  /// Asks for every key of a contiguous range, in their order, at one `now`; `answers` are of type
  /// `decision` or `bool` (whether it passes, which is faster), as many at least as keys (else throws
  /// `std::invalid_argument`, and nobody has been asked for). Hashing and cache misses overlap.
  template <detail::keys_of<Key> Keys, detail::answers Answers>
  void try_acquire_many(const Keys& keys, time_point now, Answers&& answers,
                        std::uint64_t cost = 1) {
    const std::span all(keys);
    ask_many(all.size(), now, std::span(answers), cost,
             [&](std::size_t first, std::size_t count, std::uint64_t* out) {
               for (std::size_t i = 0; i < count; ++i) out[i] = hash_of(all[first + i]);
             });
  }
  /// The same with one reading of the clock.
  template <detail::keys_of<Key> Keys, detail::answers Answers>
  void try_acquire_many(const Keys& keys, Answers&& answers) {
    try_acquire_many(keys, clock_.now(), answers);
  }
  /// `try_acquire_many` of keys hashed already.
  template <detail::answers Answers>
  void try_acquire_hash_many(std::span<const std::uint64_t> hashes, time_point now,
                             Answers&& answers, std::uint64_t cost = 1) {
    ask_many(hashes.size(), now, std::span(answers), cost, detail::hashes_of(hashes));
  }

  /// Takes as many tokens of `key` as there are, at most `cost`; returns how many.
  template <detail::key_of<Key> K>
  std::uint64_t acquire_up_to_at(time_point now, const K& key, std::uint64_t cost) {
    return core_.acquire_up_to(detail::nanoseconds_of(now), hash_of(key), cost);
  }
  template <detail::key_of<Key> K>
  std::uint64_t acquire_up_to(const K& key, std::uint64_t cost) {
    return acquire_up_to_at(clock_.now(), key, cost);
  }

  /// What `try_acquire_at` would answer, but `remaining` is what there is before it; takes nothing.
  /// It does not see that a new key would find no slot.
  template <detail::key_of<Key> K>
  [[nodiscard]] decision peek_at(time_point now, const K& key, std::uint64_t cost = 1) const {
    return peek_hash_at(now, hash_of(key), cost);
  }
  template <detail::key_of<Key> K>
  [[nodiscard]] decision peek(const K& key, std::uint64_t cost = 1) const {
    return peek_at(clock_.now(), key, cost);
  }
  [[nodiscard]] decision peek_hash_at(time_point now, std::uint64_t hash,
                                      std::uint64_t cost = 1) const noexcept {
    return core_.peek(core_.at(detail::nanoseconds_of(now)), hash, cost);
  }

  /// The wait before `cost` tokens would pass: 0 if they would now, `never` if no wait helps.
  template <detail::key_of<Key> K>
  [[nodiscard]] duration time_until_at(time_point now, const K& key, std::uint64_t cost = 1) const {
    return peek_at(now, key, cost).retry_after;
  }
  template <detail::key_of<Key> K>
  [[nodiscard]] duration time_until(const K& key, std::uint64_t cost = 1) const {
    return time_until_at(clock_.now(), key, cost);
  }

  // --- tokens of the future ---------------------------------------------------------------------

  /// Takes `cost` tokens at once or in advance, down to a debt of a whole bucket, and says how long
  /// to wait before using them. Refused, and nothing taken, if the wait would be over `max_wait`.
  template <detail::key_of<Key> K>
  reservation reserve_at(time_point now, const K& key, std::uint64_t cost = 1,
                         duration max_wait = never) {
    return core_.reserve(detail::nanoseconds_of(now), hash_of(key), cost, max_wait);
  }
  template <detail::key_of<Key> K>
  reservation reserve(const K& key, std::uint64_t cost = 1, duration max_wait = never) {
    return reserve_at(clock_.now(), key, cost, max_wait);
  }
  /// Gives back what `reserve` granted and was not used.
  template <detail::key_of<Key> K>
  void cancel_at(time_point now, const K& key, const reservation& granted) {
    refund_at(now, key, granted.cost);
  }
  template <detail::key_of<Key> K>
  void cancel(const K& key, const reservation& granted) {
    cancel_at(clock_.now(), key, granted);
  }

  /// Takes `cost` tokens that are already spent, whether there are as many or not, down to a debt of
  /// a whole bucket; refused beyond.
  template <detail::key_of<Key> K>
  decision debit_at(time_point now, const K& key, std::uint64_t cost) {
    return core_.debit(detail::nanoseconds_of(now), hash_of(key), cost);
  }
  template <detail::key_of<Key> K>
  decision debit(const K& key, std::uint64_t cost) {
    return debit_at(clock_.now(), key, cost);
  }

  // --- changing ---------------------------------------------------------------------------------

  /// Gives back `cost` tokens that were taken and not used; no bucket becomes fuller than full.
  template <detail::key_of<Key> K>
  void refund_at(time_point now, const K& key, std::uint64_t cost = 1) {
    refund_hash_at(now, hash_of(key), cost);
  }
  template <detail::key_of<Key> K>
  void refund(const K& key, std::uint64_t cost = 1) {
    refund_at(clock_.now(), key, cost);
  }
  void refund_hash_at(time_point now, std::uint64_t hash, std::uint64_t cost = 1) noexcept {
    core_.refund(detail::nanoseconds_of(now), hash, cost);
  }

  /// Forgets `key`, which is full again; its own quota stays.
  template <detail::key_of<Key> K>
  void reset(const K& key) {
    reset_hash(hash_of(key));
  }
  void reset_hash(std::uint64_t hash) noexcept { core_.table().forget(hash); }
  /// Forgets all keys. O(capacity).
  void clear() noexcept { core_.table().clear(); }

  /// Another quota for all keys that have none of their own. Each bucket will be full at the time at
  /// which it would have been, but for buckets that the new quota leaves in a debt of more than a
  /// bucket, which are empty. O(1). Throws as the constructor, and then nothing has changed.
  ///
  /// Ticks stay as they are: the time of a token is rounded up to them, here and in `set_quota`.
  void reconfigure(const quoin::rate& rate, std::uint64_t burst = 0) {
    const detail::table_quota quota = core_.checked_quota(rate, burst);
    const detail::lock_guard guard(core_.table().writers());
    core_.table().set_quota(quota);
    options_.rate = rate;
    options_.burst = burst;
  }

  /// Gives `key` a quota of its own: `rate{0, 1s}` with a burst of 0 shuts it out. False if as many
  /// keys have one as `own_quotas` says. Throws as the constructor. A lock, and requests wait for
  /// the writing; O(1).
  template <detail::key_of<Key> K>
  bool set_quota(const K& key, const quoin::rate& rate, std::uint64_t burst = 0) {
    const detail::table_quota quota = core_.checked_quota(rate, burst);
    const std::uint64_t hash = hash_of(key);
    const detail::lock_guard guard(core_.table().writers());
    return core_.table().own().set(hash, quota);
  }
  /// Takes it away again; true if there was one.
  template <detail::key_of<Key> K>
  bool clear_quota(const K& key) {
    const std::uint64_t hash = hash_of(key);
    const detail::lock_guard guard(core_.table().writers());
    return core_.table().own().erase(hash);
  }

  // --- what there is ----------------------------------------------------------------------------

  /// The options, the quota as it is now, and the seed, also one that was drawn.
  [[nodiscard]] options_type options() const noexcept {
    const detail::lock_guard guard(core_.table().writers());
    return options_;
  }
  /// Keys whose buckets are not full. O(capacity).
  [[nodiscard]] std::uint64_t count_at(time_point now) const noexcept {
    std::uint64_t keys = 0;
    const auto when = core_.at(detail::nanoseconds_of(now));
    core_.table().for_each(when.tick, [&](auto...) { ++keys; });
    return keys;
  }
  /// What was done since construction; of requests under way, some or none.
  [[nodiscard]] keyed_limiter_statistics statistics() const noexcept {
    return core_.table().statistics();
  }
  /// All memory of the table.
  [[nodiscard]] std::size_t size_bytes() const noexcept { return core_.table().size_bytes(); }
  /// The hash of a key in this limiter.
  template <detail::key_of<Key> K>
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint64_t hash_of(const K& key) const {
    if constexpr (detail::text<Key> || std::same_as<K, Key>) {
      return detail::hash_key(hash_, key);
    } else {
      return detail::hash_key(hash_, static_cast<Key>(key));
    }
  }

  // --- bytes ------------------------------------------------------------------------------------

  /// The buckets that are not full at `now`, to go on at any other time on any clock; 16 bytes each.
  /// Quotas of keys of their own are not in it. O(capacity).
  [[nodiscard]] std::vector<std::byte> to_bytes_at(time_point now) const {
    const auto when = core_.at(detail::nanoseconds_of(now));
    return detail::write_table(core_.table(), when.tick, options_.seed, detail::hash_id<Hash>);
  }

  /// A limiter of `options`, except for the seed, with the buckets that `to_bytes_at` wrote, as if its
  /// `now` were this one. Rate, burst and, for exact slots, capacity may be others. An error for
  /// other bytes; throws only for `options`, which alone say how much memory there will be.
  [[nodiscard]] static expected<basic_keyed_limiter, error> from_bytes_at(
      std::span<const std::byte> bytes, time_point now, const options_type& options,
      const Allocator& allocator = Allocator()) requires detail::static_clock<Clock> {
    return read(bytes, now, options, detail::clock_reference<Clock>(), allocator);
  }
  [[nodiscard]] static expected<basic_keyed_limiter, error> from_bytes_at(
      std::span<const std::byte> bytes, time_point now, const options_type& options,
      const Clock& clock, const Allocator& allocator = Allocator()) {
    return read(bytes, now, options, detail::clock_reference<Clock>(clock), allocator);
  }

 private:
  basic_keyed_limiter(const options_type& options, detail::clock_reference<Clock> clock,
                      const Allocator& allocator)
      : options_(with_seed(options)),
        clock_(clock),
        hash_(detail::make_hash<Hash>(options_.seed)),
        core_(options_, allocator) {}

  [[nodiscard]] static options_type with_seed(options_type options) {
    if (options.seed == 0 && detail::takes_seed<Hash>) options.seed = detail::random_seed();
    return options;
  }

  static expected<basic_keyed_limiter, error> read(std::span<const std::byte> bytes, time_point now,
                                                   options_type options,
                                                   detail::clock_reference<Clock> clock,
                                                   const Allocator& allocator) {
    const auto form = detail::open_table(bytes, Slots::bits, detail::hash_id<Hash>);
    if (!form) return unexpected(form.error());
    if (form->seed == 0 && detail::takes_seed<Hash>) {
      return unexpected(error{errc::bad_value, 8, "quoin: a seed of 0"});
    }
    if (form->seed != 0 && !detail::takes_seed<Hash>) {
      return unexpected(error{errc::bad_value, 8, "quoin: a hash that takes no seed"});
    }
    options.seed = form->seed;
    basic_keyed_limiter limiter(options, clock, allocator);
    auto& core = limiter.core_;
    const auto filled =
        detail::read_table(*form, core.at(detail::nanoseconds_of(now)).tick, core.table());
    if (!filled) return unexpected(filled.error());
    return limiter;
  }

  template <class Answer, std::size_t Extent, class Hashes>
  void ask_many(std::size_t n, time_point now, std::span<Answer, Extent> answers,
                std::uint64_t cost, Hashes hashes) {
    if (answers.size() < n) {
      detail::fail_argument("keyed_limiter", "answers.size()", answers.size(),
                            "at least the number of keys");
    }
    core_.try_acquire_many(detail::nanoseconds_of(now), n, hashes, cost,
                           [&](std::size_t i, const decision& got) {
                             if constexpr (std::same_as<Answer, bool>) {
                               answers[i] = got.allowed;
                             } else {
                               answers[i] = got;
                             }
                           });
  }

  options_type options_;
  [[no_unique_address]] detail::clock_reference<Clock> clock_;
  [[no_unique_address]] Hash hash_;
  detail::table_core<Slots, Allocator> core_;
};

/// A token bucket for each key, exact: 19 bytes per key.
template <class Key, class Clock = std::chrono::steady_clock, class Hash = secret_hash,
          class Allocator = std::allocator<std::byte>>
using keyed_limiter = basic_keyed_limiter<detail::exact_slots, Key, Clock, Hash, Allocator>;

/// The same in 10 bytes per key, in coarser time, and with a few in ten million keys sharing.
template <class Key, class Clock = std::chrono::steady_clock, class Hash = secret_hash,
          class Allocator = std::allocator<std::byte>>
using compact_keyed_limiter =
    basic_keyed_limiter<detail::compact_slots, Key, Clock, Hash, Allocator>;

}  // namespace quoin::inline QUOIN_ABI

#endif
