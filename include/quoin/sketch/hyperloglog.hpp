// SPDX-License-Identifier: BSL-1.0
/// @file
/// HyperLogLog: how many distinct keys were there? In a few kilobytes, whatever their number.
///
/// Use it for unique visitors, addresses, queries, per hour and per shard, to be merged later: the
/// sketch of a union is the union of the sketches. It does not know which keys it saw. Exact counts
/// need a set; how often each key came asks for `count_min_sketch`.
///
/// Guarantee   relative standard error 0.833 / √m while one stream fills the sketch, 1.04 / √m from
///             its state alone (after merging), m = 2^precision: 0.65 % and 0.81 % at 14. Up to
///             m / 8 distinct keys (2048 at 14) 0.005 %. No bias at any count up to 2^60.
///             docs/accuracy-hyperloglog.md has the measurements.
/// Cost        insert: 1 cache line; the `_many` forms ~1.5 ns per integer key. `estimate` O(1).
///             `merge` of registers: one pass of SIMD.
/// Memory      m bytes; 8 to 16 for each key while there are few.
/// Threads     like a standard container: `const` operations may run at the same time.
/// Bytes       format 0x0201, docs/formats.md. The state, and so the bytes, are a function of the
///             precision, the seed and the set of keys: never of order, repetition or merging.
/// Source      Flajolet, Fusy, Gandouet, Meunier 2007; estimates: Ertl 2017
///             (detail/sketch_hll_estimate.hpp), Cohen 2015 and Ting 2014
///             (detail/sketch_hll_registers.hpp); tokens: Ertl 2023 (detail/sketch_hll_tokens.hpp).
///
/// @code
/// quoin::hyperloglog visitors({.precision = 14});
/// visitors.insert(ip);
/// visitors.insert_many(ips);                       // several times as fast
/// double n = visitors.estimate();
/// auto [low, high] = visitors.confidence_interval(2);
/// visitors.merge(visitors_of_another_shard);
/// std::vector<std::byte> bytes = visitors.to_bytes();
/// @endcode
#ifndef QUOIN_SKETCH_HYPERLOGLOG_HPP
#define QUOIN_SKETCH_HYPERLOGLOG_HPP

#include <quoin/detail/error.hpp>
#include <quoin/detail/sketch_hll_access.hpp>
#include <quoin/detail/sketch_hll_form.hpp>
#include <quoin/detail/sketch_hll_state.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How exact.
struct hyperloglog_options {
  unsigned precision = 14;  ///< 4–21: 2^precision registers
  std::uint64_t seed = 0;   ///< of the hash; a random one when others choose the keys
};

/// What `hyperloglog::to_bytes` writes besides the state.
struct hyperloglog_bytes_options {
  /// Keep the count of the single stream, so that `estimate()` is as exact after reading back as
  /// before. Equal sets then need not give equal bytes.
  bool stream_estimate = false;
};

/// From `low` to `high`, both included.
struct hyperloglog_interval {
  double low;
  double high;
};

/// The sketch. A value type; a moved-from one may only be destroyed, assigned to or swapped.
/// @tparam Hash       a hasher of the keys, default- or seed-constructible (`quoin::hash` takes
///                    all). One that is not avalanching (see `is_avalanching_v`) is mixed here.
/// @tparam Allocator  any standard allocator. The default asks for huge pages.
template <class Hash = hash, class Allocator = std::allocator<std::byte>>
class hyperloglog {
 public:
  using hasher_type = Hash;
  using allocator_type = Allocator;

  /// An empty sketch of precision 14.
  hyperloglog() requires std::default_initializable<Allocator>
      : hyperloglog(hyperloglog_options()) {}

  /// An empty sketch, which has no memory yet. Throws `std::invalid_argument` unless the precision
  /// is 4 to 21.
  explicit hyperloglog(const hyperloglog_options& options, const Allocator& allocator = Allocator())
      : hyperloglog(checked(options.precision), options.seed, allocator) {}

  // --- insert -----------------------------------------------------------------------------------

  /// Inserts `key`. O(1). While there are few keys it may allocate; if that throws, nothing has
  /// changed.
  template <detail::hashable_by<Hash> Key>
  void insert(const Key& key) {
    insert_hash(detail::hash_key(hash_, key));
  }

  /// Inserts the key whose 64-bit hash is `hash`: a key hashed once serves many structures. All 64
  /// bits must be good.
  void insert_hash(std::uint64_t hash) { state_.insert(hash); }

  /// Inserts every key of a contiguous range, several times as fast as one by one; the same result,
  /// `estimate()` included. If memory runs out, a part of the keys has been inserted.
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

  /// Distinct keys inserted: the best estimate there is. O(1). Infinite when all registers are
  /// saturated, far above 2^60.
  [[nodiscard]] double estimate() const noexcept {
    return has_stream_estimate() ? state_.stream().count : state_.estimate();
  }

  /// The estimate that the state alone gives: the same for equal sets, however they came together.
  /// O(1).
  [[nodiscard]] double estimate_from_state() const noexcept { return state_.estimate(); }

  /// True when `estimate()` comes from counting along the stream (0.833 / √m instead of 1.04 / √m):
  /// the sketch has registers and none were merged into it.
  [[nodiscard]] bool has_stream_estimate() const noexcept {
    return state_.has_registers() && state_.stream().valid;
  }

  /// Standard deviation of `estimate()` over its expectation, by theory: 5·10⁻⁵ while there are few
  /// keys, then √(ln 2 / m), or √((3 ln 2 − 1) / m) after a merge. These are limits for many keys;
  /// with fewer the error is smaller.
  [[nodiscard]] double relative_standard_error() const noexcept {
    if (!state_.has_registers()) return state_.tokens() < 2 ? 0 : detail::hll_error_of_tokens;
    const double variance = has_stream_estimate() ? 0.6931471805599453 : 1.0794415416798357;
    return __builtin_sqrt(variance / state_.registers());
  }

  /// The numbers of distinct keys that are within `sigmas` standard deviations of what was seen:
  /// 68 % of the time the true one is within 1, 95 % within 2, 99.7 % within 3 (from precision 8 or
  /// so on, below that the error is skew). Never below what is certain.
  [[nodiscard]] hyperloglog_interval confidence_interval(double sigmas) const noexcept {
    const double n = estimate(), error = sigmas * relative_standard_error();
    return {detail::max_of<double>(n / (1 + error), state_.certain()),
            error < 1 ? n / (1 - error) : std::numeric_limits<double>::infinity()};
  }

  /// Distinct keys in one or both: what `estimate_from_state()` would be after `merge(other)`, or
  /// better. Throws like `merge`. One pass over the registers; only a pair of which one still has
  /// tokens, or of unlike precisions, allocates (a copy).
  [[nodiscard]] double union_estimate(const hyperloglog& other) const {
    require_compatible(other);
    return state_.union_estimate(other.state_);
  }

  // --- sets -------------------------------------------------------------------------------------

  /// Makes this the sketch of the union, at the lower of the two precisions: the same state as if
  /// all keys had been inserted into one sketch of that precision. Throws `std::invalid_argument`
  /// when the seeds differ; then, and when memory runs out, nothing has changed. O(m).
  void merge(const hyperloglog& other) {
    require_compatible(other);
    state_.merge(other.state_);
  }

  /// Lowers the precision, exactly: the same state as if all keys had been inserted at `precision`
  /// (4 to this sketch's own, else throws `std::invalid_argument`). If memory runs out, nothing has
  /// changed. O(m).
  void downsize(unsigned precision) {
    if (precision < detail::hll_min_precision || precision > state_.precision()) {
      detail::fail_argument("hyperloglog", "precision", precision,
                            "4 to that of the sketch: it can only be lowered");
    }
    state_.downsize(precision);
  }

  /// Forgets every key and gives the memory back. O(1).
  void clear() noexcept { state_.clear(); }

  /// True when no key was inserted. O(1).
  [[nodiscard]] bool empty() const noexcept { return state_.empty(); }

  void swap(hyperloglog& other) noexcept {
    state_.swap(other.state_);
    std::swap(seed_, other.seed_);
    std::swap(hash_, other.hash_);
  }
  friend void swap(hyperloglog& a, hyperloglog& b) noexcept { a.swap(b); }

  /// Equal precision, seed and state: what equal sets of keys give, however they came together.
  friend bool operator==(const hyperloglog& a, const hyperloglog& b) noexcept {
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
  [[nodiscard]] bool is_compatible(const hyperloglog& other) const noexcept {
    return seed_ == other.seed_;
  }

  /// Writes the registers that the sketch has, or would have, at `precision` (4 to its own, else
  /// throws `std::invalid_argument`) to the front of `out`, which has `2^precision` elements at
  /// least (else throws). Register i is the largest rank among the hashes whose first `precision`
  /// bits are i, the rank being the leading zeros of the other bits plus one; 0 without any.
  void copy_registers(unsigned precision, std::span<std::uint8_t> out) const {
    if (precision < detail::hll_min_precision || precision > state_.precision()) {
      detail::fail_argument("hyperloglog", "precision", precision, "4 to that of the sketch");
    }
    if (out.size() < std::size_t{1} << precision) {
      detail::fail_argument("hyperloglog", "size of the output", out.size(), "2^precision");
    }
    state_.copy_registers(precision, out.data());
  }

  // --- bytes ------------------------------------------------------------------------------------

  /// Size of the native form in bytes. O(1).
  [[nodiscard]] std::size_t serialized_size(
      const hyperloglog_bytes_options& options = {}) const noexcept {
    return detail::hll_form_size(state_.has_registers(),
                                 options.stream_estimate && has_stream_estimate(), precision(),
                                 state_.tokens());
  }

  /// The native form: `serialized_size(options)` bytes, at most 52 + 3m / 4. O(size), and a sort of
  /// the tokens while there are few keys.
  [[nodiscard]] std::vector<std::byte> to_bytes(
      const hyperloglog_bytes_options& options = {}) const {
    std::vector<std::byte> bytes(serialized_size(options));
    write_to(bytes, options);
    return bytes;
  }

  /// Writes the native form to the front of `out`, which has `serialized_size(options)` bytes at
  /// least (else throws `std::invalid_argument`); returns the bytes written. Allocates nothing.
  std::size_t write_to(std::span<std::byte> out,
                       const hyperloglog_bytes_options& options = {}) const {
    const std::size_t size = serialized_size(options);
    if (out.size() < size) {
      detail::fail_argument("hyperloglog", "size of the output", out.size(), "serialized_size()");
    }
    const bool stream = options.stream_estimate && has_stream_estimate();
    detail::frame_id id = detail::hll_frame;
    if (state_.has_registers()) id.flags |= detail::hll_flag_registers;
    if (stream) id.flags |= detail::hll_flag_stream;
    detail::frame_writer writer(out.first(size), id, detail::hll_parameters);
    writer.put(seed_);
    writer.put(detail::hash_id<Hash>);
    writer.put(std::uint32_t{precision()});
    if (stream) writer.put(std::bit_cast<std::uint64_t>(state_.stream().count));
    state_.write(writer.place_of(size - detail::hll_form_size(false, stream, precision(), 0)));
    writer.finish();
    return size;
  }

  /// The sketch that `to_bytes` wrote, or why not. Never throws for the content of `bytes` and
  /// allocates at most 4 times `bytes.size()`. O(size).
  [[nodiscard]] static expected<hyperloglog, error> from_bytes(
      std::span<const std::byte> bytes, const Allocator& allocator = Allocator()) {
    const auto form = detail::read_hll_form<Hash>(bytes);
    if (!form) return unexpected(form.error());
    hyperloglog sketch(form->precision, form->seed, allocator);
    if (!sketch.state_.read(*form)) {
      return unexpected(error{errc::bad_value, detail::frame_header_size + detail::hll_parameters,
                              "quoin: registers or a count that no keys give"});
    }
    return sketch;
  }

 private:
  friend detail::hll_access;

  hyperloglog(unsigned precision, std::uint64_t seed, const Allocator& allocator)
      : state_(precision, allocator), seed_(seed), hash_(detail::make_hash<Hash>(seed)) {}

  [[nodiscard]] static unsigned checked(unsigned precision) {
    if (precision < detail::hll_min_precision || precision > detail::hll_max_precision) {
      detail::fail_argument("hyperloglog", "precision", precision, "4 to 21");
    }
    return precision;
  }

  void require_compatible(const hyperloglog& other) const {
    if (!is_compatible(other)) {
      detail::fail("quoin: hyperloglogs with different seeds cannot be combined");
    }
  }

  detail::hll_state<Allocator> state_;
  std::uint64_t seed_;
  [[no_unique_address]] Hash hash_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
