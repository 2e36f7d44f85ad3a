// SPDX-License-Identifier: BSL-1.0
/// @file
/// The count-min sketch of Apache DataSketches (datasketches-cpp), byte for byte.
///
/// Use it to read sketches that a C++ program with DataSketches wrote, to add to them or merge
/// them, and to write ones that it reads. For sketches of your own prefer `count_min_sketch`: half
/// the error at equal size, one hash per key instead of one per row, and counters that saturate.
///
/// Guarantee   the counters of datasketches-cpp with GNU's standard library after the same updates.
///             (Its seeds of the rows come from `std::default_random_engine`, which is another
///             generator in other standard libraries: the same sketch written there has the same
///             header and other counters.) Weights not negative: never below the truth; above it by
///             more than e / width · total with a chance of at most e^−depth.
/// Cost        add, estimate: one hash and one cache miss per row; `add_many` overlaps them.
/// Memory      width · depth weights, from the first add on.
/// Threads     like a standard container.
/// Bytes       docs/formats.md.
/// Source      datasketches-cpp count/; Cormode, Muthukrishnan 2005.
///
/// @code
/// quoin::datasketches_count_min hits({.width = 1 << 16, .depth = 4});   // weights: std::uint64_t
/// hits.add(std::string_view("/index.html"), 3);
/// std::vector<std::byte> bytes = hits.to_bytes();
/// auto read = quoin::datasketches_count_min<>::from_bytes(bytes);
/// std::uint64_t n = read ? read->estimate("/index.html") : 0;           // ≥ 3
/// @endcode
#ifndef QUOIN_INTEROP_DATASKETCHES_COUNT_MIN_HPP
#define QUOIN_INTEROP_DATASKETCHES_COUNT_MIN_HPP

#include <quoin/detail/assign.hpp>
#include <quoin/detail/bits.hpp>
#include <quoin/detail/datasketches_count_min_form.hpp>
#include <quoin/detail/datasketches_kernels.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/interop/datasketches_hash.hpp>

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

/// Which sketch.
struct datasketches_count_min_options {
  std::uint32_t width = 0;  ///< counters per row, at least 3; DataSketches' "num_buckets"
  unsigned depth = 0;       ///< rows, 1 to 255, width · depth below 2^30; "num_hashes"
  std::uint64_t seed = datasketches_hash::default_seed;  ///< sketches of one seed go together
};

/// The sketch. A value type; a moved-from one may only be destroyed, assigned to or swapped.
/// @tparam Weight     an integer or floating-point type of at most 8 bytes. Sums of unsigned and of
///                    signed weights wrap, as there: take one wide enough for the total.
/// @tparam Allocator  any standard allocator.
template <detail::count_min_weight Weight = std::uint64_t,
          class Allocator = std::allocator<std::byte>>
class datasketches_count_min {
 public:
  using weight_type = Weight;
  using allocator_type = Allocator;

  /// An empty sketch. Throws `std::invalid_argument` naming the option that is out of range.
  explicit datasketches_count_min(const datasketches_count_min_options& options,
                                  const Allocator& allocator = Allocator())
      : counters_(typename vector::allocator_type(allocator)),
        seeds_(typename seed_vector::allocator_type(allocator)) {
    constexpr const char* type = "datasketches_count_min";
    if (options.width < 3) detail::fail_argument(type, "width", options.width, "at least 3");
    if (options.depth < 1 || options.depth > 255) {
      detail::fail_argument(type, "depth", options.depth, "in [1, 255]");
    }
    if (!detail::is_count_min_size(options.width, options.depth)) {
      detail::fail_argument(type, "width", options.width, "below 2^30 / depth");
    }
    width_ = options.width;
    seed_ = options.seed;
    seeds_.resize(options.depth);
    detail::fill_count_min_seeds(seed_, seeds_);
  }

  /// A copy whose memory is from `allocator`.
  template <std::same_as<datasketches_count_min> Same>  // which braces are not: they are options
  datasketches_count_min(const Same& other, const Allocator& allocator)
      : counters_(other.counters_, typename vector::allocator_type(allocator)),
        seeds_(other.seeds_, typename seed_vector::allocator_type(allocator)),
        seed_(other.seed_),
        width_(other.width_),
        total_(other.total_) {}

  datasketches_count_min(const datasketches_count_min&) = default;
  datasketches_count_min(datasketches_count_min&&) noexcept = default;
  ~datasketches_count_min() = default;

  /// If there is no memory nothing changes.
  datasketches_count_min& operator=(const datasketches_count_min& other) {
    return detail::copy_assign(*this, other);
  }
  datasketches_count_min& operator=(datasketches_count_min&& other) noexcept(
      detail::move_assigns_in_place<Allocator>) {
    return detail::move_assign(*this, std::move(other));
  }

  /// Counts `key` `weight` more times. A key without bytes is ignored. O(depth).
  template <datasketches_key Key>
  void add(const Key& key, Weight weight = 1) {
    if (detail::datasketches_ignores(key) || weight == 0) return;
    make_counters();
    for (std::size_t row = 0; row < seeds_.size(); ++row) {
      Weight& counter = counters_[place(row, datasketches_hash{seeds_[row]}(key).lo)];
      counter = detail::wrapping_sum(counter, weight);
    }
    count_total(weight);
  }

  /// Counts every key of a contiguous range `weight` more times; cache misses overlap.
  template <class Keys>
  void add_many(const Keys& keys, Weight weight = 1) {
    const std::span all(keys);
    for (std::size_t first = 0; first < all.size(); first += batch) {
      add_batch(all.subspan(first, detail::min_of(batch, all.size() - first)), weight);
    }
  }

  /// How often `key` was counted: the least of its counters. 0 for a key without bytes. O(depth).
  template <datasketches_key Key>
  [[nodiscard]] Weight estimate(const Key& key) const noexcept {
    if (detail::datasketches_ignores(key) || counters_.empty()) return 0;
    Weight least = std::numeric_limits<Weight>::max();
    for (std::size_t row = 0; row < seeds_.size(); ++row) {
      least = detail::min_of(least, counters_[place(row, datasketches_hash{seeds_[row]}(key).lo)]);
    }
    return least;
  }

  /// `estimate(key)`: what the truth does not exceed unless weights were negative.
  template <datasketches_key Key>
  [[nodiscard]] Weight upper_bound(const Key& key) const noexcept {
    return estimate(key);
  }

  /// `estimate(key) − epsilon() · total()`, at least 0: the truth is below it with a chance of at
  /// most e^−depth. (DataSketches names its bounds the other way round.)
  template <datasketches_key Key>
  [[nodiscard]] Weight lower_bound(const Key& key) const noexcept {
    const Weight most = estimate(key);
    const double bound = static_cast<double>(most) - epsilon() * static_cast<double>(total_);
    if (!(bound > 0) || !(most > 0)) return Weight{0};
    return bound < static_cast<double>(most) ? static_cast<Weight>(bound) : most;
  }

  /// e / width: the error as a fraction of `total()` that is rarely exceeded.
  [[nodiscard]] double epsilon() const noexcept { return 2.718281828459045 / width_; }

  /// Adds the counts of `other`. Throws `std::invalid_argument`, with nothing changed, unless width,
  /// depth and seed are the same. O(width · depth).
  void merge(const datasketches_count_min& other) {
    if (!is_compatible(other)) {
      detail::fail("quoin: sketches of different width, depth or seed cannot be merged");
    }
    if (other.counters_.empty()) return;
    make_counters();
    for (std::size_t i = 0; i < counters_.size(); ++i) {
      counters_[i] = detail::wrapping_sum(counters_[i], other.counters_[i]);
    }
    total_ = detail::wrapping_sum(total_, other.total_);
  }

  /// True when both have the same width, depth and seed.
  [[nodiscard]] bool is_compatible(const datasketches_count_min& other) const noexcept {
    return width_ == other.width_ && seed_ == other.seed_ && seeds_.size() == other.seeds_.size();
  }

  /// Sum of the weights, each without its sign.
  [[nodiscard]] Weight total() const noexcept { return total_; }
  [[nodiscard]] bool empty() const noexcept { return total_ == 0; }
  [[nodiscard]] std::uint32_t width() const noexcept { return width_; }
  [[nodiscard]] unsigned depth() const noexcept { return static_cast<unsigned>(seeds_.size()); }
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

  /// Forgets every key.
  void clear() noexcept {
    counters_.clear();
    total_ = 0;
  }

  void swap(datasketches_count_min& other) noexcept { detail::swap_whole(*this, other); }
  friend void swap(datasketches_count_min& a, datasketches_count_min& b) noexcept { a.swap(b); }

  /// Equal parameters and counters.
  friend bool operator==(const datasketches_count_min& a,
                         const datasketches_count_min& b) noexcept {
    return a.is_compatible(b) && a.total_ == b.total_ && (a.empty() || a.counters_ == b.counters_);
  }

  [[nodiscard]] allocator_type get_allocator() const noexcept {
    return allocator_type(counters_.get_allocator());
  }

  /// Size of `to_bytes()`. O(1).
  [[nodiscard]] std::size_t serialized_size() const noexcept {
    return detail::count_min_header + (empty() ? 0 : (1 + counters_.size()) * sizeof(Weight));
  }

  /// Writes the form to the front of `out`, which has `serialized_size()` bytes at least (else
  /// throws `std::invalid_argument`); returns the bytes written. O(width · depth).
  std::size_t write_to(std::span<std::byte> out) const {
    const std::size_t size = serialized_size();
    if (out.size() < size) {
      detail::fail_argument("datasketches_count_min", "out.size()", out.size(),
                            "serialized_size()");
    }
    detail::write_count_min_header({width_, depth(), datasketches_hash{seed_}.seed_hash(), empty()},
                                   out.data());
    if (empty()) return size;
    std::byte* at = out.data() + detail::count_min_header;
    detail::store_weight(at, total_);
    for (const Weight counter : counters_) detail::store_weight(at += sizeof(Weight), counter);
    return size;
  }

  /// What DataSketches' `serialize` gives.
  [[nodiscard]] std::vector<std::byte> to_bytes() const {
    std::vector<std::byte> bytes(serialized_size());
    write_to(bytes);
    return bytes;
  }

  /// The sketch in `bytes`, which end where it ends, or why not. The form has 16 bits of the hash of
  /// its seed: give the seed itself, and the type of its weights, which it does not name. Never
  /// throws for the content of `bytes`; allocates their size and 8 bytes per row. O(size).
  [[nodiscard]] static expected<datasketches_count_min, error> from_bytes(
      std::span<const std::byte> bytes, std::uint64_t seed = datasketches_hash::default_seed,
      const Allocator& allocator = Allocator()) {
    const auto header = detail::read_count_min_header(bytes, sizeof(Weight));
    if (!header) return unexpected(header.error());
    if (header->seed_hash != datasketches_hash{seed}.seed_hash()) {
      return unexpected(error(errc::incompatible, 13, "quoin: a sketch of another seed"));
    }
    datasketches_count_min sketch({header->width, header->depth, seed}, allocator);
    if (header->empty) return sketch;
    const auto weight_at = [&](std::size_t i) {
      return detail::load_weight<Weight>(&bytes[detail::count_min_header + i * sizeof(Weight)]);
    };
    sketch.total_ = weight_at(0);
    sketch.make_counters();
    for (std::size_t i = 0; i < sketch.counters_.size(); ++i)
      sketch.counters_[i] = weight_at(i + 1);
    const std::span<const Weight> counters(sketch.counters_);
    if (!detail::are_count_min_counters(counters, sketch.width_, sketch.total_)) {
      return unexpected(error(errc::bad_value, detail::count_min_header,
                              "quoin: counters that contradict the total weight"));
    }
    return sketch;
  }

 private:
  using vector =
      std::vector<Weight, typename std::allocator_traits<Allocator>::template rebind_alloc<Weight>>;
  using seed_vector =
      std::vector<std::uint64_t,
                  typename std::allocator_traits<Allocator>::template rebind_alloc<std::uint64_t>>;

  static constexpr std::size_t batch = 64;

  void make_counters() {
    if (counters_.empty()) counters_.resize(std::size_t{width_} * seeds_.size());
  }

  /// Index of the counter in `row` of a key that hashes to `hash` there: hash mod width, without a
  /// division.
  [[nodiscard]] std::size_t place(std::size_t row, std::uint64_t hash) const noexcept {
    const std::uint64_t inverse = ~std::uint64_t{0} / width_;
    std::uint64_t left = hash - detail::mul_high(hash, inverse) * width_;
    if (left >= width_) left -= width_;  // the quotient is at most one too small
    return row * width_ + static_cast<std::size_t>(left);
  }

  void count_total(Weight weight) noexcept {
    if constexpr (std::is_signed_v<Weight>) {
      if (weight < 0) weight = detail::wrapping_negative(weight);
    }
    total_ = detail::wrapping_sum(total_, weight);
  }

  template <class Key, std::size_t Extent>
  void add_batch(std::span<Key, Extent> keys, Weight weight) {
    if (weight == 0) return;
    if constexpr (detail::datasketches_number<std::remove_cv_t<Key>>) {
      make_counters();
      std::uint64_t words[batch], hashes[batch];
      std::size_t places[batch];
      for (std::size_t i = 0; i < keys.size(); ++i) words[i] = detail::datasketches_word(keys[i]);
      const auto kernels = detail::datasketches_kernels_of(active_isa());
      for (std::size_t row = 0; row < seeds_.size(); ++row) {
        kernels.low_hashes(words, keys.size(), seeds_[row], hashes);
        for (std::size_t i = 0; i < keys.size(); ++i) {
          places[i] = place(row, hashes[i]);
          __builtin_prefetch(&counters_[places[i]], 1);
        }
        for (std::size_t i = 0; i < keys.size(); ++i) {
          counters_[places[i]] = detail::wrapping_sum(counters_[places[i]], weight);
        }
      }
      for (std::size_t i = 0; i < keys.size(); ++i) count_total(weight);
    } else {
      for (const Key& key : keys) add(key, weight);
    }
  }

  vector counters_;  // row by row; none while empty
  seed_vector seeds_;
  std::uint64_t seed_ = 0;
  std::uint32_t width_ = 0;
  Weight total_ = 0;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
