// SPDX-License-Identifier: BSL-1.0
/// @file
/// Redis' HyperLogLog, byte for byte: what PFADD keeps, GET returns and SET puts back.
///
/// Use it to count near the data and hand the sketch to a server, or to read, merge and count what
/// servers hold. For sketches of your own prefer `hyperloglog`: it counts small sets exactly, has
/// any precision and takes keys of any type.
///
/// Guarantee   the bytes, replies and counts of redis-server 7.0 after the same commands in the same
///             order, whether sparse or dense. Relative standard error 0.81 %.
/// Cost        dense: one cache line per element, no branch on the data. Sparse: O(size) for a single
///             element, O(1) in batches. `count`: O(1) when nothing has changed since the last.
/// Memory      18 bytes when empty, 12,304 when dense, which it becomes at 3,000.
/// Threads     like a standard container.
/// Bytes       docs/formats.md#redis.
/// Source      the behaviour of redis-server, its header as documented in hyperloglog.c; the
///             estimator: Ertl 2017, arXiv:1702.01284.
///
/// @code
/// quoin::redis_hyperloglog visitors;
/// visitors.add("10.0.0.1");                               // PFADD visitors 10.0.0.1
/// visitors.add_many(addresses);                           // PFADD visitors …
/// std::uint64_t n = visitors.count();                     // PFCOUNT visitors
/// auto yesterday = quoin::redis_hyperloglog::from_bytes(bytes);  // of GET
/// if (yesterday) visitors.merge(*yesterday);              // PFMERGE visitors yesterday
/// @endcode
#ifndef QUOIN_INTEROP_REDIS_HYPERLOGLOG_HPP
#define QUOIN_INTEROP_REDIS_HYPERLOGLOG_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/bytes.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/redis_hll_dense.hpp>
#include <quoin/detail/redis_hll_sparse.hpp>
#include <quoin/detail/sketch_hll_estimate.hpp>
#include <quoin/hash/hash.hpp>
#include <quoin/hash/murmur2.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI {

/// What PFADD takes: strings and spans of bytes. A number is its decimal digits there.
template <class T>
concept redis_element = detail::byte_range<T> || detail::c_string<T>;

/// The hash of PFADD: MurmurHash64A with seed 0xadc83b19. Bits 0–13 are the register, the zeros at
/// the end of the others its rank.
struct redis_hyperloglog_hash {
  using is_avalanching = void;
  using is_transparent = void;

  template <redis_element T>
  [[nodiscard]] QUOIN_ALWAYS_INLINE constexpr std::uint64_t operator()(
      const T& element) const noexcept {
    if constexpr (detail::c_string<T> && !detail::byte_range<T>) {
      return murmur2_64a(std::string_view(element), 0xadc83b19u);
    } else {
      return murmur2_64a(element, 0xadc83b19u);
    }
  }
};

/// The one configuration of the server that its bytes depend on.
struct redis_hyperloglog_options {
  /// Bytes, header included, beyond which the sparse form becomes dense: `hll-sparse-max-bytes`.
  std::uint32_t sparse_max_bytes = 3000;
};

namespace detail {

/// How many registers hold each rank.
struct redis_histogram {
  std::uint32_t counts[64] = {};

  /// PFCOUNT of the registers: the estimate rounded to an integer, halves away from zero. Beyond
  /// what the server's integers hold it gives 2^63, whose bytes are those the server leaves.
  [[nodiscard]] std::uint64_t rounded_estimate() const noexcept {
    const double estimate =
        hll_estimate(std::span<const std::uint32_t>(counts, redis_max_rank + 1));
    if (!(estimate < 9223372036854775808.0)) return std::uint64_t{1} << 63;
    const auto whole = static_cast<std::uint64_t>(estimate);
    return whole + (estimate - static_cast<double>(whole) >= 0.5);
  }
};

}  // namespace detail

/// The sketch, kept as the server keeps it: the string of GET. A new one is what `PFADD key` makes
/// of a missing key. A value type; a moved-from one may only be destroyed, assigned to or swapped.
/// @tparam Allocator  any standard allocator.
template <class Allocator>
class basic_redis_hyperloglog {
 public:
  using hasher_type = redis_hyperloglog_hash;
  using allocator_type = Allocator;

  /// An empty sketch.
  basic_redis_hyperloglog() requires std::default_initializable<Allocator>
      : basic_redis_hyperloglog(redis_hyperloglog_options()) {}

  /// An empty sketch.
  explicit basic_redis_hyperloglog(const redis_hyperloglog_options& options,
                                   const Allocator& allocator = Allocator())
      : bytes_(empty_size, 0, byte_allocator(allocator)), limit_(options.sparse_max_bytes) {
    clear();
  }

  /// PFADD of one element: true if that changed the sketch (the reply 1). Sparse: O(size); dense:
  /// O(1), one cache line.
  template <redis_element Element>
  bool add(const Element& element) {
    return add_hash(redis_hyperloglog_hash{}(element));
  }

  /// PFADD of the element whose `redis_hyperloglog_hash` is `hash`.
  bool add_hash(std::uint64_t hash) {
    const bool changed = is_dense()
                             ? detail::redis_add_hashes(payload(), &hash, 1)
                             : add_sparse(detail::redis_index(hash), detail::redis_rank(hash));
    if (changed) forget_count();
    return changed;
  }

  /// PFADD of every element of a contiguous range, in order: true if one changed the sketch.
  template <class Elements>
  bool add_many(const Elements& elements) {
    const std::span all(elements);
    return add_all(all.size(), [all](std::size_t first, std::size_t n, std::uint64_t* out) {
      for (std::size_t i = 0; i < n; ++i) out[i] = redis_hyperloglog_hash{}(all[first + i]);
    });
  }

  /// `add_many` for elements hashed already.
  bool add_hash_many(std::span<const std::uint64_t> hashes) {
    return add_all(hashes.size(), [hashes](std::size_t first, std::size_t n, std::uint64_t* out) {
      if (n != 0) std::memcpy(out, hashes.data() + first, n * sizeof *out);
    });
  }

  /// PFCOUNT: distinct elements added, estimated. Like the server's it keeps the result in the
  /// bytes, and returns that while nothing changes, also one that came with `from_bytes`. O(1)
  /// then, else O(size).
  std::uint64_t count() noexcept {
    if (!count_is_kept()) detail::store_le(&bytes_[count_at], estimate());
    return detail::load_le<std::uint64_t>(&bytes_[count_at]);
  }

  /// What `count` computes, from the registers, with nothing changed. O(size).
  [[nodiscard]] std::uint64_t estimate() const noexcept { return histogram().rounded_estimate(); }

  /// True when `count` has its result already.
  [[nodiscard]] bool count_is_kept() const noexcept { return bytes_[count_at + 7] < 0x80; }

  /// PFCOUNT of several keys: distinct elements added to one or more of `sketches`. O(total size).
  [[nodiscard]] static std::uint64_t union_count(
      std::span<const basic_redis_hyperloglog> sketches) noexcept {
    registers_buffer all;
    for (const auto& sketch : sketches) sketch.raise_to(all);
    return all.histogram().rounded_estimate();
  }

  /// PFCOUNT of this key and another.
  [[nodiscard]] std::uint64_t union_count(const basic_redis_hyperloglog& other) const noexcept {
    registers_buffer all;
    raise_to(all);
    other.raise_to(all);
    return all.histogram().rounded_estimate();
  }

  /// PFMERGE of `other` into this: the sketch of the union. Sparse stays sparse when both are and
  /// the result is small enough. O(size).
  void merge(const basic_redis_hyperloglog& other) { merge_many(std::span(&other, 1)); }

  /// PFMERGE of several into this. The registers are those of one merge after another; sparse
  /// bytes need not be. On `std::bad_alloc` nothing has changed.
  void merge_many(std::span<const basic_redis_hyperloglog> others) {
    bool dense = is_dense();
    for (const auto& other : others) dense |= other.is_dense();
    if (dense) {
      make_dense();
      for (const auto& other : others) other.merge_into_dense(payload());
    } else {
      merge_sparse(others);
    }
    forget_count();
  }

  /// True in the form of 12,304 bytes.
  [[nodiscard]] bool is_dense() const noexcept { return bytes_[encoding_at] == 0; }

  /// Takes the dense form, like `PFDEBUG TODENSE`. The registers and the kept count stay.
  void make_dense() {
    if (is_dense()) return;
    registers_buffer registers;
    raise_to(registers);
    become_dense(registers.ranks);
  }

  /// Registers of a sketch.
  [[nodiscard]] static constexpr std::size_t register_count() noexcept {
    return detail::redis_registers;
  }

  /// The largest value of a register: one more than the zeros that 64 − 14 bits can end in.
  static constexpr std::uint8_t max_rank = detail::redis_max_rank;

  /// All registers, 0 where no element went. O(size).
  [[nodiscard]] std::vector<std::uint8_t> registers() const {
    registers_buffer all;
    raise_to(all);
    return {all.ranks, all.ranks + register_count()};
  }

  /// The sketch with the given registers, for conversion from another kind whose index is the 14
  /// low bits of the same hash and whose rank counts zeros from bit 14 up. It is the PFMERGE of such
  /// a sketch into a new one: sparse if it fits. An error unless there are 16384, each ≤ 51.
  [[nodiscard]] static expected<basic_redis_hyperloglog, error> from_registers(
      std::span<const std::uint8_t> registers, const redis_hyperloglog_options& options = {},
      const Allocator& allocator = Allocator()) {
    using fail = unexpected<error>;
    if (registers.size() < register_count()) {
      return fail({errc::truncated, registers.size(), "quoin: too few registers"});
    }
    if (registers.size() > register_count()) {
      return fail({errc::trailing_bytes, register_count(), "quoin: too many registers"});
    }
    for (std::size_t i = 0; i < registers.size(); ++i) {
      if (registers[i] > max_rank) return fail({errc::bad_value, i, "quoin: a rank above 51"});
    }
    basic_redis_hyperloglog sketch(options, allocator);
    sketch.raise_sparse(registers.data());
    sketch.forget_count();
    return sketch;
  }

  /// Forgets every element. O(1).
  void clear() noexcept {
    constexpr unsigned char empty[empty_size] = {'H', 'Y', 'L', 'L', 1, 0, 0,    0,    0,
                                                 0,   0,   0,   0,   0, 0, 0x80, 0x7f, 0xff};
    bytes_.resize(empty_size);
    std::memcpy(bytes_.data(), empty, empty_size);
  }

  void swap(basic_redis_hyperloglog& other) noexcept {
    bytes_.swap(other.bytes_);
    std::swap(limit_, other.limit_);
  }
  friend void swap(basic_redis_hyperloglog& a, basic_redis_hyperloglog& b) noexcept { a.swap(b); }

  /// Equal registers: what equal sets of elements give, in any order, sparse or dense.
  friend bool operator==(const basic_redis_hyperloglog& a,
                         const basic_redis_hyperloglog& b) noexcept {
    registers_buffer x, y;
    a.raise_to(x);
    b.raise_to(y);
    return std::memcmp(x.ranks, y.ranks, sizeof x.ranks) == 0;
  }

  /// 1.04 / √16384: the standard deviation of `count` over the truth.
  [[nodiscard]] static constexpr double relative_standard_error() noexcept { return 1.04 / 128; }

  [[nodiscard]] redis_hyperloglog_options options() const noexcept { return {limit_}; }
  [[nodiscard]] allocator_type get_allocator() const noexcept {
    return allocator_type(bytes_.get_allocator());
  }

  /// Size of the string of GET, in bytes: STRLEN. O(1).
  [[nodiscard]] std::size_t serialized_size() const noexcept { return bytes_.size(); }

  /// The string of GET, in place, until the next change.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return std::as_bytes(std::span(bytes_));
  }

  /// A copy of the string of GET. O(size).
  [[nodiscard]] std::vector<std::byte> to_bytes() const { return {bytes().begin(), bytes().end()}; }

  /// Writes the string to the front of `out`, which has `serialized_size()` bytes at least (else
  /// throws `std::invalid_argument`); returns the bytes written. O(size).
  std::size_t write_to(std::span<std::byte> out) const {
    if (out.size() < bytes_.size()) {
      detail::fail_argument("redis_hyperloglog::write_to", "out.size()", out.size(),
                            "serialized_size() at least");
    }
    std::memcpy(out.data(), bytes_.data(), bytes_.size());
    return bytes_.size();
  }

  /// The sketch in `bytes`, the string of GET, or why not: unlike the server, which finds out later
  /// or never, it checks every run and register. Reserved bytes are kept as they are, a kept count
  /// is believed, as the server does. Never throws for the content of `bytes`; allocates as much as
  /// they have. O(size).
  [[nodiscard]] static expected<basic_redis_hyperloglog, error> from_bytes(
      std::span<const std::byte> bytes, const redis_hyperloglog_options& options = {},
      const Allocator& allocator = Allocator()) {
    const auto valid = check(bytes);
    if (!valid) return unexpected(valid.error());
    basic_redis_hyperloglog sketch(options, allocator);
    sketch.bytes_.resize(bytes.size());
    std::memcpy(sketch.bytes_.data(), bytes.data(), bytes.size());
    return sketch;
  }

 private:
  using byte_allocator =
      typename std::allocator_traits<Allocator>::template rebind_alloc<unsigned char>;

  static constexpr std::size_t encoding_at = 4, count_at = 8, header_size = 16, empty_size = 18;
  static constexpr std::size_t dense_size = header_size + detail::redis_dense_bytes;
  static constexpr std::size_t batch = 128;           // hashes at a time
  static constexpr std::size_t worth_an_editor = 24;  // elements: loading one costs about as much
  static constexpr std::size_t worth_unpacking =
      8192;  // elements: saves half a nanosecond for each

  struct registers_buffer {
    unsigned char ranks[detail::redis_registers] = {};

    [[nodiscard]] detail::redis_histogram histogram() const noexcept {
      // Four tables: an increment waits for the one before it of the same rank.
      std::uint32_t counts[4][64] = {};
      for (std::size_t i = 0; i < detail::redis_registers; i += 4) {
        ++counts[0][ranks[i]];
        ++counts[1][ranks[i + 1]];
        ++counts[2][ranks[i + 2]];
        ++counts[3][ranks[i + 3]];
      }
      detail::redis_histogram sum;
      for (std::size_t r = 0; r < 64; ++r) {
        sum.counts[r] = counts[0][r] + counts[1][r] + counts[2][r] + counts[3][r];
      }
      return sum;
    }
  };

  static expected<bool, error> check(std::span<const std::byte> bytes) noexcept {
    using fail = unexpected<error>;
    if (bytes.size() < header_size) {
      return fail({errc::truncated, bytes.size(), "quoin: input ends within the header"});
    }
    if (std::memcmp(bytes.data(), "HYLL", 4) != 0) {
      return fail({errc::bad_magic, 0, "quoin: not a HyperLogLog of Redis (no 'HYLL')"});
    }
    if (bytes[encoding_at] == std::byte{1}) {
      return detail::check_redis_runs(bytes.subspan(header_size), header_size);
    }
    if (bytes[encoding_at] != std::byte{0}) {
      return fail({errc::bad_value, encoding_at, "quoin: an encoding neither dense nor sparse"});
    }
    if (bytes.size() < dense_size) {
      return fail({errc::truncated, bytes.size(), "quoin: input ends within the registers"});
    }
    if (bytes.size() > dense_size) {
      return fail({errc::trailing_bytes, dense_size, "quoin: input goes on after the registers"});
    }
    const auto* const registers =
        reinterpret_cast<const unsigned char*>(bytes.data() + header_size);
    const std::uint32_t wrong = detail::first_redis_overflow(registers);
    if (wrong != detail::redis_registers) {
      return fail({errc::bad_value, header_size + std::size_t{wrong} * 6 / 8,
                   "quoin: a register above 51"});
    }
    return true;
  }

  [[nodiscard]] unsigned char* payload() noexcept { return bytes_.data() + header_size; }
  [[nodiscard]] const unsigned char* payload() const noexcept {
    return bytes_.data() + header_size;
  }
  [[nodiscard]] std::span<const unsigned char> runs() const noexcept {
    return std::span(bytes_).subspan(header_size);
  }

  /// What the server does on every change: the old count stays, marked.
  void forget_count() noexcept { bytes_[count_at + 7] |= 0x80; }

  [[nodiscard]] std::uint64_t sparse_limit() const noexcept {
    return limit_ < header_size ? 0 : limit_ - header_size;
  }

  /// Raises `all` to the registers here.
  void raise_to(registers_buffer& all) const noexcept {
    if (is_dense()) {
      registers_buffer mine;
      detail::unpack_redis_registers(payload(), mine.ranks);
      for (std::size_t i = 0; i < detail::redis_registers; ++i) {
        all.ranks[i] = detail::max_of(all.ranks[i], mine.ranks[i]);
      }
      return;
    }
    detail::for_each_redis_run(payload(), bytes_.data() + bytes_.size(),
                               [&](std::uint32_t first, const detail::redis_run& run) {
                                 for (std::uint32_t i = 0; run.rank != 0 && i < run.length; ++i) {
                                   unsigned char& rank = all.ranks[first + i];
                                   if (rank < run.rank) rank = static_cast<unsigned char>(run.rank);
                                 }
                               });
  }

  [[nodiscard]] detail::redis_histogram histogram() const noexcept {
    detail::redis_histogram sum;
    if (is_dense()) {
      detail::count_redis_registers(payload(), sum.counts);
      return sum;
    }
    detail::for_each_redis_run(
        payload(), bytes_.data() + bytes_.size(),
        [&](std::uint32_t, const detail::redis_run& run) { sum.counts[run.rank] += run.length; });
    return sum;
  }

  void become_dense(const unsigned char* ranks) {
    bytes_.reserve(dense_size);  // the only step that can fail
    bytes_.resize(dense_size);
    bytes_[encoding_at] = 0;
    detail::pack_redis_registers(ranks, payload());
  }

  bool add_sparse(std::uint32_t index, unsigned rank) {
    if (rank > detail::redis_max_sparse_rank) {
      make_dense();
      return detail::redis_raise(payload(), index, rank) != 0;
    }
    const detail::redis_edit edit = detail::plan_redis_edit(payload(), index, rank);
    if (edit.remove == 0) return false;
    const std::size_t size = bytes_.size();
    const std::size_t tail = header_size + edit.at + edit.remove;
    if (edit.insert > edit.remove) {
      const std::size_t more = edit.insert - edit.remove;
      if (size + more > limit_) {
        make_dense();
        return detail::redis_raise(payload(), index, rank) != 0;
      }
      bytes_.resize(size + more);
    }
    std::memmove(payload() + edit.at + edit.insert, bytes_.data() + tail, size - tail);
    std::memcpy(payload() + edit.at, edit.bytes, edit.insert);
    bytes_.resize(header_size +
                  detail::join_redis_runs(payload(), size - header_size + edit.insert - edit.remove,
                                          edit.before));
    return true;
  }

  /// PFADD of the hashes that `hashes(first, count, out)` gives.
  template <class Hashes>
  bool add_all(std::size_t n, Hashes hashes) {
    std::uint64_t ready[batch];
    std::size_t done = 0;
    bool changed = false;
    if (!is_dense()) {
      if (n < worth_an_editor) {
        hashes(0, n, ready);
        for (std::size_t i = 0; i < n; ++i) changed |= add_hash(ready[i]);
        return changed;
      }
      detail::redis_sparse_editor editor(runs());
      bool fits = true;
      while (fits && done < n) {
        const std::size_t count = detail::min_of(batch, n - done);
        hashes(done, count, ready);
        for (std::size_t i = 0; fits && i < count; done += fits, ++i) {
          fits = raise_in(editor, detail::redis_index(ready[i]), detail::redis_rank(ready[i]),
                          changed);
        }
      }
      store(editor, fits);
    }
    changed |= add_dense(done, n, hashes, ready);
    if (changed) forget_count();
    return changed;
  }

  /// The hashes from `done` to `n`. Registers of a byte each take half as long to raise.
  template <class Hashes>
  bool add_dense(std::size_t done, std::size_t n, Hashes hashes, std::uint64_t* ready) noexcept {
    const auto add = [&](unsigned char* registers, auto add_hashes) {
      bool changed = false;
      for (; done < n; done += batch) {
        const std::size_t count = detail::min_of(batch, n - done);
        hashes(done, count, ready);
        changed |= add_hashes(registers, ready, count);
      }
      return changed;
    };
    if (n - done < worth_unpacking) return add(payload(), detail::redis_add_hashes);
    registers_buffer unpacked;
    detail::unpack_redis_registers(payload(), unpacked.ranks);
    const bool changed = add(unpacked.ranks, detail::redis_add_hashes_unpacked);
    detail::pack_redis_registers(unpacked.ranks, payload());
    return changed;
  }

  /// Raises a register unless that would take the dense form: then false.
  bool raise_in(detail::redis_sparse_editor& editor, std::uint32_t index, unsigned rank,
                bool& changed) const noexcept {
    using result = detail::redis_sparse_editor::result;
    if (rank > detail::redis_max_sparse_rank) return false;
    const result done = editor.raise(index, rank, sparse_limit());
    changed |= done == result::changed;
    return done != result::too_large;
  }

  void store(const detail::redis_sparse_editor& editor, bool sparse) {
    if (!sparse) return become_dense(editor.ranks());
    bytes_.resize(header_size + editor.size());
    editor.write(payload());
  }

  /// Raises the registers of a sparse sketch one by one, as PFMERGE does.
  void raise_sparse(const unsigned char* ranks) {
    detail::redis_sparse_editor editor(runs());
    bool fits = true, changed = false;
    for (std::uint32_t i = 0; fits && i < detail::redis_registers; ++i) {
      if (ranks[i] != 0) fits = raise_in(editor, i, ranks[i], changed);
    }
    store(editor, fits);
    if (fits) return;
    for (std::uint32_t i = 0; i < detail::redis_registers; ++i) {
      detail::redis_raise(payload(), i, ranks[i]);
    }
  }

  void merge_sparse(std::span<const basic_redis_hyperloglog> others) {
    registers_buffer all;
    for (const auto& other : others) other.raise_to(all);
    raise_sparse(all.ranks);
  }

  void merge_into_dense(unsigned char* registers) const noexcept {
    if (is_dense()) return detail::merge_redis_registers(registers, payload());
    detail::for_each_redis_run(payload(), bytes_.data() + bytes_.size(),
                               [&](std::uint32_t first, const detail::redis_run& run) {
                                 for (std::uint32_t i = 0; run.rank != 0 && i < run.length; ++i) {
                                   detail::redis_raise(registers, first + i, run.rank);
                                 }
                               });
  }

  std::vector<unsigned char, byte_allocator> bytes_;
  std::uint32_t limit_;
};

/// The sketch with the standard allocator.
using redis_hyperloglog = basic_redis_hyperloglog<std::allocator<std::byte>>;

}  // namespace quoin::inline QUOIN_ABI

#endif
