// SPDX-License-Identifier: BSL-1.0
/// @file
/// What an UltraLogLog keeps, and the form it is serialized in (docs/formats.md, 0x0205). No hashing
/// of keys, no seed, no checks of what the caller gives.
#ifndef QUOIN_DETAIL_SKETCH_ULL_STATE_HPP
#define QUOIN_DETAIL_SKETCH_ULL_STATE_HPP

#include <quoin/detail/frame.hpp>
#include <quoin/detail/keys.hpp>
#include <quoin/detail/memory.hpp>
#include <quoin/detail/sketch_ull_estimate.hpp>
#include <quoin/detail/sketch_ull_kernels.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

namespace quoin::inline QUOIN_ABI::detail {

/// Registers, and the count along the stream. Without any hash there is no memory.
template <class Allocator>
class ull_state {
 public:
  ull_state(unsigned precision, const Allocator& allocator)
      : lines_(0, allocator), precision_(precision) {}

  void insert(std::uint64_t hash) {
    if (empty()) [[unlikely]]
      lines_ = memory_for(precision_);
    ull_insert(data(), precision_, ull_update_of(hash, precision_), stream_);
  }

  /// Inserts `n` hashes, which `hash(first, count, out)` writes.
  template <class HashBlock>
  void insert_batch(std::size_t n, HashBlock hash) {
    const ull_kernels kernels = ull_kernels_of(active_isa());
    alignas(64) std::uint64_t hashes[ull_batch];
    for (std::size_t first = 0; first < n; first += ull_batch) {
      const std::size_t count = min_of(n - first, ull_batch);
      hash(first, count, hashes);
      if (empty()) lines_ = memory_for(precision_);
      kernels.insert(data(), precision_, hashes, count, stream_);
    }
  }

  // --- content ----------------------------------------------------------------------------------

  [[nodiscard]] bool empty() const noexcept { return lines_.size() == 0; }
  [[nodiscard]] unsigned precision() const noexcept { return precision_; }
  [[nodiscard]] std::size_t registers() const noexcept { return std::size_t{1} << precision_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return lines_.size() * sizeof(cache_line);
  }
  [[nodiscard]] Allocator get_allocator() const noexcept {
    return Allocator(lines_.get_allocator());
  }

  /// The registers, unless it is empty.
  [[nodiscard]] const std::uint8_t* data() const noexcept {
    return reinterpret_cast<const std::uint8_t*>(lines_.data());
  }

  /// The count along the stream.
  [[nodiscard]] const ull_stream& stream() const noexcept { return stream_; }

  [[nodiscard]] double estimate() const noexcept {
    return empty() ? 0 : ull_estimate(ull_count(data(), registers()), precision_);
  }

  /// Distinct hashes that there must have been at least.
  [[nodiscard]] std::uint64_t certain() const noexcept {
    std::uint64_t sum = 0;
    if (!empty()) {
      for (std::size_t i = 0; i < registers(); ++i) sum += ull_certain(data()[i]);
    }
    return sum;
  }

  /// Writes the `2^precision` registers at a precision that is not above this one's.
  void copy_registers(unsigned precision, std::uint8_t* out) const noexcept {
    const unsigned levels = precision_ - precision;
    for (std::size_t i = 0; i < std::size_t{1} << precision; ++i) {
      out[i] = empty() ? std::uint8_t{0} : ull_fold(data() + (i << levels), levels, precision_);
    }
  }

  /// The same for the registers of a HyperLogLog.
  void copy_ranks(unsigned precision, std::uint8_t* out) const noexcept {
    copy_registers(precision, out);
    for (std::size_t i = 0; i < std::size_t{1} << precision; ++i) {
      if (out[i] != 0) out[i] = static_cast<std::uint8_t>(out[i] / 4 + 2 - precision);
    }
  }

  friend bool operator==(const ull_state& a, const ull_state& b) noexcept {
    return a.precision_ == b.precision_ && a.lines_ == b.lines_;
  }

  // --- sets -------------------------------------------------------------------------------------

  /// Becomes the union at the lower precision; if memory runs out, nothing has changed.
  void merge(const ull_state& other) {
    const unsigned precision = min_of(precision_, other.precision_);
    if (this == &other || other.empty()) return downsize(precision);
    if (empty()) return take_copy(other, precision);
    downsize(precision);
    stream_.valid = false;
    if (other.precision_ == precision) {
      return ull_kernels_of(active_isa()).merge(data(), other.data(), size_bytes());
    }
    const unsigned levels = other.precision_ - precision;
    for (std::size_t i = 0; i < registers(); ++i) {
      const std::uint8_t folded = ull_fold(other.data() + (i << levels), levels, other.precision_);
      data()[i] = ull_union(data()[i], folded);
    }
  }

  /// Lowers the precision; if memory runs out, nothing has changed. The count along the stream
  /// remains what it was, and goes on from there.
  void downsize(unsigned precision) {
    if (precision == precision_) return;
    if (!empty()) {
      lines lower = memory_for(precision);
      copy_registers(precision, bytes_of(lower));
      lines_ = std::move(lower);
    }
    precision_ = precision;
    stream_.chance = chance();
  }

  void clear() noexcept {
    lines_ = lines(0, get_allocator());
    stream_ = {};
  }

  void swap(ull_state& other) noexcept {
    lines_.swap(other.lines_);
    std::swap(stream_, other.stream_);
    std::swap(precision_, other.precision_);
  }

  // --- bytes ------------------------------------------------------------------------------------

  /// Gives an empty one the registers at `from`, without a count along the stream. Returns the
  /// first that no hashes give, and has changed nothing then; or how many there are. When all are 0
  /// it stays empty.
  [[nodiscard]] std::size_t assign(const std::uint8_t* from) {
    std::uint8_t any = 0;
    for (std::size_t i = 0; i < registers(); ++i) {
      if (!is_ull_register(from[i], precision_)) return i;
      any |= from[i];
    }
    if (any != 0) {
      lines_ = memory_for(precision_);
      std::memcpy(data(), from, registers());
      stream_.valid = false;
    }
    return registers();
  }

  /// Goes on with a count along the stream; false when no hashes give it.
  [[nodiscard]] bool resume_stream(double count) noexcept {
    const auto least = static_cast<double>(certain());
    if (!(count >= least && count <= std::numeric_limits<double>::max())) return false;
    stream_ = {count, chance(), true};
    return true;
  }

 private:
  using lines = line_array<Allocator>;

  [[nodiscard]] static std::uint8_t* bytes_of(lines& memory) noexcept {
    return reinterpret_cast<std::uint8_t*>(memory.data());
  }
  [[nodiscard]] std::uint8_t* data() noexcept { return bytes_of(lines_); }

  /// Registers that are 0, to whole lines.
  [[nodiscard]] lines memory_for(unsigned precision) const {
    return lines(max_of(std::size_t{1}, (std::size_t{1} << precision) / 64), get_allocator());
  }

  /// Merges into an empty one.
  void take_copy(const ull_state& other, unsigned precision) {
    lines copy = memory_for(precision);
    other.copy_registers(precision, bytes_of(copy));
    lines_ = std::move(copy);
    precision_ = precision;
    stream_ = other.stream_;
    stream_.chance = chance();
  }

  [[nodiscard]] std::uint64_t chance() const noexcept {
    std::uint64_t sum = 0;
    if (!empty()) {
      for (std::size_t i = 0; i < registers(); ++i) sum += ull_weight(data()[i], precision_);
    }
    return sum;
  }

  lines lines_;  ///< a byte for each register
  ull_stream stream_;
  unsigned precision_;
};

// --- the serialized form ------------------------------------------------------------------------

inline constexpr frame_id ull_frame{0x0205, 1};
inline constexpr std::size_t ull_parameters = 16;
inline constexpr std::uint8_t ull_flag_stream = 1;  ///< the count of the stream stands before

/// A native form whose frame and parameters have been checked, the registers not.
struct ull_form {
  std::uint64_t seed;
  unsigned precision;
  bool has_stream;
  double count;  ///< of the stream
  std::span<const std::byte> registers;
};

template <class Hash>
[[nodiscard]] expected<ull_form, error> read_ull_form(std::span<const std::byte> bytes) noexcept {
  using fail = unexpected<error>;
  const auto frame = open_frame(bytes, ull_frame, ull_parameters);
  if (!frame) return fail(frame.error());
  if (frame->flags > ull_flag_stream) {
    return fail({errc::bad_value, 5, "quoin: flags that no ultraloglog has"});
  }
  const std::byte* const p = frame->parameters.data();
  ull_form form{load_le<std::uint64_t>(p), std::to_integer<unsigned>(p[12]), frame->flags != 0, 0,
                frame->payload};
  if (!takes_seed<Hash> && form.seed != 0) {
    return fail({errc::incompatible, 8, "quoin: made with a seed, which this hash does not take"});
  }
  if (load_le<std::uint32_t>(p + 8) != hash_id<Hash>) {
    return fail({errc::incompatible, 16, "quoin: made with another hash function"});
  }
  if (form.precision < ull_min_precision || form.precision > ull_max_precision) {
    return fail({errc::bad_value, 20, "quoin: a precision outside 4 to 26"});
  }
  if (p[13] != std::byte{0} || p[14] != std::byte{0} || p[15] != std::byte{0}) {
    return fail({errc::bad_value, 21, "quoin: reserved bytes are not 0"});
  }
  const std::size_t before = form.has_stream ? 8 : 0;
  if (form.registers.size() != before + (std::size_t{1} << form.precision) &&
      (form.has_stream || !form.registers.empty())) {
    return fail({errc::bad_value, 20, "quoin: size does not match the precision"});
  }
  if (form.has_stream) {
    form.count = std::bit_cast<double>(load_le<std::uint64_t>(form.registers.data()));
    form.registers = form.registers.subspan(before);
  }
  return form;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
