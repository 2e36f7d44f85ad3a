// SPDX-License-Identifier: BSL-1.0
/// @file
/// UltraLogLog: the question that HyperLogLog answers, with a quarter less memory or error.
///
/// Use it instead of `hyperloglog` when many sketches are kept, or merged sketches must be more exact
/// for their size: a byte per register is spent in full, on the highest rank and on which of the two
/// ranks below it occurred. Prefer `hyperloglog` when most sets are small (it keeps those as tokens,
/// all but exactly and in less memory) or when others must read it (Redis, DataSketches,
/// PostgreSQL).
///
/// Guarantee   relative standard error 0.658 / √m while one stream fills the sketch, 0.782 / √m from
///             its state alone (after merging), m = 2^precision: 1.0 % and 1.2 % at 12 (4 KB), where
///             `hyperloglog` has 1.3 % and 1.6 %. Less below m keys. Up to 2^60 keys.
///             docs/accuracy-ultraloglog.md has the measurements.
/// Cost        insert: 1 cache line; the `_many` forms ~2 ns per integer key, 1.1 times what they
///             take in `hyperloglog`, up to 1.7 times below 16 m keys. `estimate` O(1) along the
///             stream, else one pass over the registers. `merge`: one pass of SIMD.
/// Memory      m bytes from the first key on.
/// Threads     like a standard container: `const` operations may run at the same time.
/// Bytes       format 0x0205, docs/formats.md. The state, and so the bytes, are a function of the
///             precision, the seed and the set of keys: never of order, repetition or merging. The
///             registers are those of hash4j's UltraLogLog, given the same hashes.
/// Source      Ertl 2023, "UltraLogLog: A Practical and More Space-Efficient Alternative to
///             HyperLogLog for Approximate Distinct Counting", arXiv:2308.16862; the estimates:
///             detail/sketch_ull_estimate.hpp, detail/sketch_ull_registers.hpp.
///
/// @code
/// quoin::ultraloglog visitors({.precision = 12});
/// visitors.insert(ip);
/// visitors.insert_many(ips);
/// double n = visitors.estimate();
/// auto [low, high] = visitors.confidence_interval(2);
/// visitors.merge(visitors_of_another_shard);
/// quoin::hyperloglog<> for_others = visitors.to_hyperloglog();
/// @endcode
#ifndef QUOIN_SKETCH_ULTRALOGLOG_HPP
#define QUOIN_SKETCH_ULTRALOGLOG_HPP

#include <quoin/detail/error.hpp>
#include <quoin/detail/sketch_hll_access.hpp>
#include <quoin/detail/sketch_ull_state.hpp>
#include <quoin/sketch/hyperloglog.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How exact.
struct ultraloglog_options {
  unsigned precision = 12;  ///< 4–26: 2^precision registers of a byte
  std::uint64_t seed = 0;   ///< of the hash; a random one when others choose the keys
};

/// What `ultraloglog::to_bytes` writes besides the state.
struct ultraloglog_bytes_options {
  /// Keep the count of the single stream, so that `estimate()` is as exact after reading back as
  /// before. Equal sets then need not give equal bytes.
  bool stream_estimate = false;
};

/// From `low` to `high`, both included.
struct ultraloglog_interval {
  double low;
  double high;
};

/// The sketch. A value type; a moved-from one may only be destroyed, assigned to or swapped.
/// @tparam Hash       a hasher of the keys, default- or seed-constructible (`quoin::hash` takes
///                    all). One that is not avalanching (see `is_avalanching_v`) is mixed here.
/// @tparam Allocator  any standard allocator. The default asks for huge pages.
template <class Hash = hash, class Allocator = std::allocator<std::byte>>
class ultraloglog {
 public:
  using hasher_type = Hash;
  using allocator_type = Allocator;

  /// An empty sketch of precision 12.
  ultraloglog() requires std::default_initializable<Allocator>
      : ultraloglog(ultraloglog_options()) {}

  /// An empty sketch, which has no memory yet. Throws `std::invalid_argument` unless the precision
  /// is 4 to 26.
  explicit ultraloglog(const ultraloglog_options& options, const Allocator& allocator = Allocator())
      : ultraloglog(checked(options.precision), options.seed, allocator) {}

  // --- insert -----------------------------------------------------------------------------------

  /// Inserts `key`. O(1). The first one allocates; if that throws, nothing has changed.
  template <detail::hashable_by<Hash> Key>
  void insert(const Key& key) {
    insert_hash(detail::hash_key(hash_, key));
  }

  /// Inserts the key whose 64-bit hash is `hash`: a key hashed once serves many structures. All 64
  /// bits must be good.
  void insert_hash(std::uint64_t hash) { state_.insert(hash); }

  /// Inserts every key of a contiguous range, about twice as fast as one by one; the same result,
  /// `estimate()` included.
  template <class Keys>
  void insert_many(const Keys& keys) {
    const std::span all(keys);
    using key_type = typename decltype(all)::value_type;
    state_.insert_batch(all.size(), detail::hashes_of(hash_, std::span<const key_type>(all)));
  }

  /// `insert_many` for keys hashed already.
  void insert_hash_many(std::span<const std::uint64_t> hashes) {
    state_.insert_batch(hashes.size(), detail::hashes_of(hashes));
  }

  // --- how many ---------------------------------------------------------------------------------

  /// Distinct keys inserted: the best estimate there is. O(1) along the stream, else O(m). Infinite
  /// when all registers are saturated, far above 2^60.
  [[nodiscard]] double estimate() const noexcept {
    return has_stream_estimate() ? state_.stream().count : state_.estimate();
  }

  /// The estimate that the state alone gives: the same for equal sets, however they came together.
  /// O(m): a nanosecond for each register.
  [[nodiscard]] double estimate_from_state() const noexcept { return state_.estimate(); }

  /// True when `estimate()` comes from counting along the stream (0.658 / √m instead of 0.782 / √m):
  /// there are keys, and none were merged into it.
  [[nodiscard]] bool has_stream_estimate() const noexcept {
    return !empty() && state_.stream().valid;
  }

  /// Standard deviation of `estimate()` over its expectation, by theory: √(5 ln 2 / 8m), or
  /// √(0.6119 / m) after a merge. These are limits for many keys; with fewer than m the error is
  /// smaller.
  [[nodiscard]] double relative_standard_error() const noexcept {
    if (empty()) return 0;
    const double variance = has_stream_estimate() ? 0.4332169878499658 : detail::ull_variance;
    return __builtin_sqrt(variance / static_cast<double>(state_.registers()));
  }

  /// The numbers of distinct keys that are within `sigmas` standard deviations of what was seen:
  /// 68 % of the time the true one is within 1, 95 % within 2, 99.7 % within 3 (from precision 8 or
  /// so on, below that the error is skew). Never below what is certain. O(m).
  [[nodiscard]] ultraloglog_interval confidence_interval(double sigmas) const noexcept {
    const double n = estimate(), error = sigmas * relative_standard_error();
    return {detail::max_of(n / (1 + error), static_cast<double>(state_.certain())),
            error < 1 ? n / (1 - error) : std::numeric_limits<double>::infinity()};
  }

  // --- sets -------------------------------------------------------------------------------------

  /// Makes this the sketch of the union, at the lower of the two precisions: the same state as if
  /// all keys had been inserted into one sketch of that precision. Throws `std::invalid_argument`
  /// when the seeds differ; then, and when memory runs out, nothing has changed. O(m).
  void merge(const ultraloglog& other) {
    if (!is_compatible(other)) {
      detail::fail("quoin: ultraloglogs with different seeds cannot be combined");
    }
    state_.merge(other.state_);
  }

  /// Lowers the precision, exactly: the same state as if all keys had been inserted at `precision`
  /// (4 to this sketch's own, else throws `std::invalid_argument`). If memory runs out, nothing has
  /// changed. O(m).
  void downsize(unsigned precision) { state_.downsize(checked_lower(precision)); }

  /// The `hyperloglog` with the registers of the same keys, at this precision or at 21 if that is
  /// less. It has registers, never tokens: of a set so small that a `hyperloglog` would keep tokens,
  /// it is another (less exact) sketch than that one, with the same registers. O(m).
  [[nodiscard]] hyperloglog<Hash, Allocator> to_hyperloglog() const {
    const unsigned precision = detail::min_of(this->precision(), detail::hll_max_precision);
    hyperloglog<Hash, Allocator> sketch({.precision = precision, .seed = seed_}, get_allocator());
    if (!empty()) {
      detail::hll_access::state(sketch).assign_registers(
          [&](std::uint8_t* out) { state_.copy_ranks(precision, out); });
    }
    return sketch;
  }

  /// Forgets every key and gives the memory back. O(1).
  void clear() noexcept { state_.clear(); }

  /// True when no key was inserted. O(1).
  [[nodiscard]] bool empty() const noexcept { return state_.empty(); }

  void swap(ultraloglog& other) noexcept {
    state_.swap(other.state_);
    std::swap(seed_, other.seed_);
    std::swap(hash_, other.hash_);
  }
  friend void swap(ultraloglog& a, ultraloglog& b) noexcept { a.swap(b); }

  /// Equal precision, seed and state: what equal sets of keys give, however they came together.
  friend bool operator==(const ultraloglog& a, const ultraloglog& b) noexcept {
    return a.seed_ == b.seed_ && a.state_ == b.state_;
  }

  // --- shape ------------------------------------------------------------------------------------

  [[nodiscard]] unsigned precision() const noexcept { return state_.precision(); }
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] const Hash& hash_function() const noexcept { return hash_; }
  [[nodiscard]] allocator_type get_allocator() const noexcept { return state_.get_allocator(); }

  /// Memory in use besides the object itself, in bytes.
  [[nodiscard]] std::size_t size_bytes() const noexcept { return state_.size_bytes(); }

  /// True when the two can be merged: same seed. (Other hashers make other types.)
  [[nodiscard]] bool is_compatible(const ultraloglog& other) const noexcept {
    return seed_ == other.seed_;
  }

  // --- registers --------------------------------------------------------------------------------

  /// Writes the registers that the sketch has, or would have, at `precision` (4 to its own, else
  /// throws `std::invalid_argument`) to the front of `out`, which has `2^precision` elements at
  /// least (else throws). Register i is 4·(r + precision − 2) + 2·a + b for the highest rank r among
  /// the hashes whose first `precision` bits are i (the leading zeros of the other bits, plus one),
  /// a and b saying whether ranks r − 1 and r − 2 are among them too; 0 without any. These are the
  /// bytes of `getState()` in hash4j.
  void copy_registers(unsigned precision, std::span<std::uint8_t> out) const {
    if (out.size() < std::size_t{1} << checked_lower(precision)) {
      detail::fail_argument("ultraloglog", "size of the output", out.size(), "2^precision");
    }
    state_.copy_registers(precision, out.data());
  }

  /// The sketch with these registers, for example `getState()` of hash4j, or why not. There are
  /// 2^precision of them; the seed is the one of the hash they were made with. O(m).
  [[nodiscard]] static expected<ultraloglog, error> from_registers(
      std::span<const std::uint8_t> registers, const ultraloglog_options& options,
      const Allocator& allocator = Allocator()) {
    ultraloglog sketch(options, allocator);
    if (registers.size() != sketch.state_.registers()) {
      return unexpected(error{errc::bad_value, 0, "quoin: number of registers is not 2^precision"});
    }
    if (const std::size_t bad = sketch.state_.assign(registers.data()); bad != registers.size()) {
      return unexpected(error{errc::bad_value, bad, "quoin: a register that no keys give"});
    }
    return sketch;
  }

  // --- bytes ------------------------------------------------------------------------------------

  /// Size of the native form in bytes: at most 40 + m. O(1).
  [[nodiscard]] std::size_t serialized_size(
      const ultraloglog_bytes_options& options = {}) const noexcept {
    const std::size_t count = options.stream_estimate && has_stream_estimate() ? 8 : 0;
    return detail::framed_size(detail::ull_parameters, empty() ? 0 : count + state_.registers());
  }

  /// The native form: `serialized_size(options)` bytes. O(m).
  [[nodiscard]] std::vector<std::byte> to_bytes(
      const ultraloglog_bytes_options& options = {}) const {
    std::vector<std::byte> bytes(serialized_size(options));
    write_to(bytes, options);
    return bytes;
  }

  /// Writes the native form to the front of `out`, which has `serialized_size(options)` bytes at
  /// least (else throws `std::invalid_argument`); returns the bytes written. Allocates nothing.
  std::size_t write_to(std::span<std::byte> out,
                       const ultraloglog_bytes_options& options = {}) const {
    const std::size_t size = serialized_size(options);
    if (out.size() < size) {
      detail::fail_argument("ultraloglog", "size of the output", out.size(), "serialized_size()");
    }
    const bool stream = options.stream_estimate && has_stream_estimate();
    detail::frame_id id = detail::ull_frame;
    if (stream) id.flags |= detail::ull_flag_stream;
    detail::frame_writer writer(out.first(size), id, detail::ull_parameters);
    writer.put(seed_);
    writer.put(detail::hash_id<Hash>);
    writer.put(std::uint32_t{precision()});
    if (stream) writer.put(std::bit_cast<std::uint64_t>(state_.stream().count));
    if (!empty()) writer.put_bytes(state_.data(), state_.registers());
    writer.finish();
    return size;
  }

  /// The sketch that `to_bytes` wrote, or why not. Never throws for the content of `bytes` and
  /// allocates at most 48 bytes more than `bytes.size()`. O(size).
  [[nodiscard]] static expected<ultraloglog, error> from_bytes(
      std::span<const std::byte> bytes, const Allocator& allocator = Allocator()) {
    const auto form = detail::read_ull_form<Hash>(bytes);
    if (!form) return unexpected(form.error());
    ultraloglog sketch(form->precision, form->seed, allocator);
    if (form->registers.empty()) return sketch;
    const std::size_t place = bytes.size() - detail::frame_trailer_size - form->registers.size();
    const auto* const registers = reinterpret_cast<const std::uint8_t*>(form->registers.data());
    if (const std::size_t bad = sketch.state_.assign(registers); bad != form->registers.size()) {
      return unexpected(error{errc::bad_value, place + bad, "quoin: a register that no keys give"});
    }
    if (sketch.empty()) {
      return unexpected(error{errc::bad_value, place, "quoin: registers that are all 0"});
    }
    if (form->has_stream && !sketch.state_.resume_stream(form->count)) {
      return unexpected(error{errc::bad_value, place - 8, "quoin: a count that no keys give"});
    }
    return sketch;
  }

 private:
  ultraloglog(unsigned precision, std::uint64_t seed, const Allocator& allocator)
      : state_(precision, allocator), seed_(seed), hash_(detail::make_hash<Hash>(seed)) {}

  [[nodiscard]] static unsigned checked(unsigned precision) {
    if (precision < detail::ull_min_precision || precision > detail::ull_max_precision) {
      detail::fail_argument("ultraloglog", "precision", precision, "4 to 26");
    }
    return precision;
  }

  [[nodiscard]] unsigned checked_lower(unsigned precision) const {
    if (precision < detail::ull_min_precision || precision > state_.precision()) {
      detail::fail_argument("ultraloglog", "precision", precision,
                            "4 to that of the sketch: it can only be lowered");
    }
    return precision;
  }

  detail::ull_state<Allocator> state_;
  std::uint64_t seed_;
  [[no_unique_address]] Hash hash_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
