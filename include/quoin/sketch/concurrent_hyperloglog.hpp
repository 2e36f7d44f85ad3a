// SPDX-License-Identifier: BSL-1.0
/// @file
/// A HyperLogLog that any number of threads fill and ask at once, without locks.
///
/// Use it to count the distinct keys of a stream that many threads serve, without a sketch for each
/// of them. `snapshot()` gives the `hyperloglog`, to send, merge or keep.
///
/// Guarantee   when all insertions are done, `snapshot()` is the `hyperloglog` of the same keys, with
///             the same bytes: no update is lost. Errors as those of a merged one, 1.04 / √m (what a
///             single stream adds to the exactness of `hyperloglog` needs an order of the insertions).
/// Cost        insert: 1 cache line, which is only read once the register is as high as the key would
///             make it. Of n keys about m·(1 + ln(n / m)) write, so that threads soon share what none
///             of them changes. `estimate` reads all registers: about 15 µs at precision 14.
/// Memory      2m bytes, from the beginning: registers, and the tokens of a small set beside them.
/// Threads     concurrent: all operations but construction and destruction from any number of threads.
///             Registers and tokens are raised by compare-and-swap, relaxed, as each only ever grows;
///             the number of tokens, which says where to read, is counted up and read in release and
///             acquire order: who sees it above the limit sees the registers of the keys before.
/// Bytes       through `snapshot()`.
///
/// @code
/// quoin::concurrent_hyperloglog visitors({.precision = 14});
/// visitors.insert(ip);                               // from any thread
/// visitors.insert_many(ips);
/// double n = visitors.estimate();
/// quoin::hyperloglog<> today = visitors.snapshot();
/// @endcode
#ifndef QUOIN_SKETCH_CONCURRENT_HYPERLOGLOG_HPP
#define QUOIN_SKETCH_CONCURRENT_HYPERLOGLOG_HPP

#include <quoin/detail/sketch_hll_access.hpp>
#include <quoin/sketch/hyperloglog.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

namespace detail {

/// A hash that gives `token`.
[[nodiscard]] constexpr std::uint64_t hll_hash_of_token(std::uint32_t token) noexcept {
  constexpr unsigned ranked_bits = 64 - hll_token_index_bits;
  const unsigned rank = token % 64;
  const std::uint64_t ranked = rank > ranked_bits ? 0 : std::uint64_t{1} << (ranked_bits - rank);
  return std::uint64_t{token >> 6} << ranked_bits | ranked;
}

}  // namespace detail

/// The sketch. Neither copied nor moved: threads hold references to it.
/// @tparam Hash, Allocator  as for `hyperloglog`.
template <class Hash = hash, class Allocator = std::allocator<std::byte>>
class concurrent_hyperloglog {
 public:
  using sketch_type = hyperloglog<Hash, Allocator>;

  /// An empty sketch of precision 14.
  concurrent_hyperloglog() requires std::default_initializable<Allocator>
      : concurrent_hyperloglog(hyperloglog_options()) {}

  /// An empty sketch. Throws `std::invalid_argument` unless the precision is 4 to 21.
  explicit concurrent_hyperloglog(const hyperloglog_options& options,
                                  const Allocator& allocator = Allocator())
      : concurrent_hyperloglog(sketch_type(options, allocator)) {}

  /// Goes on with what `sketch` holds.
  explicit concurrent_hyperloglog(const sketch_type& sketch)
      : hash_(sketch.hash_function()),
        seed_(sketch.seed()),
        precision_(sketch.precision()),
        slots_(detail::hll_most_slots(precision_)),
        lines_(lines_of_registers() + slots_ / 16, sketch.get_allocator()) {
    merge(sketch);
  }

  concurrent_hyperloglog(const concurrent_hyperloglog&) = delete;
  concurrent_hyperloglog& operator=(const concurrent_hyperloglog&) = delete;

  // --- insert -----------------------------------------------------------------------------------

  /// Inserts `key`. O(1), lock-free, allocates nothing.
  template <detail::hashable_by<Hash> Key>
  void insert(const Key& key) noexcept(detail::nothrow_hashable_by<Key, Hash>) {
    insert_hash(detail::hash_key(hash_, key));
  }

  /// Inserts the key whose 64-bit hash is `hash`. All 64 bits must be good.
  void insert_hash(std::uint64_t hash) noexcept {
    raise(detail::hll_update_of(hash, precision_));
    if (keeps_tokens()) [[unlikely]]
      insert_token(detail::hll_token(hash));
  }

  /// Inserts every key of a contiguous range, faster than one by one.
  template <class Keys>
  void insert_many(const Keys& keys) {
    const std::span all(keys);
    using key_type = typename decltype(all)::value_type;
    insert_batch(all.size(), detail::hashes_of(hash_, std::span<const key_type>(all)));
  }

  /// `insert_many` for keys hashed already.
  void insert_hash_many(std::span<const std::uint64_t> hashes) noexcept {
    insert_batch(hashes.size(), detail::hashes_of(hashes));
  }

  /// Inserts all keys of `sketch`, whose precision is this one's or higher (registers cannot be
  /// folded while others raise them) and whose seed is the same; else throws
  /// `std::invalid_argument`, with nothing changed. O(m).
  void merge(const sketch_type& sketch) {
    if (sketch.seed() != seed_) {
      detail::fail("quoin: hyperloglogs with different seeds cannot be combined");
    }
    if (sketch.precision() < precision_) {
      detail::fail_argument("concurrent_hyperloglog", "precision of the other", sketch.precision(),
                            "that of this one at least");
    }
    const auto& state = detail::hll_access::state(sketch);
    if (state.register_bytes() == nullptr) {
      state.for_each_token([&](std::uint32_t token) {
        raise(detail::hll_update_of_token(token, precision_));
        if (keeps_tokens()) insert_token(token);
      });
      return;
    }
    std::vector<std::uint8_t> registers(std::size_t{1} << precision_);
    sketch.copy_registers(precision_, registers);
    for (std::uint32_t i = 0; i < registers.size(); ++i) raise({i, registers[i]});
    __atomic_fetch_or(&tokens_, enough_tokens, __ATOMIC_RELEASE);
  }

  // --- how many ---------------------------------------------------------------------------------

  /// Distinct keys inserted; of those that are being inserted meanwhile, some or none. While there
  /// are few keys O(1), then O(m).
  [[nodiscard]] double estimate() const noexcept {
    const std::uint32_t tokens = __atomic_load_n(&tokens_, __ATOMIC_ACQUIRE);
    if (tokens <= detail::hll_most_tokens(precision_)) return detail::hll_count_of_tokens(tokens);
    detail::hll_tally tally;
    for (std::size_t i = 0; i < std::size_t{1} << precision_; ++i) {
      detail::hll_count(tally, precision_, __atomic_load_n(registers() + i, __ATOMIC_RELAXED));
    }
    return detail::hll_estimate(tally, precision_);
  }

  /// Standard deviation of `estimate()` over its expectation, as in `hyperloglog`.
  [[nodiscard]] double relative_standard_error() const noexcept {
    const std::uint32_t tokens = __atomic_load_n(&tokens_, __ATOMIC_RELAXED);
    if (tokens <= detail::hll_most_tokens(precision_)) {
      return tokens < 2 ? 0 : detail::hll_error_of_tokens;
    }
    return __builtin_sqrt(1.0794415416798357 / static_cast<double>(std::uint64_t{1} << precision_));
  }

  /// The sketch of the keys inserted so far; of those that are being inserted meanwhile, some or
  /// none. O(m).
  [[nodiscard]] sketch_type snapshot() const {
    sketch_type copy({.precision = precision_, .seed = seed_}, get_allocator());
    if (keeps_tokens(__ATOMIC_ACQUIRE)) {
      for (std::uint32_t slot = 0; slot < slots_; ++slot) {
        const std::uint32_t token = __atomic_load_n(tokens() + slot, __ATOMIC_RELAXED);
        if (token != 0) copy.insert_hash(detail::hll_hash_of_token(token));
      }
      if (keeps_tokens(__ATOMIC_ACQUIRE)) return copy;
      copy.clear();  // in the meantime they have become too many
    }
    detail::hll_access::state(copy).assign_registers([this](std::uint8_t* to) {
      for (std::size_t i = 0; i < std::size_t{1} << precision_; ++i) {
        to[i] = __atomic_load_n(registers() + i, __ATOMIC_RELAXED);
      }
    });
    return copy;
  }

  // --- shape ------------------------------------------------------------------------------------

  [[nodiscard]] unsigned precision() const noexcept { return precision_; }
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] const Hash& hash_function() const noexcept { return hash_; }
  [[nodiscard]] Allocator get_allocator() const noexcept {
    return Allocator(lines_.get_allocator());
  }
  /// Memory in use besides the object itself, in bytes.
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return lines_.size() * sizeof(detail::cache_line);
  }

 private:
  /// A slot of a token; what is behind it was made as words of cache lines.
  using token_slot __attribute__((may_alias)) = std::uint32_t;

  /// In the count of tokens: as many as registers say, and no longer kept.
  static constexpr std::uint32_t enough_tokens = 1u << 31;

  [[nodiscard]] std::size_t lines_of_registers() const noexcept {
    return detail::max_of(std::size_t{1}, (std::size_t{1} << precision_) / 64);
  }
  [[nodiscard]] std::uint8_t* registers() const noexcept {
    return reinterpret_cast<std::uint8_t*>(lines_.data());
  }
  [[nodiscard]] token_slot* tokens() const noexcept {
    return reinterpret_cast<token_slot*>(lines_.data() + lines_of_registers());
  }

  /// Whether the keys are few enough for tokens to say which they are. It changes once, by the token
  /// that `hyperloglog` would have gone over to registers at.
  [[nodiscard]] QUOIN_ALWAYS_INLINE bool keeps_tokens(int order = __ATOMIC_RELAXED) const noexcept {
    return __atomic_load_n(&tokens_, order) <= detail::hll_most_tokens(precision_);
  }

  void raise(detail::hll_update update) noexcept {
    std::uint8_t* const there = registers() + update.index;
    std::uint8_t rank = __atomic_load_n(there, __ATOMIC_RELAXED);
    while (rank < update.rank &&
           !__atomic_compare_exchange_n(there, &rank, static_cast<std::uint8_t>(update.rank), true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
  }

  /// Slots once taken keep their token, so that two threads with one token meet at one slot. When
  /// all are taken, there are more tokens than are kept, whether or not they are counted yet.
  void insert_token(std::uint32_t token) noexcept {
    const std::uint32_t first = token * salt_ >> (33 - std::bit_width(slots_));
    for (std::uint32_t n = 0; n < slots_; ++n) {
      token_slot* const slot = tokens() + ((first + n) & (slots_ - 1));
      std::uint32_t there = __atomic_load_n(slot, __ATOMIC_RELAXED);
      if (there == 0 && __atomic_compare_exchange_n(slot, &there, token, false, __ATOMIC_RELAXED,
                                                    __ATOMIC_RELAXED)) {
        __atomic_fetch_add(&tokens_, 1, __ATOMIC_RELEASE);
        return;
      }
      if (there == token) return;
    }
    __atomic_fetch_or(&tokens_, enough_tokens, __ATOMIC_RELEASE);
  }

  template <class HashBlock>
  void insert_batch(std::size_t n, HashBlock hash) {
    alignas(64) std::uint64_t hashes[detail::hll_batch];
    for (std::size_t first = 0; first < n; first += detail::hll_batch) {
      const std::size_t count = detail::min_of(n - first, detail::hll_batch);
      hash(first, count, hashes);
      if (keeps_tokens()) {
        for (std::size_t i = 0; i < count; ++i) insert_hash(hashes[i]);
      } else {
        raise_many(hashes, count);
      }
    }
  }

  /// Finds out, without a branch, which of the hashes raise a register; then raises.
  void raise_many(const std::uint64_t* hashes, std::size_t n) noexcept {
    detail::hll_update updates[detail::hll_batch];
    std::size_t count = 0;
    for (std::size_t i = 0; i < n; ++i) {
      updates[count] = detail::hll_update_of(hashes[i], precision_);
      count += __atomic_load_n(registers() + updates[count].index, __ATOMIC_RELAXED) <
               updates[count].rank;
    }
    for (std::size_t i = 0; i < count; ++i) raise(updates[i]);
  }

  [[no_unique_address]] Hash hash_;
  std::uint64_t seed_;
  unsigned precision_;
  std::uint32_t slots_;
  std::uint32_t tokens_ = 0;  ///< distinct tokens in the slots, or with `enough_tokens`
  mutable detail::line_array<Allocator> lines_;  ///< registers, then the slots of the tokens
  std::uint32_t salt_ = detail::hll_token_set::salt_for(lines_.data());  ///< against chosen tokens
};

}  // namespace quoin::inline QUOIN_ABI

#endif
