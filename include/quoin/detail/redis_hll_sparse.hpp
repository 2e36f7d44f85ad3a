// SPDX-License-Identifier: BSL-1.0
/// @file
/// The sparse form of Redis' HyperLogLog: the registers as runs of equal values.
///
/// | bytes             | a run of                                                      |
/// |-------------------|---------------------------------------------------------------|
/// | 00nnnnnn          | n + 1 zeros                                                   |
/// | 01nnnnnn nnnnnnnn | n + 1 zeros, the high bits first                              |
/// | 1rrrrrnn          | n + 1 registers of rank r + 1                                 |
///
/// One set of registers can be written in many ways. The server edits locally: it splits the run
/// that covers a register and then joins equal neighbours within a window, so that the bytes
/// depend on the order of insertion. What is here makes the same edits.
#ifndef QUOIN_DETAIL_REDIS_HLL_SPARSE_HPP
#define QUOIN_DETAIL_REDIS_HLL_SPARSE_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/error.hpp>
#include <quoin/detail/expected.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr std::uint32_t redis_registers = 1u << 14;
inline constexpr unsigned redis_max_rank = 51;         // 64 − 14 zeros, and one
inline constexpr unsigned redis_max_sparse_rank = 32;  // of a run
inline constexpr std::uint32_t redis_max_narrow_zeros = 64;
inline constexpr std::uint32_t redis_max_equal_run = 4;
/// How many runs, from the one before the edited one, the server looks at for equal neighbours.
inline constexpr int redis_join_window = 5;

struct redis_run {
  std::uint32_t length;  ///< registers
  std::uint32_t bytes;   ///< 1 or 2
  unsigned rank;
};

/// The run at `p`; reads a second byte when the first one says there is one.
[[nodiscard]] QUOIN_ALWAYS_INLINE redis_run read_redis_run(const unsigned char* p) noexcept {
  const std::uint32_t byte = *p;
  if (byte >> 6 == 1) return {((byte & 0x3f) << 8 | p[1]) + 1, 2, 0};
  if (byte < 0x80) return {byte + 1, 1, 0};
  return {(byte & 3) + 1, 1, (byte >> 2 & 31) + 1};
}

/// Writes a run as the server writes it after an edit, and returns its end. A length of 0 is no
/// run.
inline unsigned char* write_redis_run(unsigned char* p, std::uint32_t length,
                                      unsigned rank) noexcept {
  if (length == 0) return p;
  if (rank != 0) {
    *p++ = static_cast<unsigned char>(0x80 | (rank - 1) << 2 | (length - 1));
  } else if (length <= redis_max_narrow_zeros) {
    *p++ = static_cast<unsigned char>(length - 1);
  } else {
    *p++ = static_cast<unsigned char>(0x40 | (length - 1) >> 8);
    *p++ = static_cast<unsigned char>(length - 1);
  }
  return p;
}

/// Calls `f(first register, run)` for the runs in `[p, end)`, which are known to be well-formed.
template <class F>
void for_each_redis_run(const unsigned char* p, const unsigned char* end, F f) noexcept {
  std::uint32_t first = 0;
  while (p != end) {
    const redis_run run = read_redis_run(p);
    f(first, run);
    first += run.length;
    p += run.bytes;
  }
}

/// Whether `payload`, which begins at byte `offset` of the input, is runs that cover every register
/// once. The position of an error is that of the run at fault.
[[nodiscard]] inline expected<bool, error> check_redis_runs(std::span<const std::byte> payload,
                                                            std::size_t offset) noexcept {
  using fail = unexpected<error>;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(payload.data());
  std::uint32_t covered = 0;
  for (std::size_t at = 0; at < payload.size();) {
    if (bytes[at] >> 6 == 1 && at + 1 == payload.size()) {
      return fail({errc::truncated, offset + at, "quoin: input ends within a run of zeros"});
    }
    const redis_run run = read_redis_run(bytes + at);
    if (run.length > redis_registers - covered) {
      return fail({errc::bad_value, offset + at, "quoin: a run goes past the last register"});
    }
    covered += run.length;
    at += run.bytes;
  }
  if (covered != redis_registers) {
    return fail({errc::truncated, offset + payload.size(), "quoin: runs for too few registers"});
  }
  return true;
}

/// What to write where in order to raise one register.
struct redis_edit {
  std::size_t at;        ///< offset of the run to replace
  std::size_t before;    ///< offset of the run before it; `at` for the first
  std::uint32_t remove;  ///< bytes; 0 when the register is not raised
  std::uint32_t insert;  ///< bytes, up to 5
  unsigned char bytes[5];
};

/// The edit that raises the register `index` of the runs at `p` to `rank`, 1 to 32. O(bytes).
[[nodiscard]] inline redis_edit plan_redis_edit(const unsigned char* p, std::uint32_t index,
                                                unsigned rank) noexcept {
  std::size_t at = 0, before = 0;
  std::uint32_t first = 0;
  for (;;) {
    // No branch but for two-byte runs, which are rare where there are many.
    const std::uint32_t byte = p[at];
    const bool wide = byte >> 6 == 1;
    std::uint32_t length = (byte & (byte < 0x80 ? 0x3fu : 3u)) + 1;
    if (wide) length = ((byte & 0x3f) << 8 | p[at + 1]) + 1;
    if (index - first < length) break;
    first += length;
    before = at;
    at += wide ? 2 : 1;
  }
  const redis_run run = read_redis_run(p + at);
  redis_edit edit{at, before, 0, 0, {}};
  if (run.rank >= rank) return edit;
  unsigned char* out = write_redis_run(edit.bytes, index - first, run.rank);
  out = write_redis_run(out, 1, rank);
  out = write_redis_run(out, first + run.length - 1 - index, run.rank);
  edit.remove = run.bytes;
  edit.insert = static_cast<std::uint32_t>(out - edit.bytes);
  return edit;
}

/// Joins neighbours of equal rank, from the run at offset `at` as far as the server looks. Returns
/// the size that `size` bytes have shrunk to.
inline std::size_t join_redis_runs(unsigned char* p, std::size_t size, std::size_t at) noexcept {
  for (int looked = 0; looked < redis_join_window && at < size; ++looked) {
    const redis_run run = read_redis_run(p + at);
    if (run.rank != 0 && at + 1 < size && p[at + 1] >= 0x80) {
      const redis_run next = read_redis_run(p + at + 1);
      const std::uint32_t length = run.length + next.length;
      if (next.rank == run.rank && length <= redis_max_equal_run) {
        write_redis_run(p + at, length, run.rank);
        std::memmove(p + at + 1, p + at + 2, size - at - 2);
        --size;
        continue;  // the joined run may meet another equal one
      }
    }
    at += run.bytes;
  }
  return size;
}

/// The same edits in O(1) each, for many of them: the registers side by side and a bit at the first
/// register of each run. 20 KB, on the stack of a batch operation.
class redis_sparse_editor {
 public:
  /// Loads well-formed runs.
  explicit redis_sparse_editor(std::span<const unsigned char> payload) noexcept
      : size_(payload.size()) {
    for_each_redis_run(payload.data(), payload.data() + payload.size(),
                       [&](std::uint32_t first, const redis_run& run) {
                         set(starts_, first, true);
                         set(wide_, first, run.bytes == 2);
                         if (run.rank != 0) std::memset(ranks_ + first, int(run.rank), run.length);
                       });
  }

  [[nodiscard]] const unsigned char* ranks() const noexcept { return ranks_; }

  /// Size of the runs in bytes.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  enum class result { unchanged, changed, too_large };

  /// Raises a register to `rank`, 1 to 32. `too_large`, with nothing changed, when the runs would
  /// grow, and beyond `limit` bytes.
  result raise(std::uint32_t index, unsigned rank, std::uint64_t limit) noexcept {
    const unsigned old = ranks_[index];
    if (old >= rank) return result::unchanged;
    const std::uint32_t first = start_at_or_before(index), end = start_after(index);
    const bool was_wide = get(wide_, first);
    const bool left_wide = old == 0 && index - first > redis_max_narrow_zeros;
    const bool right_wide = old == 0 && end - index - 1 > redis_max_narrow_zeros;
    const std::size_t removed = 1u + was_wide;
    const std::size_t inserted =
        1u + (index != first) + left_wide + (index + 1 != end) + right_wide;
    if (inserted > removed && size_ + inserted - removed > limit) return result::too_large;
    size_ += inserted - removed;
    set(wide_, first, left_wide);
    set(starts_, index, true);
    if (index + 1 != end) {
      set(starts_, index + 1, true);
      set(wide_, index + 1, right_wide);
    }
    ranks_[index] = static_cast<unsigned char>(rank);
    join(first == 0 ? 0 : start_at_or_before(first - 1));
    return result::changed;
  }

  /// Writes the runs, `size()` bytes.
  void write(unsigned char* out) const noexcept {
    for (std::uint32_t first = 0, end; first < redis_registers; first = end) {
      end = start_after(first);
      const std::uint32_t length = end - first;
      if (get(wide_, first)) {
        *out++ = static_cast<unsigned char>(0x40 | (length - 1) >> 8);
        *out++ = static_cast<unsigned char>(length - 1);
      } else {
        out = write_redis_run(out, length, ranks_[first]);
      }
    }
  }

 private:
  using bit_set = std::uint64_t[redis_registers / 64];

  static bool get(const bit_set& bits, std::uint32_t i) noexcept {
    return (bits[i / 64] >> (i % 64) & 1) != 0;
  }
  static void set(bit_set& bits, std::uint32_t i, bool value) noexcept {
    const std::uint64_t mask = std::uint64_t{1} << (i % 64);
    bits[i / 64] = value ? bits[i / 64] | mask : bits[i / 64] & ~mask;
  }

  [[nodiscard]] std::uint32_t start_at_or_before(std::uint32_t i) const noexcept {
    std::uint32_t at = i / 64;
    std::uint64_t word = starts_[at] << (63 - i % 64);
    if (word != 0) return i - static_cast<std::uint32_t>(std::countl_zero(word));
    do {  // register 0 starts a run
      word = starts_[--at];
    } while (word == 0);
    return 64 * at + 63 - static_cast<std::uint32_t>(std::countl_zero(word));
  }

  [[nodiscard]] std::uint32_t start_after(std::uint32_t i) const noexcept {
    if (++i == redis_registers) return i;
    std::uint32_t at = i / 64;
    std::uint64_t word = starts_[at] >> (i % 64);
    if (word != 0) return i + static_cast<std::uint32_t>(std::countr_zero(word));
    while (++at < redis_registers / 64) {
      word = starts_[at];
      if (word != 0) return 64 * at + static_cast<std::uint32_t>(std::countr_zero(word));
    }
    return redis_registers;
  }

  void join(std::uint32_t at) noexcept {
    for (int looked = 0; looked < redis_join_window && at < redis_registers; ++looked) {
      const std::uint32_t next = start_after(at);
      if (ranks_[at] != 0 && next < redis_registers && ranks_[next] == ranks_[at] &&
          start_after(next) - at <= redis_max_equal_run) {
        set(starts_, next, false);
        --size_;
      } else {
        at = next;
      }
    }
  }

  unsigned char ranks_[redis_registers] = {};
  bit_set starts_ = {};  // bit i: a run starts at register i
  bit_set wide_ = {};    // and is written with two bytes
  std::size_t size_;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
