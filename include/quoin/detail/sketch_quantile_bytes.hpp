// SPDX-License-Identifier: BSL-1.0
/// @file
/// A quantile sketch as bytes. Its counters are written in base 128, lowest digits first, with the
/// high bit of a byte set when another one follows: they are small where there are many of them.
#ifndef QUOIN_DETAIL_SKETCH_QUANTILE_BYTES_HPP
#define QUOIN_DETAIL_SKETCH_QUANTILE_BYTES_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/expected.hpp>
#include <quoin/detail/frame.hpp>
#include <quoin/detail/sketch_quantile_mapping.hpp>
#include <quoin/detail/sketch_quantile_store.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace quoin::inline QUOIN_ABI::detail {

/// Values that a sketch may hold: one bit less than a counter has.
inline constexpr std::uint64_t most_quantile_values = std::uint64_t{1} << 63;

/// All there is to say of the values besides their buckets.
struct quantile_tally {
  std::uint64_t count = 0;
  std::uint64_t zeros = 0;
  std::uint64_t nans = 0;
  std::uint64_t negative_infinities = 0;
  std::uint64_t positive_infinities = 0;
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  friend bool operator==(const quantile_tally&, const quantile_tally&) = default;
};

/// Into how many buckets an octave is cut, and how many there may be of each sign.
struct quantile_plan {
  std::uint32_t per_octave;
  std::uint32_t max_buckets;
};

/// What is written of one sign's counters besides their values.
struct store_header {
  bucket_range range;
  std::uint64_t below = 0;
};

/// Bytes of a number in base 128, 1 to 10.
[[nodiscard]] constexpr std::size_t base128_size(std::uint64_t x) noexcept {
  return (static_cast<std::size_t>(std::bit_width(x | 1)) + 6) / 7;
}

template <class Allocator>
[[nodiscard]] std::size_t counters_size(const bucket_store<Allocator>& store) noexcept {
  const bucket_range range = store.used();
  std::size_t size = 0;
  for (std::uint32_t i = range.first; i <= range.last; ++i) size += base128_size(store.count(i));
  return size;
}

template <class Allocator>
void put_counters(frame_writer& writer, const bucket_store<Allocator>& store) noexcept {
  const bucket_range range = store.used();
  for (std::uint32_t i = range.first; i <= range.last; ++i) {
    std::uint64_t left = store.count(i);
    for (; left >= 128; left >>= 7) writer.put(static_cast<std::uint8_t>(left | 128));
    writer.put(static_cast<std::uint8_t>(left));
  }
}

/// Reads numbers in base 128 from bytes that may be anything.
class counter_reader {
 public:
  explicit counter_reader(std::span<const std::byte> bytes) noexcept : left_(bytes) {}

  [[nodiscard]] std::size_t bytes_left() const noexcept { return left_.size(); }

  /// Reads a number that is written in no more bytes than it needs; false at anything else.
  [[nodiscard]] bool read(std::uint64_t* out) noexcept {
    std::uint64_t x = 0;
    for (std::size_t i = 0; i < left_.size() && i < 10; ++i) {
      const auto byte = std::to_integer<std::uint64_t>(left_[i]);
      x |= (byte & 127) << (7 * i);
      if (byte >= 128) continue;
      if (i != 0 && byte == 0) return false;  // a digit too many
      if (i == 9 && byte > 1) return false;   // beyond 64 bits
      left_ = left_.subspan(i + 1);
      *out = x;
      return true;
    }
    return false;
  }

 private:
  std::span<const std::byte> left_;
};

/// Reads the counters of `header.range` into `store`, which is empty, and adds them to `*total`.
/// False for anything that `put_counters` does not write, and when the total gets too large.
template <class Allocator>
[[nodiscard]] bool read_counters(counter_reader& reader, const store_header& header,
                                 bucket_store<Allocator>& store, std::uint64_t* total) {
  const bucket_range range = header.range;
  if (range.size() > reader.bytes_left()) return false;  // before memory is asked for
  if (!range.empty() && !store.make_room(range)) return false;
  for (std::uint32_t i = range.first; i <= range.last; ++i) {
    std::uint64_t n = 0;
    if (!reader.read(&n) || n > most_quantile_values - *total) return false;
    if (n == 0 && (i == range.first || i == range.last)) return false;
    *total += n;
    if (n != 0) store.add(i, n);
  }
  if (header.below > most_quantile_values - *total) return false;
  *total += header.below;
  store.set_below(header.below);
  return true;
}

// --- the form as a whole ------------------------------------------------------------------------

inline constexpr frame_id quantile_frame{0x0204, 1};
inline constexpr std::size_t quantile_parameters = 96;
inline constexpr std::size_t quantile_payload_size_at = 88;

/// A native form whose parameters have been checked; its counters have not.
struct quantile_form {
  quantile_plan plan;
  quantile_tally tally;  ///< `count` without what is in the stores
  store_header negative;
  store_header positive;
  std::span<const std::byte> payload;
};

/// The header of one sign's counters, whose range is at `p` and whose values below it are `below`;
/// false if there cannot be such.
[[nodiscard]] inline bool read_store_header(const std::byte* p, std::uint64_t below,
                                            const quantile_plan& plan,
                                            store_header* header) noexcept {
  const auto first = load_le<std::uint32_t>(p), size = load_le<std::uint32_t>(p + 4);
  const std::uint32_t buckets = octaves_of_double * plan.per_octave;
  if (size == 0) return first == 0 && below == 0;
  if (size > plan.max_buckets || first > buckets - size) return false;
  if (below != 0 && first + size <= plan.max_buckets) return false;  // there is no bucket below
  *header = {{first, first + size - 1}, below};
  return true;
}

[[nodiscard]] inline expected<quantile_form, error> read_quantile_form(
    std::span<const std::byte> bytes) noexcept {
  const auto frame = open_frame(bytes, quantile_frame, quantile_parameters, [](const std::byte* p) {
    return load_le<std::uint64_t>(p + quantile_payload_size_at);
  });
  if (!frame) return unexpected(frame.error());
  const std::byte* const p = frame->parameters.data();
  const auto u64 = [p](std::size_t at) { return load_le<std::uint64_t>(p + at); };
  const auto bad = [](std::uint64_t position, const char* text) {
    return unexpected(error{errc::bad_value, position, text});
  };
  if (frame->flags != 0) return bad(5, "quoin: flags must be 0");
  quantile_form form{{load_le<std::uint32_t>(p), load_le<std::uint32_t>(p + 4)}, {}, {}, {}, {}};
  const quantile_plan& plan = form.plan;
  if (plan.per_octave < 1 || plan.per_octave > most_buckets_per_octave) {
    return bad(8, "quoin: number of buckets per octave must be 1 to 3466");
  }
  if (plan.max_buckets < 1 || plan.max_buckets > octaves_of_double * plan.per_octave) {
    return bad(12, "quoin: limit of buckets must be 1 to 2046 octaves");
  }
  form.tally = {0,
                u64(8),
                u64(16),
                u64(24),
                u64(32),
                std::bit_cast<double>(u64(56)),
                std::bit_cast<double>(u64(64))};
  for (const std::size_t at : {8u, 24u, 32u}) {
    if (u64(at) > most_quantile_values - form.tally.count) {
      return bad(8 + at, "quoin: more than 2^63 values");
    }
    form.tally.count += u64(at);
  }
  if (!read_store_header(p + 72, u64(40), plan, &form.negative)) {
    return bad(80, "quoin: negative buckets beyond the range or the limit");
  }
  if (!read_store_header(p + 80, u64(48), plan, &form.positive)) {
    return bad(88, "quoin: positive buckets beyond the range or the limit");
  }
  if (u64(quantile_payload_size_at) != frame->payload.size()) {
    return bad(8 + quantile_payload_size_at, "quoin: size of the counters does not match");
  }
  form.payload = frame->payload;
  return form;
}

/// Writes the native form to `out`, which has its size.
template <class Allocator>
void write_quantile_form(std::span<std::byte> out, const quantile_plan& plan,
                         const quantile_tally& tally, const bucket_store<Allocator>& negative,
                         const bucket_store<Allocator>& positive) noexcept {
  frame_writer writer(out, quantile_frame, quantile_parameters);
  writer.put(plan.per_octave);
  writer.put(plan.max_buckets);
  for (const std::uint64_t n :
       {tally.zeros, tally.nans, tally.negative_infinities, tally.positive_infinities,
        negative.below(), positive.below(), std::bit_cast<std::uint64_t>(tally.min),
        std::bit_cast<std::uint64_t>(tally.max)}) {
    writer.put(n);
  }
  for (const bucket_range range : {negative.used(), positive.used()}) {
    writer.put(range.empty() ? 0 : range.first);
    writer.put(range.size());
  }
  writer.put(std::uint64_t{out.size() - framed_size(quantile_parameters, 0)});
  put_counters(writer, negative);
  put_counters(writer, positive);
  writer.finish();
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
