// SPDX-License-Identifier: BSL-1.0
/// @file
/// The `hll` type of postgresql-hll (and of java-hll, js-hll, Citus), byte for byte.
///
/// Use it to fill a column of sketches outside the database, or to read and merge what it holds.
/// For sketches of your own prefer `hyperloglog`, whose estimates are better in the middle range.
///
/// Guarantee   the bytes of storage specification 1.0.0 as the extension writes them, and its
///             `hll_cardinality`. Exact up to the explicit threshold (160 elements by default);
///             relative standard error 1.04 / √m after it.
/// Cost        O(1) per element, O(log n + n) of a small n while explicit; `estimate` O(m).
/// Memory      8 bytes per element while explicit, then m bytes.
/// Threads     like a standard container.
/// Bytes       docs/formats.md#postgresql-hll.
/// Source      aggregateknowledge/hll-storage-spec, STORAGE.md 1.0.0; promotion, ranks and estimates
///             as in citusdata/postgresql-hll 2.
///
/// @code
/// quoin::postgresql_hyperloglog users;              // hll_empty()
/// users.add("alice");                               // hll_add(users, hll_hash_text('alice'))
/// users.add(std::int64_t{42});                      // hll_add(users, hll_hash_bigint(42))
/// std::vector<std::byte> bytea = users.to_bytes();  // bytea::hll
/// @endcode
#ifndef QUOIN_INTEROP_POSTGRESQL_HYPERLOGLOG_HPP
#define QUOIN_INTEROP_POSTGRESQL_HYPERLOGLOG_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/postgresql_hll_form.hpp>
#include <quoin/hash/hash.hpp>
#include <quoin/hash/murmur3.hpp>

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// A value as a column of PostgreSQL holds it: boolean, integers of 2, 4 or 8 bytes (smallint,
/// integer, bigint: their hashes differ), text or bytea (strings and spans of bytes).
template <class T>
concept postgresql_value =
    (std::integral<T> && sizeof(T) <= 8) || detail::byte_range<T> || detail::c_string<T>;

/// The hash of `hll_hash_boolean`, `_smallint`, `_integer`, `_bigint`, `_text` and `_bytea`:
/// the first half of MurmurHash3_x64_128 of the value's bytes, little-endian.
struct postgresql_hyperloglog_hash {
  using is_avalanching = void;
  using is_transparent = void;

  std::uint32_t seed = 0;  ///< the second argument of those functions

  template <postgresql_value T>
  [[nodiscard]] constexpr std::uint64_t operator()(const T& value) const noexcept {
    if constexpr (detail::c_string<T> && !detail::byte_range<T>) {
      return murmur3_x64_128(std::string_view(value), seed).lo;
    } else if constexpr (detail::byte_range<T>) {
      return murmur3_x64_128(value, seed).lo;
    } else {
      std::array<unsigned char, sizeof(T)> bytes{};
      for (std::size_t i = 0; i < sizeof(T); ++i) {
        bytes[i] = static_cast<unsigned char>(static_cast<std::uint64_t>(value) >> (8 * i));
      }
      return murmur3_x64_128(bytes, seed).lo;
    }
  }
};

/// The type modifiers of a column: `hll(log2m, regwidth, expthresh, sparseon)`.
struct postgresql_hyperloglog_options {
  unsigned log2m = 11;          ///< log2 of the number of registers, 4 to 17
  unsigned register_width = 5;  ///< bits of a register, 1 to 8; 6 counts on beyond 10^10
  /// Elements kept as they are: a power of two up to 2^30, 0 for none, −1 for as many as take the
  /// bytes of the full form.
  int explicit_threshold = -1;
  bool sparse = true;  ///< write few registers as pairs of index and value
  /// `hll_set_max_sparse`: the most registers to write so; −1 for as many as take fewer bits than
  /// the full form. Of the session, not of the column, so not in the bytes.
  int max_sparse = -1;
};

/// The sketch. A value type; a moved-from one may only be destroyed, assigned to or swapped.
/// @tparam Allocator  any standard allocator.
template <class Allocator>
class basic_postgresql_hyperloglog {
 public:
  using hasher_type = postgresql_hyperloglog_hash;
  using allocator_type = Allocator;

  /// How the bytes hold the elements. `undefined` is the result of an operation on no hll: it
  /// takes part in everything and remains undefined.
  using kind_type = detail::postgresql_type;

  /// An empty sketch with the extension's defaults.
  basic_postgresql_hyperloglog() requires std::default_initializable<Allocator>
      : basic_postgresql_hyperloglog(postgresql_hyperloglog_options()) {}

  /// An empty sketch. Throws `std::invalid_argument` naming the option that is out of range.
  explicit basic_postgresql_hyperloglog(const postgresql_hyperloglog_options& options,
                                        const Allocator& allocator = Allocator())
      : basic_postgresql_hyperloglog(plan(options), options.max_sparse, allocator) {}

  /// `hll_add` of a value hashed with seed 0: true if that changed the sketch.
  template <postgresql_value Value>
  bool add(const Value& value) {
    return add_hash(postgresql_hyperloglog_hash{}(value));
  }

  /// `hll_add` of an `hll_hashval`.
  bool add_hash(std::uint64_t hash) {
    switch (state_) {
      case state::undefined:
        return false;
      case state::registers:
        return raise(hash);
      default:
        return add_element(hash);
    }
  }

  /// `add` of every value of a contiguous range: true if one changed the sketch.
  template <class Values>
  bool add_many(const Values& values) {
    bool changed = false;
    for (const auto& value : std::span(values)) changed |= add(value);
    return changed;
  }

  /// `add_hash` of each.
  bool add_hash_many(std::span<const std::uint64_t> hashes) {
    bool changed = false;
    for (const std::uint64_t hash : hashes) changed |= add_hash(hash);
    return changed;
  }

  /// `hll_cardinality`: exact while explicit; then the estimator of Flajolet et al. 2007 with
  /// linear counting below 2.5 m. NaN when undefined (the database says NULL) and when
  /// every register is at its highest. O(m).
  [[nodiscard]] double estimate() const noexcept {
    if (state_ == state::undefined) return std::numeric_limits<double>::quiet_NaN();
    if (state_ != state::registers) return static_cast<double>(elements_.size());
    const auto m = static_cast<double>(registers_.size());
    double sum = 0, zeros = 0;
    for (const std::uint8_t rank : registers_) {
      sum += 1.0 / static_cast<double>(std::uint64_t{1} << rank);
      zeros += rank == 0;
    }
    const double raw = alpha() * m * m / sum;
    if (zeros != 0 && raw < 2.5 * m) return m * __builtin_log(m / zeros);
    // Where the ranks that a register can hold run out, hashes collide.
    const double range =
        __builtin_ldexp(1.0, static_cast<int>((1u << shape_.width) - 2 + shape_.log2m));
    return raw <= range / 30 ? raw : -range * __builtin_log(1 - raw / range);
  }

  /// `hll_union` into this: the sketch of the union. Throws `std::invalid_argument`, with nothing
  /// changed, unless all four modifiers are equal. Undefined if one of both is.
  void merge(const basic_postgresql_hyperloglog& other) {
    if (!is_compatible(other)) detail::fail("quoin: hll of different modifiers cannot be merged");
    if (this == &other || state_ == state::undefined) return;
    if (other.state_ == state::undefined) {
      clear();
      state_ = state::undefined;
      return;
    }
    if (state_ == state::elements && elements_.empty() && !explicit_empty_) {
      const int mine = max_sparse_;
      *this = other;
      max_sparse_ = mine;
      return;
    }
    if (other.state_ == state::registers) {
      take_registers();
      for (std::size_t i = 0; i < registers_.size(); ++i) {
        registers_[i] = detail::max_of(registers_[i], other.registers_[i]);
      }
    } else {
      for (const std::uint64_t element : other.elements_) add_hash(element);
    }
  }

  /// True when both have the same modifiers: then they can be merged.
  [[nodiscard]] bool is_compatible(const basic_postgresql_hyperloglog& other) const noexcept {
    return shape_ == other.shape_;
  }

  /// How `to_bytes` will hold the elements: `hll_type`. O(m).
  [[nodiscard]] kind_type kind() const noexcept {
    if (state_ == state::undefined) return kind_type::undefined;
    if (state_ == state::elements) {
      return elements_.empty() && !explicit_empty_ ? kind_type::empty : kind_type::explicit_set;
    }
    const std::size_t set = registers_set();
    const bool few = max_sparse_ < 0 ? set * shape_.pair_bits() < shape_.full_bits()
                                     : set <= static_cast<std::size_t>(max_sparse_);
    return shape_.sparse && few ? kind_type::sparse : kind_type::full;
  }

  /// The registers, 0 where no element went; none unless sparse or full. Register i is of hashes
  /// whose `log2m` low bits are i; its value counts the zeros from the next bit up, and one.
  [[nodiscard]] std::span<const std::uint8_t> registers() const noexcept { return registers_; }

  /// The hashes, ascending as signed numbers; none unless explicit.
  [[nodiscard]] std::span<const std::uint64_t> elements() const noexcept { return elements_; }

  /// Forgets every element.
  void clear() noexcept {
    elements_.clear();
    registers_.clear();
    state_ = state::elements;
    explicit_empty_ = false;
  }

  void swap(basic_postgresql_hyperloglog& other) noexcept {
    elements_.swap(other.elements_);
    registers_.swap(other.registers_);
    std::swap(shape_, other.shape_);
    std::swap(max_sparse_, other.max_sparse_);
    std::swap(state_, other.state_);
    std::swap(explicit_empty_, other.explicit_empty_);
  }
  friend void swap(basic_postgresql_hyperloglog& a, basic_postgresql_hyperloglog& b) noexcept {
    a.swap(b);
  }

  /// Equal modifiers and contents.
  friend bool operator==(const basic_postgresql_hyperloglog& a,
                         const basic_postgresql_hyperloglog& b) noexcept {
    return a.shape_ == b.shape_ && a.state_ == b.state_ && a.elements_ == b.elements_ &&
           a.registers_ == b.registers_ && a.explicit_empty_ == b.explicit_empty_;
  }

  [[nodiscard]] postgresql_hyperloglog_options options() const noexcept {
    const int cutoff = shape_.cutoff;
    const bool automatic = shape_.cutoff == detail::postgresql_automatic;
    return {shape_.log2m, shape_.width,
            automatic     ? -1
            : cutoff == 0 ? 0
                          : 1 << (cutoff - 1),
            shape_.sparse, max_sparse_};
  }
  [[nodiscard]] allocator_type get_allocator() const noexcept {
    return allocator_type(elements_.get_allocator());
  }

  /// Size of the bytes. O(m).
  [[nodiscard]] std::size_t serialized_size() const noexcept {
    switch (kind()) {
      case kind_type::explicit_set:
        return detail::postgresql_header + 8 * elements_.size();
      case kind_type::sparse:
        return detail::postgresql_header + (registers_set() * shape_.pair_bits() + 7) / 8;
      case kind_type::full:
        return detail::postgresql_header + (shape_.full_bits() + 7) / 8;
      default:
        return detail::postgresql_header;
    }
  }

  /// Writes the bytes to the front of `out`, which has `serialized_size()` at least (else throws
  /// `std::invalid_argument`); returns how many. O(m).
  std::size_t write_to(std::span<std::byte> out) const {
    const std::size_t size = serialized_size();
    if (out.size() < size) {
      detail::fail_argument("postgresql_hyperloglog::write_to", "out.size()", out.size(),
                            "serialized_size() at least");
    }
    const kind_type type = kind();
    detail::write_postgresql_header(type, shape_, out.data());
    std::byte* at = out.data() + detail::postgresql_header;
    for (const std::uint64_t element : elements_) {
      detail::store_be(at, element);
      at += 8;
    }
    detail::high_bit_writer bits(at);
    for (std::size_t i = 0; i < registers_.size(); ++i) {
      if (type == kind_type::full) {
        bits.put(registers_[i], shape_.width);
      } else if (registers_[i] != 0) {
        bits.put(std::uint64_t{i} << shape_.width | registers_[i], shape_.pair_bits());
      }
    }
    bits.finish();
    return size;
  }

  /// The bytes of `hll_send`, `hll::bytea`. O(m).
  [[nodiscard]] std::vector<std::byte> to_bytes() const {
    std::vector<std::byte> bytes(serialized_size());
    write_to(bytes);
    return bytes;
  }

  /// The sketch in `bytes`, or why not. Stricter than the extension: what no hash could have set,
  /// registers out of order and padding that is not 0 are refused. Never throws for the content;
  /// allocates what an explicit set has, else m ≤ 131,072 bytes. O(m).
  /// @param max_sparse  as in the options, for `to_bytes`
  [[nodiscard]] static expected<basic_postgresql_hyperloglog, error> from_bytes(
      std::span<const std::byte> bytes, int max_sparse = -1,
      const Allocator& allocator = Allocator()) {
    const auto header = detail::read_postgresql_header(bytes);
    if (!header) return unexpected(header.error());
    const auto data = bytes.subspan(detail::postgresql_header);
    basic_postgresql_hyperloglog sketch(header->shape, max_sparse, allocator);
    const auto read = sketch.load(*header, data);
    if (!read) return unexpected(read.error());
    return sketch;
  }

 private:
  enum class state : std::uint8_t { undefined, elements, registers };

  template <class T>
  using allocator_for = typename std::allocator_traits<Allocator>::template rebind_alloc<T>;

  basic_postgresql_hyperloglog(const detail::postgresql_shape& shape, int max_sparse,
                               const Allocator& allocator)
      : elements_(allocator_for<std::uint64_t>(allocator)),
        registers_(allocator_for<std::uint8_t>(allocator)),
        shape_(shape),
        max_sparse_(max_sparse) {}

  static detail::postgresql_shape plan(const postgresql_hyperloglog_options& o) {
    constexpr const char* type = "postgresql_hyperloglog";
    if (o.log2m < detail::postgresql_min_log2m || o.log2m > detail::postgresql_max_log2m) {
      detail::fail_argument(type, "log2m", o.log2m, "in [4, 17]");
    }
    if (o.register_width < 1 || o.register_width > 8) {
      detail::fail_argument(type, "register_width", o.register_width, "in [1, 8]");
    }
    const int threshold = o.explicit_threshold;
    const bool power = threshold > 0 && (threshold & (threshold - 1)) == 0;
    if (threshold != -1 && threshold != 0 && !power) {
      detail::fail_argument(type, "explicit_threshold", threshold, "-1, 0 or a power of two");
    }
    const auto log2 = std::bit_width(static_cast<unsigned>(power ? threshold : 0));
    const auto cutoff = static_cast<std::uint8_t>(threshold < 0 ? 63 : log2);
    return {static_cast<std::uint8_t>(o.log2m), static_cast<std::uint8_t>(o.register_width), cutoff,
            o.sparse};
  }

  expected<bool, error> load(const detail::postgresql_header_fields& header,
                             std::span<const std::byte> data) {
    switch (header.type) {
      case kind_type::explicit_set:
        elements_.reserve(detail::min_of(data.size() / 8, detail::postgresql_max_explicit));
        explicit_empty_ = data.empty();
        return detail::read_postgresql_elements(
            data, [this](std::uint64_t element) { elements_.push_back(element); });
      case kind_type::sparse:
      case kind_type::full:
        state_ = state::registers;
        if (header.type == kind_type::sparse || !data.empty()) {
          registers_.resize(shape_.registers());
        }
        return detail::read_postgresql_registers(data, header, registers_.data());
      default:
        if (header.type == kind_type::undefined) state_ = state::undefined;
        if (data.empty()) return true;
        return unexpected(error(errc::trailing_bytes, detail::postgresql_header,
                                "quoin: input goes on after the header"));
    }
  }

  /// α_m of Flajolet et al., with the constants of the extension.
  [[nodiscard]] double alpha() const noexcept {
    switch (shape_.log2m) {
      case 4:
        return 0.673;
      case 5:
        return 0.697;
      case 6:
        return 0.709;
      default:
        return 0.7213 / (1.0 + 1.079 / static_cast<double>(shape_.registers()));
    }
  }

  [[nodiscard]] std::size_t registers_set() const noexcept {
    std::size_t set = 0;
    for (const std::uint8_t rank : registers_) set += rank != 0;
    return set;
  }

  /// A hash whose bits above the index are all 0 raises nothing: so it is in the extension.
  bool raise(std::uint64_t hash) noexcept {
    const std::uint64_t bits = hash >> shape_.log2m;
    if (bits == 0) return false;
    const unsigned rank =
        detail::min_of(static_cast<unsigned>(std::countr_zero(bits)) + 1, shape_.max_rank());
    std::uint8_t& mine = registers_[static_cast<std::size_t>(hash) & (shape_.registers() - 1)];
    if (mine >= rank) return false;
    mine = static_cast<std::uint8_t>(rank);
    return true;
  }

  bool add_element(std::uint64_t hash) {
    std::size_t low = 0, high = elements_.size();
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      const bool before =
          static_cast<std::int64_t>(elements_[middle]) < static_cast<std::int64_t>(hash);
      (before ? low : high) = before ? middle + 1 : middle;
    }
    if (low < elements_.size() && elements_[low] == hash) return false;
    if (elements_.size() >= shape_.explicit_limit()) {
      take_registers();
      raise(hash);
    } else {
      elements_.insert(elements_.begin() + static_cast<std::ptrdiff_t>(low), hash);
      explicit_empty_ = false;
    }
    return true;
  }

  void take_registers() {
    if (state_ == state::registers) return;
    registers_.resize(shape_.registers());  // the only step that can fail
    for (const std::uint64_t element : elements_) raise(element);
    elements_.clear();
    elements_.shrink_to_fit();
    state_ = state::registers;
    explicit_empty_ = false;
  }

  std::vector<std::uint64_t, allocator_for<std::uint64_t>> elements_;
  std::vector<std::uint8_t, allocator_for<std::uint8_t>> registers_;
  detail::postgresql_shape shape_;
  int max_sparse_;
  state state_ = state::elements;
  bool explicit_empty_ = false;  ///< read as an explicit set of no elements
};

/// The sketch with the standard allocator.
using postgresql_hyperloglog = basic_postgresql_hyperloglog<std::allocator<std::byte>>;

}  // namespace quoin::inline QUOIN_ABI

#endif
