// SPDX-License-Identifier: BSL-1.0
/// @file
/// The HLL sketch of Apache DataSketches (Druid, Pinot, BigQuery, Snowflake, ClickHouse, …), byte
/// for byte: HLL_4, HLL_6 and HLL_8, compact and updatable.
///
/// Use it to read the sketches in a store that such a system filled, to add to them or merge them,
/// and to write ones that they read. For sketches of your own prefer `hyperloglog`: its bytes
/// depend on the set of keys alone, and it intersects.
///
/// Guarantee   after the same updates the bytes of datasketches-cpp, in every mode, type and
///             precision, and after a conversion or the union of two; unions of three and more in
///             any order give the same registers. Relative standard error 0.83 / √m for one
///             stream, 1.04 / √m after a merge (m = 2^precision); below 0.005 % while the keys are
///             few (up to 3/32 m).
/// Estimate    of one stream: DataSketches' own to the last bit (historic inverse probability).
///             After a merge: Ertl's improved estimator, which needs no interpolation tables; it
///             differs from DataSketches' by far less than the error of either.
/// Cost        insert: one cache line, 6 ns, 4.5 ns in a batch, half of it for the hash that the
///             format prescribes. merge: O(m).
/// Memory      one byte per register whatever the type, which counts in serialized forms only, and
///             4 bytes for each exception of HLL_4; before that 4 bytes per slot of a coupon.
/// Threads     like a standard container.
/// Bytes       detail/datasketches_hll_form.hpp, docs/formats.md.
/// Source      datasketches-cpp hll/; Flajolet et al. 2007; Ting 2014 and Cohen 2014 (the estimate
///             of one stream); Ertl 2017 (arXiv:1702.01284).
///
/// @code
/// quoin::datasketches_hll visitors({.precision = 12});
/// for (std::uint64_t user : users) visitors.insert(user);
/// std::vector<std::byte> bytes = visitors.to_bytes();       // compact: what other systems store
/// auto read = quoin::datasketches_hll<>::from_bytes(bytes);
/// if (read) visitors.merge(*read);
/// double distinct = visitors.estimate();
/// @endcode
#ifndef QUOIN_INTEROP_DATASKETCHES_HLL_HPP
#define QUOIN_INTEROP_DATASKETCHES_HLL_HPP

#include <quoin/detail/assign.hpp>
#include <quoin/detail/bits.hpp>
#include <quoin/detail/datasketches_coupons.hpp>
#include <quoin/detail/datasketches_hll_form.hpp>
#include <quoin/detail/datasketches_hll_read.hpp>
#include <quoin/detail/datasketches_kernels.hpp>
#include <quoin/detail/datasketches_registers.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/sketch_hll_estimate.hpp>
#include <quoin/interop/datasketches_hash.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// How registers are packed in a serialized form. The estimates are the same.
enum class datasketches_hll_type : std::uint8_t {
  hll_4,  ///< 4 bits and a table of exceptions: the smallest, and the default of DataSketches
  hll_6,  ///< 6 bits
  hll_8,  ///< 8 bits: the fastest to write and read
};

/// What a sketch consists of at the moment; it goes from one to the next as keys come.
enum class datasketches_hll_mode : std::uint8_t {
  list,       ///< up to 7 coupons in the order of arrival
  set,        ///< a hash set of coupons, from precision 8 on
  registers,  ///< DataSketches calls this mode HLL
};

/// The two serialized forms. Both are read back the same.
enum class datasketches_form : std::uint8_t {
  compact,    ///< without the empty slots of tables: for storage and transport
  updatable,  ///< as in DataSketches' memory, which can update it in place
};

/// Which sketch.
struct datasketches_hll_options {
  unsigned precision = 12;  ///< log2 of the registers, 4 to 21; DataSketches' "lg_k"
  datasketches_hll_type type = datasketches_hll_type::hll_4;
  bool start_full_size = false;  ///< begin with registers instead of a list of coupons
};

/// The sketch. A value type; a moved-from one may only be destroyed, assigned to or swapped.
/// @tparam Allocator  any standard allocator.
template <class Allocator = std::allocator<std::byte>>
class datasketches_hll {
 public:
  using allocator_type = Allocator;
  using hasher_type = datasketches_hash;

  /// An empty HLL_4 of precision 12.
  datasketches_hll() requires std::default_initializable<Allocator>
      : datasketches_hll(datasketches_hll_options{}, Allocator()) {}

  /// An empty sketch. Throws `std::invalid_argument` naming the option that is out of range.
  explicit datasketches_hll(const datasketches_hll_options& options,
                            const Allocator& allocator = Allocator())
      : datasketches_hll(allocator) {
    if (options.precision < 4 || options.precision > 21) {
      detail::fail_argument("datasketches_hll", "precision", options.precision, "in [4, 21]");
    }
    if (static_cast<unsigned>(options.type) > 2) {
      detail::fail_argument("datasketches_hll", "type", static_cast<unsigned>(options.type),
                            "hll_4, hll_6 or hll_8");
    }
    precision_ = static_cast<std::uint8_t>(options.precision);
    type_ = options.type;
    full_size_ = options.start_full_size;
    reset();
  }

  /// A copy whose memory is from `allocator`.
  template <std::same_as<datasketches_hll> Same>  // which braces are not: they are options
  datasketches_hll(const Same& other, const Allocator& allocator)
      : table_(other.table_, allocator),
        registers_(other.registers_, allocator),
        precision_(other.precision_),
        type_(other.type_),
        mode_(other.mode_),
        full_size_(other.full_size_) {}

  datasketches_hll(const datasketches_hll&) = default;
  datasketches_hll(datasketches_hll&&) noexcept = default;
  ~datasketches_hll() = default;

  /// If there is no memory nothing changes.
  datasketches_hll& operator=(const datasketches_hll& other) {
    return detail::copy_assign(*this, other);
  }
  datasketches_hll& operator=(datasketches_hll&& other) noexcept(
      detail::move_assigns_in_place<Allocator>) {
    return detail::move_assign(*this, std::move(other));
  }

  /// Adds a key. A string or span without bytes is ignored, as in DataSketches. O(1).
  template <datasketches_key Key>
  void insert(const Key& key) {
    if (!detail::datasketches_ignores(key)) insert_hash(datasketches_hash{}(key));
  }

  /// Adds the key whose `datasketches_hash` (of the default seed) is `hash`.
  void insert_hash(const hash128& hash) { insert_coupon(detail::make_coupon(hash.lo, hash.hi)); }

  /// Adds every key of a contiguous range, in its order: same bytes as `insert` of each.
  template <class Keys>
  void insert_many(const Keys& keys) {
    const std::span all(keys);
    std::uint32_t coupons[batch];
    for (std::size_t first = 0; first < all.size(); first += batch) {
      const auto part = all.subspan(first, detail::min_of(batch, all.size() - first));
      insert_coupons(std::span(coupons).first(coupons_of(part, coupons)));
    }
  }

  /// `insert_many` for keys hashed already.
  void insert_hash_many(std::span<const hash128> hashes) {
    std::uint32_t coupons[batch];
    for (std::size_t first = 0; first < hashes.size(); first += batch) {
      const std::size_t n = detail::min_of(batch, hashes.size() - first);
      for (std::size_t i = 0; i < n; ++i) {
        coupons[i] = detail::make_coupon(hashes[first + i].lo, hashes[first + i].hi);
      }
      insert_coupons(std::span(coupons).first(n));
    }
  }

  /// Distinct keys inserted, estimated. O(1) for one stream, O(m) after a merge.
  [[nodiscard]] double estimate() const noexcept {
    if (mode_ != datasketches_hll_mode::registers) return detail::coupon_estimate(table_.count());
    if (registers_.in_order()) return registers_.hip();
    const detail::register_summary s = registers_.sums();
    const double saturated = s.saturated * detail::inverse_power(63);
    return detail::hll_estimate(static_cast<double>(registers_.values().size()), s.zeros,
                                s.saturated, s.kxq0 - s.zeros + (s.kxq1 - saturated), 62);
  }

  /// Standard deviation of `estimate() / truth`, by the theory: about 5e-5 at most while the sketch
  /// has coupons, √(ln 2) / √m for one stream, √(3 ln 2 − 1) / √m after a merge.
  [[nodiscard]] double relative_standard_error() const noexcept {
    if (mode_ != datasketches_hll_mode::registers) return 0.409 / 8192;
    const auto m = static_cast<double>(registers_.values().size());
    return (registers_.in_order() ? 0.8325546111576977 : 1.0389617614136892) / __builtin_sqrt(m);
  }

  /// Makes this the sketch of the union. `other` may have another type or precision: this one keeps
  /// its type, and its precision unless `other` has registers; then it becomes the lower of the
  /// two. To merge many, begin with an empty sketch of
  /// the precision wanted. O(m). Strong guarantee.
  void merge(const datasketches_hll& other) {
    if (other.empty()) return;
    if (other.mode_ != datasketches_hll_mode::registers) {
      merge_coupons(other);
    } else {
      merge_registers(other);
    }
  }

  /// Changes how registers will be serialized. O(m) once there are registers.
  void set_type(datasketches_hll_type type) {
    if (type == type_) return;
    if (mode_ == datasketches_hll_mode::registers) {
      registers_.recount(type == datasketches_hll_type::hll_4);
    }
    type_ = type;
  }

  [[nodiscard]] datasketches_hll_type type() const noexcept { return type_; }
  [[nodiscard]] datasketches_hll_mode mode() const noexcept { return mode_; }

  /// log2 of the number of registers.
  [[nodiscard]] unsigned precision() const noexcept { return precision_; }

  /// False after a merge of registers: then the estimate is that of the registers alone.
  [[nodiscard]] bool in_order() const noexcept { return registers_.in_order(); }

  /// True when no key was inserted.
  [[nodiscard]] bool empty() const noexcept {
    return mode_ == datasketches_hll_mode::registers ? registers_.empty() : table_.count() == 0;
  }

  /// Forgets every key. Type, precision and whether to start with registers stay.
  void clear() {
    datasketches_hll fresh({precision_, type_, full_size_}, get_allocator());
    swap(fresh);
  }

  void swap(datasketches_hll& other) noexcept { detail::swap_whole(*this, other); }
  friend void swap(datasketches_hll& a, datasketches_hll& b) noexcept { a.swap(b); }

  /// Equal when the serialized forms are. Sketches of equal sets of keys that came in another order
  /// differ as a rule.
  friend bool operator==(const datasketches_hll& a, const datasketches_hll& b) noexcept {
    return a.precision_ == b.precision_ && a.type_ == b.type_ && a.mode_ == b.mode_ &&
           a.full_size_ == b.full_size_ && a.table_ == b.table_ && a.registers_ == b.registers_;
  }

  [[nodiscard]] allocator_type get_allocator() const noexcept { return registers_.get_allocator(); }

  /// Size of `to_bytes(form)`. O(1).
  [[nodiscard]] std::size_t serialized_size(
      datasketches_form form = datasketches_form::compact) const noexcept {
    const bool compact = form == datasketches_form::compact;
    const std::size_t header = detail::hll_preamble(static_cast<unsigned>(mode_));
    if (mode_ != datasketches_hll_mode::registers) {
      return header + 4 * (compact ? table_.count() : table_.slots().size());
    }
    const std::size_t registers =
        detail::hll_register_bytes(static_cast<unsigned>(type_), precision_);
    if (type_ != datasketches_hll_type::hll_4) return header + registers;
    const auto& exceptions = registers_.exceptions();
    if (compact) return header + registers + 4 * exceptions.count();
    const std::size_t none = std::size_t{1} << detail::exceptions_lg(precision_);
    return header + registers + 4 * (exceptions.count() == 0 ? none : exceptions.slots().size());
  }

  /// Writes the form to the front of `out`, which has `serialized_size(form)` bytes at least (else
  /// throws `std::invalid_argument`); returns the bytes written. O(m).
  std::size_t write_to(std::span<std::byte> out,
                       datasketches_form form = datasketches_form::compact) const {
    const std::size_t size = serialized_size(form);
    if (out.size() < size) {
      detail::fail_argument("datasketches_hll", "out.size()", out.size(), "serialized_size()");
    }
    write_header(out.data(), form == datasketches_form::compact);
    std::byte* const data = out.data() + detail::hll_preamble(static_cast<unsigned>(mode_));
    if (mode_ == datasketches_hll_mode::registers) {
      write_registers(out.data(), out.data() + size, form == datasketches_form::compact);
    } else {
      write_entries(table_, data, form == datasketches_form::compact);
    }
    return size;
  }

  /// What DataSketches' `serialize_compact` or `serialize_updatable` gives. O(m).
  [[nodiscard]] std::vector<std::byte> to_bytes(
      datasketches_form form = datasketches_form::compact) const {
    std::vector<std::byte> bytes(serialized_size(form));
    write_to(bytes, form);
    return bytes;
  }

  /// The sketch in `bytes`, which end where it ends, or why not; every form, mode and type. It goes
  /// on as DataSketches would after reading them. Never throws for the content of `bytes`, and
  /// allocates at most four times their size, or 128 bytes. O(size).
  ///
  /// The sums of powers that the form keeps beside the registers are computed anew: in a sketch of
  /// one stream they must be right, but some versions of DataSketches wrote wrong ones after a
  /// union, whose registers are good.
  [[nodiscard]] static expected<datasketches_hll, error> from_bytes(
      std::span<const std::byte> bytes, const Allocator& allocator = Allocator()) {
    const auto form = detail::read_datasketches_hll(bytes);
    if (!form) return unexpected(form.error());
    datasketches_hll sketch(allocator);
    sketch.precision_ = static_cast<std::uint8_t>(form->precision);
    sketch.type_ = static_cast<datasketches_hll_type>(form->type);
    sketch.mode_ = static_cast<datasketches_hll_mode>(form->mode);
    sketch.full_size_ = (form->flags & detail::hll_flag_full_size) != 0;
    if (const auto read = sketch.read(*form); !read) return unexpected(read.error());
    return sketch;
  }

 private:
  using registers_type = detail::hll_registers<Allocator>;
  using table_type = detail::coupon_table<Allocator>;

  static constexpr std::size_t batch = 128;

  explicit datasketches_hll(const Allocator& allocator)
      : table_(allocator), registers_(allocator) {}

  void reset() {
    if (full_size_) {
      registers_ = registers_type(precision_, get_allocator());
      mode_ = datasketches_hll_mode::registers;
    } else {
      table_ = table_type(detail::hll_list_lg, get_allocator());
      mode_ = datasketches_hll_mode::list;
    }
  }

  QUOIN_ALWAYS_INLINE void insert_coupon(std::uint32_t coupon) {
    if (mode_ == datasketches_hll_mode::registers) {
      if (type_ == datasketches_hll_type::hll_4) {
        registers_.template insert<true>(coupon);
      } else {
        registers_.template insert<false>(coupon);
      }
    } else {
      keep_coupon(coupon);
    }
  }

  /// Writes the coupons of at most `batch` keys and returns how many they are.
  template <class Key, std::size_t Extent>
  static std::size_t coupons_of(std::span<Key, Extent> keys, std::uint32_t* out) noexcept {
    if constexpr (detail::datasketches_number<std::remove_cv_t<Key>>) {
      std::uint64_t words[batch];
      for (std::size_t i = 0; i < keys.size(); ++i) words[i] = detail::datasketches_word(keys[i]);
      const detail::datasketches_kernels kernels = detail::datasketches_kernels_of(active_isa());
      kernels.coupons(words, keys.size(), datasketches_hash::default_seed, out);
      return keys.size();
    } else {
      std::size_t kept = 0;
      for (const Key& key : keys) {
        const hash128 hash = datasketches_hash{}(key);
        out[kept] = detail::make_coupon(hash.lo, hash.hi);
        kept += detail::datasketches_ignores(key) ? 0u : 1u;
      }
      return kept;
    }
  }

  void insert_coupons(std::span<const std::uint32_t> coupons) {
    std::size_t i = 0;
    for (; i < coupons.size() && mode_ != datasketches_hll_mode::registers; ++i) {
      keep_coupon(coupons[i]);
    }
    if (i == coupons.size()) return;
    if (type_ == datasketches_hll_type::hll_4) {
      registers_.template insert_many<true>(coupons.subspan(i));
    } else {
      registers_.template insert_many<false>(coupons.subspan(i));
    }
  }

  /// In the list or the set, or at the transition to what comes next.
  __attribute__((noinline)) void keep_coupon(std::uint32_t coupon) {
    std::uint32_t* const place =
        mode_ == datasketches_hll_mode::list ? table_.find_in_list(coupon) : table_.find(coupon);
    if (*place != 0) return;
    if (mode_ == datasketches_hll_mode::list) {
      if (table_.count() + 1 < detail::hll_list_slots) {
        table_.put(place, coupon, false);
      } else if (precision_ < 8) {
        make_registers(place, coupon);
      } else {
        make_set(coupon);
      }
    } else if (table_.is_full() && table_.lg_size() == precision_ - 3u) {
      make_registers(place, coupon);
    } else {
      table_.put(place, coupon, true);
    }
  }

  void make_set(std::uint32_t last) {
    table_type set(detail::hll_set_lg, get_allocator());
    for (const std::uint32_t coupon : table_.slots()) {
      if (coupon != 0) set.put(set.find(coupon), coupon, false);
    }
    set.put(set.find(last), last, false);
    table_.swap(set);
    mode_ = datasketches_hll_mode::set;
  }

  /// Registers from the coupons, in the order of their slots, with `last` at its place.
  void make_registers(const std::uint32_t* place, std::uint32_t last) {
    registers_type registers(precision_, get_allocator());
    for (const std::uint32_t& slot : table_.slots()) {
      add(registers, &slot == place ? last : slot);
    }
    registers.set_hip(detail::estimate_at_transition(precision_));
    use(registers);
  }

  void add(registers_type& registers, std::uint32_t coupon) const {
    if (type_ == datasketches_hll_type::hll_4) {
      registers.template insert<true>(coupon);
    } else {
      registers.template insert<false>(coupon);
    }
  }

  void use(registers_type& registers) noexcept {
    registers_.swap(registers);
    table_type none(get_allocator());
    table_.swap(none);
    mode_ = datasketches_hll_mode::registers;
  }

  void merge_coupons(const datasketches_hll& other) {
    if (mode_ == datasketches_hll_mode::registers && type_ != datasketches_hll_type::hll_4) {
      for (const std::uint32_t coupon : other.table_.slots()) {
        registers_.template insert<false>(coupon);
      }
      return;
    }
    datasketches_hll merged(*this, get_allocator());
    if (empty() && mode_ == datasketches_hll_mode::list && precision_ == other.precision_) {
      merged.table_ = table_type(other.table_, get_allocator());
      merged.mode_ = other.mode_;
    } else {
      for (const std::uint32_t coupon : other.table_.slots()) {
        if (coupon != 0) merged.insert_coupon(coupon);
      }
    }
    if (merged.mode_ == datasketches_hll_mode::registers) {
      merged.registers_.recount(type_ == datasketches_hll_type::hll_4);
    }
    swap(merged);
  }

  void merge_registers(const datasketches_hll& other) {
    const bool both = mode_ == datasketches_hll_mode::registers && !empty();
    const unsigned precision = detail::min_of(precision_, other.precision_);
    const bool nibbles = type_ == datasketches_hll_type::hll_4;
    registers_type merged(precision, get_allocator());
    merged.take_larger(other.registers_.values());
    if (both) {
      merged.take_larger(registers_.values());
      merged.set_out_of_order();
    } else if (other.in_order()) {
      merged.set_hip(other.registers_.hip());
    } else {
      merged.set_out_of_order();
    }
    merged.recount(nibbles);
    if (mode_ != datasketches_hll_mode::registers) {
      for (const std::uint32_t coupon : table_.slots()) add(merged, coupon);
      merged.recount(nibbles);
    }
    full_size_ = both ? full_size_ && precision == precision_
                      : other.full_size_ && precision == other.precision_;
    use(merged);
    precision_ = static_cast<std::uint8_t>(precision);
  }

  void write_header(std::byte* out, bool compact) const noexcept {
    const auto mode = static_cast<unsigned>(mode_);
    const auto put = [&](std::size_t at, std::size_t value) {
      out[at] = static_cast<std::byte>(value);
    };
    const bool has_registers = mode_ == datasketches_hll_mode::registers;
    put(0, detail::hll_preamble(mode) / 4);
    put(1, 1);
    put(2, 7);
    put(3, precision_);
    put(4, has_registers ? registers_.exceptions().lg_size() : table_.lg_size());
    put(5, (empty() ? detail::hll_flag_empty : 0) | (compact ? detail::hll_flag_compact : 0) |
               (in_order() ? 0 : detail::hll_flag_out_of_order) |
               (full_size_ ? detail::hll_flag_full_size : 0));
    put(6, mode_ == datasketches_hll_mode::list ? table_.count() : registers_.cur_min());
    put(7, mode | static_cast<unsigned>(type_) << 2);
    if (mode_ == datasketches_hll_mode::set) detail::store_le(&out[8], table_.count());
  }

  void write_registers(std::byte* out, std::byte* end, bool compact) const noexcept {
    const detail::register_summary sums = registers_.sums();
    const double reals[3] = {registers_.hip(), sums.kxq0, sums.kxq1};
    for (std::size_t i = 0; i < 3; ++i) {
      detail::store_le(&out[8 + 8 * i], std::bit_cast<std::uint64_t>(reals[i]));
    }
    detail::store_le(&out[32], registers_.at_cur_min());
    detail::store_le(&out[36], registers_.exceptions().count());
    const auto type = static_cast<unsigned>(type_);
    detail::pack_registers(type, registers_.values(), registers_.cur_min(), &out[40]);
    std::byte* const tail = &out[40] + detail::hll_register_bytes(type, precision_);
    if (registers_.exceptions().count() != 0) {
      write_entries(registers_.exceptions(), tail, compact);
    } else {
      for (std::byte* p = tail; p != end; ++p) *p = std::byte{0};
    }
  }

  static void write_entries(const table_type& table, std::byte* out, bool compact) noexcept {
    for (const std::uint32_t entry : table.slots()) {
      if (compact && entry == 0) continue;
      detail::store_le(out, entry);
      out += 4;
    }
  }

  [[nodiscard]] detail::hll_check read(const detail::datasketches_hll_image& form) {
    if (form.mode == detail::hll_mode_registers) {
      registers_ = registers_type(form.precision, get_allocator());
      return detail::read_hll_registers(form, registers_);
    }
    full_size_ = false;
    if (form.mode == detail::hll_mode_list) {
      table_ = table_type(detail::hll_list_lg, get_allocator());
      return detail::read_hll_list(form, table_);
    }
    table_ = table_type(form.compact() ? detail::hll_set_lg : form.lg, get_allocator());
    return detail::read_hll_set(form, table_);
  }

  table_type table_;          // coupons; without slots in mode `registers`
  registers_type registers_;  // none in the other modes
  std::uint8_t precision_ = 4;
  datasketches_hll_type type_ = datasketches_hll_type::hll_4;
  datasketches_hll_mode mode_ = datasketches_hll_mode::list;
  bool full_size_ = false;
};

}  // namespace quoin::inline QUOIN_ABI

#endif
