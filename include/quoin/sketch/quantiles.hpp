// SPDX-License-Identifier: BSL-1.0
/// @file
/// Percentiles of a stream within a promised relative error: "what is the 99th, to 1 %?".
///
/// Use it for latencies, sizes, prices: numbers that spread over orders of magnitude and of which
/// the high percentiles matter. Sketches of parts (hosts, minutes) merge into exactly the sketch of
/// the whole. Sort the numbers themselves when they are few and the answer must be one of them.
///
/// Guarantee   `quantile(q)` is within `relative_accuracy` (1 %) of the true q-quantile, whatever
///             the distribution; not 1 % of the rank, as in other sketches, but of the value: the
///             99.9th percentile of a long tail comes out as right as the median. `quantile_bounds`
///             contains the true one for certain. It holds for 128 octaves of values of either sign
///             below the largest of them (a nanosecond beside 10^22 years): `collapsed_count()`.
/// Cost        insert: one table of 512 bytes, one counter; no logarithm. quantile, merge: O(size).
/// Memory      8 bytes for each bucket between the least and the greatest value: 280 an octave at
///             1 %, 2 KiB for values that span a factor of 100; growing by doubling.
/// Threads     like a standard container.
/// Bytes       format 0x0204, docs/formats.md; the same for the same values in any order, merged in
///             any order, on every platform.
/// Source      Masson, Rim, Lee 2019, "DDSketch"; the buckets: detail/sketch_quantile_mapping.hpp.
///
/// @code
/// quoin::quantile_sketch latency({.relative_accuracy = 0.01});
/// latency.insert(0.023);
/// latency.insert_many(samples);
/// double p99 = latency.quantile(0.99);
/// latency.merge(of_another_host);
/// double within_slo = latency.cdf(0.2);  // share of values up to 0.2
/// @endcode
#ifndef QUOIN_SKETCH_QUANTILES_HPP
#define QUOIN_SKETCH_QUANTILES_HPP

#include <quoin/detail/assign.hpp>
#include <quoin/detail/bits.hpp>
#include <quoin/detail/cpu.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/frame.hpp>
#include <quoin/detail/sketch_quantile_bytes.hpp>
#include <quoin/detail/sketch_quantile_mapping.hpp>
#include <quoin/detail/sketch_quantile_simd.hpp>
#include <quoin/detail/sketch_quantile_store.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How exact, and for how wide a range of values.
struct quantile_options {
  double relative_accuracy = 0.01;  ///< [0.0001, 0.5]: the largest relative error of a quantile
  std::uint32_t max_buckets = 0;    ///< for each sign, ≥ 1; 0 for 128 octaves of them
};

/// An interval that contains a value: `lower` ≤ it ≤ `upper`.
struct quantile_range {
  double lower;
  double upper;
  friend bool operator==(const quantile_range&, const quantile_range&) = default;
};

/// The sketch. A value type; a moved-from one may only be destroyed, assigned to or swapped.
///
/// Any double may be inserted. Zero and numbers below 2.3e-308 in magnitude are zero to it (`min`
/// and `max` are exact all the same); infinities rank where they belong; NaN, which has no rank, is
/// left out and counted by `nan_count()`.
/// @tparam Allocator  any standard allocator.
template <class Allocator = std::allocator<std::byte>>
class quantile_sketch {
 public:
  using allocator_type = Allocator;

  /// An empty sketch of 1 % accuracy.
  quantile_sketch() requires std::default_initializable<Allocator>
      : quantile_sketch(quantile_options()) {}

  /// An empty sketch. Throws `std::invalid_argument` naming the option that is out of range.
  explicit quantile_sketch(const quantile_options& options,
                           const Allocator& allocator = Allocator())
      : quantile_sketch(allocator, plan_of(options)) {}

  /// A copy whose memory is from `allocator`.
  template <std::same_as<quantile_sketch> Same>  // which braces are not: they are options
  quantile_sketch(const Same& other, const Allocator& allocator)
      : mapping_(other.mapping_, allocator),
        negative_(other.negative_, allocator),
        positive_(other.positive_, allocator),
        tally_(other.tally_) {}

  quantile_sketch(const quantile_sketch&) = default;
  quantile_sketch(quantile_sketch&&) noexcept = default;
  ~quantile_sketch() = default;

  /// If there is no memory nothing changes.
  quantile_sketch& operator=(const quantile_sketch& other) {
    return detail::copy_assign(*this, other);
  }
  quantile_sketch& operator=(quantile_sketch&& other) noexcept(
      detail::move_assigns_in_place<Allocator>) {
    return detail::move_assign(*this, std::move(other));
  }

  // --- insert -----------------------------------------------------------------------------------

  /// Inserts `value`. O(1) amortized. Throws what the allocator does, and as with a weight when 2^63
  /// values are in, with nothing changed.
  void insert(double value) {
    if (tally_.count >= detail::most_quantile_values) [[unlikely]]
      fail_full(1);
    insert_unchecked(value, 1);
  }

  /// Inserts `value` `weight` times at once. Throws `std::invalid_argument`, with nothing changed,
  /// if the count would exceed 2^63.
  void insert(double value, std::uint64_t weight) {
    if (weight == 0) return;
    if (!has_room_for(weight)) fail_full(weight);
    insert_unchecked(value, weight);
  }

  /// Inserts every value of a contiguous range of numbers: the same as one by one, faster. If there
  /// is no memory some of them are in.
  template <class Values>
  void insert_many(const Values& values) {
    const std::span all(values);
    using value = typename decltype(all)::value_type;
    static_assert(std::is_arithmetic_v<value>, "quantile_sketch: values must be numbers");
    const detail::quantile_kernel kernel = detail::quantile_kernel_of(active_isa());
    double converted[detail::quantile_block];
    for (std::size_t first = 0, n = 0; first < all.size(); first += n) {
      n = detail::min_of(all.size() - first, detail::quantile_block);
      if constexpr (std::same_as<value, double>) {
        insert_block(kernel, all.data() + first, n);
      } else {
        for (std::size_t i = 0; i < n; ++i) converted[i] = static_cast<double>(all[first + i]);
        insert_block(kernel, converted, n);
      }
    }
  }

  // --- quantiles --------------------------------------------------------------------------------

  /// The value below which a share `q` of all values lies: of the values in order, x_0 ≤ … ≤
  /// x_(n−1), that at ⌊q · (n − 1)⌋, within the relative accuracy. `quantile(0)` is the minimum and
  /// `quantile(1)` the maximum, exactly. NaN if the sketch is empty. Throws `std::invalid_argument`
  /// unless 0 ≤ q ≤ 1. O(size).
  [[nodiscard]] double quantile(double q) const {
    if (!(q >= 0 && q <= 1)) detail::fail_argument("quantile_sketch", "q", q, "in [0, 1]");
    if (empty()) return nan;
    const std::uint64_t rank = rank_of_quantile(q);
    if (rank == 0) return tally_.min;
    if (rank == tally_.count - 1) return tally_.max;
    return clamp(place_at(rank).estimate);
  }

  /// An interval that contains the true q-quantile for certain: as narrow as the accuracy
  /// promises, or as wide as all that collapsed. Both ends NaN if the sketch is empty. O(size).
  [[nodiscard]] quantile_range quantile_bounds(double q) const {
    if (!(q >= 0 && q <= 1)) detail::fail_argument("quantile_sketch", "q", q, "in [0, 1]");
    if (empty()) return {nan, nan};
    const place there = place_at(rank_of_quantile(q));
    return {clamp(there.lower), clamp(there.upper)};
  }

  /// How many values are at most `value`, or at most one that is larger by less than twice the
  /// relative accuracy (closer to 0 if `value` is negative). 0 for NaN. Values that were collapsed count
  /// as if they were at 0: see `collapsed_count()`. O(size).
  [[nodiscard]] std::uint64_t rank(double value) const noexcept {
    if (value != value) return 0;
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
    const std::uint64_t magnitude = bits & ~detail::sign_bit;
    const bool is_negative = (bits & detail::sign_bit) != 0;
    std::uint64_t sum = tally_.negative_infinities;
    if (magnitude == detail::infinity_bits) return is_negative ? sum : tally_.count;
    if (is_negative && detail::has_bucket(magnitude)) {
      const std::uint32_t index = mapping_.map().index_of(magnitude);
      if (index < negative_.floor()) sum += negative_.below();
      return sum + count_between(negative_, index, ~std::uint32_t{0});
    }
    sum += negative_.below() + count_between(negative_, 0, ~std::uint32_t{0}) + tally_.zeros;
    if (!detail::has_bucket(magnitude)) return sum;
    return sum + positive_.below() +
           count_between(positive_, 0, mapping_.map().index_of(magnitude));
  }

  /// The share of values that are at most `value`: `rank(value) / count()`. NaN if the sketch is
  /// empty. O(size).
  [[nodiscard]] double cdf(double value) const noexcept {
    return empty() ? nan : static_cast<double>(rank(value)) / static_cast<double>(tally_.count);
  }

  // --- what is in it ----------------------------------------------------------------------------

  /// Values inserted, with their weights, but for NaN.
  [[nodiscard]] std::uint64_t count() const noexcept { return tally_.count; }
  [[nodiscard]] bool empty() const noexcept { return tally_.count == 0; }

  /// The least and the greatest value, exactly. NaN if the sketch is empty.
  [[nodiscard]] double min() const noexcept { return empty() ? nan : tally_.min; }
  [[nodiscard]] double max() const noexcept { return empty() ? nan : tally_.max; }

  /// The sum of all values from the buckets they are in, so that it does not depend on their order:
  /// within the relative accuracy if they have one sign, else within it of the sum of their
  /// magnitudes. NaN if there are infinities of both signs. O(size).
  [[nodiscard]] double sum() const noexcept {
    double sum = 0;
    if (tally_.negative_infinities != 0) sum -= infinity;
    if (tally_.positive_infinities != 0) sum += infinity;
    return sum + sum_of(positive_) - sum_of(negative_);
  }

  /// NaNs, which are left out of everything else.
  [[nodiscard]] std::uint64_t nan_count() const noexcept { return tally_.nans; }

  /// Values too small in magnitude, beside the largest of their sign, to have a bucket: more than
  /// `max_buckets()` below it. Quantiles that fall among them are only known to lie between 0 and
  /// the lowest bucket, and come out as that bucket's end; all others keep the guarantee.
  [[nodiscard]] std::uint64_t collapsed_count() const noexcept {
    return negative_.below() + positive_.below();
  }

  /// The relative error of a quantile, at most: what was asked for or a little better.
  [[nodiscard]] double relative_accuracy() const noexcept { return mapping_.relative_accuracy(); }

  /// Buckets that values of one sign may have; a bucket is 2 · `relative_accuracy()` wide.
  [[nodiscard]] std::uint32_t max_buckets() const noexcept { return positive_.most(); }

  /// Memory of all tables in bytes.
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return mapping_.size_bytes() + negative_.size_bytes() + positive_.size_bytes();
  }

  [[nodiscard]] allocator_type get_allocator() const noexcept {
    return allocator_type(mapping_.get_allocator());
  }

  // --- sets -------------------------------------------------------------------------------------

  /// True when both have the same accuracy and the same limit: then they can be merged.
  [[nodiscard]] bool is_compatible(const quantile_sketch& other) const noexcept {
    return mapping_.per_octave() == other.mapping_.per_octave() &&
           max_buckets() == other.max_buckets();
  }

  /// Makes this the sketch of the values of both, bit for bit. Throws `std::invalid_argument`, with
  /// nothing changed, unless `is_compatible(other)` and the count stays within 2^63. O(size).
  void merge(const quantile_sketch& other) {
    if (!is_compatible(other)) {
      detail::fail("quoin: quantile sketches of different accuracy or limit cannot be merged");
    }
    if (!has_room_for(other.count())) {
      detail::fail("quoin: quantile sketches of more than 2^63 values cannot be merged");
    }
    if (negative_.covers(other.negative_.used()) && positive_.covers(other.positive_.used())) {
      return add(other);
    }
    quantile_sketch both(*this, get_allocator());  // memory may be refused to one sign of two
    both.add(other);
    detail::replace(*this, std::move(both));
  }

  /// Forgets every value.
  void clear() noexcept {
    negative_.clear();
    positive_.clear();
    tally_ = {};
  }

  void swap(quantile_sketch& other) noexcept { detail::swap_whole(*this, other); }
  friend void swap(quantile_sketch& a, quantile_sketch& b) noexcept { a.swap(b); }

  /// Equal options and buckets: what equal values give in any order.
  friend bool operator==(const quantile_sketch& a, const quantile_sketch& b) noexcept {
    return a.is_compatible(b) && a.tally_ == b.tally_ && a.negative_ == b.negative_ &&
           a.positive_ == b.positive_;
  }

  // --- bytes ------------------------------------------------------------------------------------

  /// Size of the native form in bytes: a byte or two for each bucket in use. O(size).
  [[nodiscard]] std::size_t serialized_size() const noexcept {
    return detail::framed_size(detail::quantile_parameters, payload_size());
  }

  /// Writes the native form to the front of `out`, which has `serialized_size()` bytes at least
  /// (else throws `std::invalid_argument`); returns the bytes written. O(size).
  std::size_t write_to(std::span<std::byte> out) const {
    const std::size_t size = serialized_size();
    if (out.size() < size) {
      detail::fail_argument("quantile_sketch", "size of the output", out.size(),
                            "serialized_size() at least");
    }
    detail::write_quantile_form(out.first(size), {mapping_.per_octave(), max_buckets()}, tally_,
                                negative_, positive_);
    return size;
  }

  /// The native form. O(size).
  [[nodiscard]] std::vector<std::byte> to_bytes() const {
    std::vector<std::byte> bytes(serialized_size());
    write_to(bytes);
    return bytes;
  }

  /// The sketch that `to_bytes` wrote, or why not. Never throws for the content of `bytes`; memory
  /// asked for is at most 12 bytes for each of them and 66 KiB. O(size).
  [[nodiscard]] static expected<quantile_sketch, error> from_bytes(
      std::span<const std::byte> bytes, const Allocator& allocator = Allocator()) {
    const auto form = detail::read_quantile_form(bytes);
    if (!form) return unexpected(form.error());
    const auto bad = [](std::uint64_t position, const char* text) {
      return unexpected(error{errc::bad_value, position, text});
    };
    quantile_sketch sketch(allocator, form->plan);
    sketch.tally_ = form->tally;
    detail::counter_reader reader(form->payload);
    std::uint64_t* const count = &sketch.tally_.count;
    if (!detail::read_counters(reader, form->negative, sketch.negative_, count)) {
      return bad(104, "quoin: negative counters are damaged or too many");
    }
    if (!detail::read_counters(reader, form->positive, sketch.positive_, count) ||
        reader.bytes_left() != 0) {
      return bad(104, "quoin: positive counters are damaged or too many");
    }
    if (!sketch.has_credible_ends()) return bad(64, "quoin: minimum or maximum is in no bucket");
    return sketch;
  }

 private:
  using store = detail::bucket_store<Allocator>;
  using traits = typename std::allocator_traits<Allocator>;

  static constexpr double infinity = std::numeric_limits<double>::infinity();
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  /// Where a value may be, and what to say for it.
  struct place {
    double lower;
    double upper;
    double estimate;
  };

  // The allocator goes first: `({}, allocator)` must mean the options.
  quantile_sketch(const Allocator& allocator, detail::quantile_plan p)
      : mapping_(p.per_octave, allocator),
        negative_(p.max_buckets, allocator),
        positive_(p.max_buckets, allocator) {}

  /// B = ⌈ln 2 / ln γ⌉ buckets an octave, γ = (1 + α) / (1 − α) being the widest that α permits.
  [[nodiscard]] static detail::quantile_plan plan_of(const quantile_options& options) {
    const double accuracy = options.relative_accuracy;
    if (!(accuracy >= 0.00009999 && accuracy <= 0.5)) {  // 0.0001 is rounded down to 0.000099995
      detail::fail_argument("quantile_sketch", "relative_accuracy", accuracy, "in [0.0001, 0.5]");
    }
    // A little less, so that rounding, which differs between platforms, never decides, and so that
    // a sketch's own accuracy gives its B again.
    const double ideal =
        0.69314718055994531 / __builtin_log1p(2 * accuracy / (1 - accuracy)) * (1 - 1e-12);
    const auto whole = static_cast<std::uint32_t>(ideal);
    const std::uint32_t per_octave = whole + (static_cast<double>(whole) < ideal);
    const std::uint32_t all = detail::octaves_of_double * per_octave;
    const std::uint32_t wanted = options.max_buckets == 0 ? 128 * per_octave : options.max_buckets;
    return {per_octave, detail::min_of(wanted, all)};
  }

  // --- insert -----------------------------------------------------------------------------------

  [[nodiscard]] bool has_room_for(std::uint64_t n) const noexcept {
    return n <= detail::most_quantile_values && tally_.count <= detail::most_quantile_values - n;
  }

  [[noreturn]] QUOIN_COLD static void fail_full(std::uint64_t weight) {
    detail::fail_argument("quantile_sketch", "weight", weight,
                          "such that the count is at most 2^63");
  }

  QUOIN_ALWAYS_INLINE void insert_unchecked(double value, std::uint64_t weight) {
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
    const std::uint64_t magnitude = bits & ~detail::sign_bit;
    if (!detail::has_bucket(magnitude)) [[unlikely]]
      return insert_special(value, weight);
    (bits == magnitude ? positive_ : negative_).add(mapping_.map().index_of(magnitude), weight);
    note(value, value, weight);
  }

  QUOIN_COLD void insert_special(double value, std::uint64_t weight) noexcept {
    if (value != value) {
      tally_.nans = saturating_sum(tally_.nans, weight);
      return;
    }
    if (value == infinity) {
      tally_.positive_infinities += weight;
    } else if (value == -infinity) {
      tally_.negative_infinities += weight;
    } else {
      tally_.zeros += weight;
      if (value == 0) value = 0;  // of −0 and 0 the one that came first would stay
    }
    note(value, value, weight);
  }

  [[nodiscard]] static std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) noexcept {
    return a + b < a ? ~std::uint64_t{0} : a + b;
  }

  void note(double least, double greatest, std::uint64_t weight) noexcept {
    tally_.count += weight;
    tally_.min = detail::min_of(tally_.min, least);
    tally_.max = detail::max_of(tally_.max, greatest);
  }

  void insert_block(detail::quantile_kernel kernel, const double* values, std::size_t n) {
    if (!has_room_for(n)) [[unlikely]]
      fail_full(n);
    const detail::bucket_map map = mapping_.map();
    std::uint32_t indices[detail::quantile_block];
    detail::block_ends ends;
    if (kernel(map, values, n, indices, &ends) &&
        positive_.make_room({map.index_of(std::bit_cast<std::uint64_t>(ends.least)),
                             map.index_of(std::bit_cast<std::uint64_t>(ends.greatest))})) {
      positive_.add_all(indices, n);
      note(ends.least, ends.greatest, n);
    } else {
      for (std::size_t i = 0; i < n; ++i) insert(values[i]);
    }
  }

  void add(const quantile_sketch& other) {
    negative_.merge(other.negative_);
    positive_.merge(other.positive_);
    tally_.zeros += other.tally_.zeros;
    tally_.nans = saturating_sum(tally_.nans, other.tally_.nans);
    tally_.negative_infinities += other.tally_.negative_infinities;
    tally_.positive_infinities += other.tally_.positive_infinities;
    note(other.tally_.min, other.tally_.max, other.tally_.count);
  }

  // --- reading ----------------------------------------------------------------------------------

  [[nodiscard]] std::uint64_t rank_of_quantile(double q) const noexcept {
    const std::uint64_t last = tally_.count - 1;
    return detail::min_of(last, static_cast<std::uint64_t>(q * static_cast<double>(last)));
  }

  [[nodiscard]] double clamp(double x) const noexcept {
    return detail::min_of(tally_.max, detail::max_of(tally_.min, x));
  }

  [[nodiscard]] static std::uint64_t count_between(const store& side, std::uint32_t first,
                                                   std::uint32_t last) noexcept {
    const detail::bucket_range range = side.used();
    std::uint64_t sum = 0;
    for (std::uint32_t i = detail::max_of(first, range.first);
         i <= detail::min_of(last, range.last); ++i) {
      sum += side.count(i);
    }
    return sum;
  }

  [[nodiscard]] place bucket(std::uint32_t index) const noexcept {
    const double lower = mapping_.lower_bound(index);
    return {lower, mapping_.lower_bound(index + 1), lower * (1 + relative_accuracy())};
  }
  [[nodiscard]] place below(const store& side) const noexcept {
    const double end = mapping_.lower_bound(side.floor());
    return {0, end, end};
  }
  [[nodiscard]] static place mirrored(const place& p) noexcept {
    return {-p.upper, -p.lower, -p.estimate};
  }

  /// Where the value is that has `rank` < count() values before it.
  [[nodiscard]] place place_at(std::uint64_t rank) const noexcept {
    const auto within = [&rank](std::uint64_t n) {
      if (rank < n) return true;
      rank -= n;
      return false;
    };
    constexpr double least_normal = std::numeric_limits<double>::min();
    if (within(tally_.negative_infinities)) return {-infinity, -infinity, -infinity};
    const detail::bucket_range left = negative_.used(), right = positive_.used();
    for (std::uint32_t i = left.size(); i-- != 0;) {
      if (within(negative_.count(left.first + i))) return mirrored(bucket(left.first + i));
    }
    if (within(negative_.below())) return mirrored(below(negative_));
    if (within(tally_.zeros)) return {-least_normal, least_normal, 0};
    if (within(positive_.below())) return below(positive_);
    for (std::uint32_t i = right.first; i <= right.last; ++i) {
      if (within(positive_.count(i))) return bucket(i);
    }
    return {infinity, infinity, infinity};
  }

  [[nodiscard]] double sum_of(const store& side) const noexcept {
    const detail::bucket_range range = side.used();
    double sum = 0;
    if (side.below() != 0) sum = static_cast<double>(side.below()) * below(side).estimate;
    for (std::uint32_t i = range.first; i <= range.last; ++i) {
      if (side.count(i) != 0) sum += static_cast<double>(side.count(i)) * bucket(i).estimate;
    }
    return sum;
  }

  // --- bytes ------------------------------------------------------------------------------------

  [[nodiscard]] std::size_t payload_size() const noexcept {
    return detail::counters_size(negative_) + detail::counters_size(positive_);
  }

  /// Whether minimum and maximum are where the counters say.
  [[nodiscard]] bool has_credible_ends() const noexcept {
    const auto is_within = [](double x, const place& p) { return x >= p.lower && x <= p.upper; };
    const auto is_negative_zero = [](double x) {
      return std::bit_cast<std::uint64_t>(x) == detail::sign_bit;
    };
    if (empty()) return tally_.min == infinity && tally_.max == -infinity;
    return is_within(tally_.min, place_at(0)) && is_within(tally_.max, place_at(count() - 1)) &&
           tally_.min <= tally_.max && !is_negative_zero(tally_.min) &&
           !is_negative_zero(tally_.max);
  }

  detail::log_mapping<Allocator> mapping_;
  store negative_;  ///< of the magnitudes of negative values
  store positive_;
  detail::quantile_tally tally_;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
