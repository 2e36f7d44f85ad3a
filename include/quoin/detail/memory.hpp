// SPDX-License-Identifier: BSL-1.0
/// @file
/// Zero-filled arrays of cache lines: the storage of every table that is read at random.
#ifndef QUOIN_DETAIL_MEMORY_HPP
#define QUOIN_DETAIL_MEMORY_HPP

#include <quoin/detail/assign.hpp>
#include <quoin/detail/config.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>
#include <vector>  // also for std::allocator: <memory> costs three times as much to compile

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

/// 64 bytes, the unit in which the memory of today's machines moves.
struct alignas(64) cache_line {
  std::uint64_t words[8];
  friend bool operator==(const cache_line&, const cache_line&) = default;
};

/// Asks the system to back a large table with huge pages: past a few MiB the misses of the address
/// translation cost as much as the misses of the cache (1.3 to 1.5 times on random reads).
inline void advise_huge_pages([[maybe_unused]] void* p,
                              [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr std::uintptr_t page = 4096;
  if (bytes < std::size_t{4} << 20) return;
  const auto begin = (reinterpret_cast<std::uintptr_t>(p) + page - 1) & ~(page - 1);
  const auto end = (reinterpret_cast<std::uintptr_t>(p) + bytes) & ~(page - 1);
  const int saved = errno;  // a kernel without huge pages is no error
  static_cast<void>(madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE));
  errno = saved;
#endif
}

/// An owned array of cache lines of fixed size, zero at first: a `std::vector` whose memory is
/// advised before its first touch. `Allocator` is rebound to `Line`; moved-from is empty.
/// @tparam Line  what a line holds: 64 bytes, aligned to 64, of integers.
template <class Allocator, class Line = cache_line>
class line_array {
  static_assert(sizeof(Line) == 64 && alignof(Line) == 64);
  using allocator_traits = typename std::allocator_traits<Allocator>;
  using vector = std::vector<Line, typename allocator_traits::template rebind_alloc<Line>>;

 public:
  using allocator_type = typename vector::allocator_type;
  using lines_traits = std::allocator_traits<allocator_type>;

  explicit line_array(std::size_t size, const Allocator& allocator = Allocator())
      : lines_(allocator_type(allocator)) {
    reserve(size);
    lines_.resize(size);
  }

  line_array(const line_array& other, const allocator_type& allocator) : lines_(allocator) {
    reserve(other.size());
    lines_.assign(other.lines_.begin(), other.lines_.end());
  }
  line_array(const line_array& other)
      : line_array(other, lines_traits::select_on_container_copy_construction(
                              other.lines_.get_allocator())) {}
  line_array(line_array&&) noexcept = default;

  /// Nothing changes if there is no memory: a vector whose allocator propagates, or any of some
  /// libraries, would give its old memory back before it asks for the new.
  line_array& operator=(const line_array& other) { return copy_assign(*this, other); }
  line_array& operator=(line_array&& other) noexcept(move_assigns_in_place<allocator_type>) {
    if (this == &other) return *this;
    move_assign(*this, std::move(other));
    other.lines_.clear();  // which may have been copied
    return *this;
  }
  ~line_array() = default;

  void swap(line_array& other) noexcept { swap_whole(*this, other); }
  void clear() noexcept {
    if (!lines_.empty()) std::memset(lines_.data(), 0, lines_.size() * sizeof(Line));
  }

  [[nodiscard]] Line* data() noexcept { return lines_.data(); }
  [[nodiscard]] const Line* data() const noexcept { return lines_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return lines_.size(); }
  [[nodiscard]] std::size_t max_size() const noexcept { return lines_.max_size(); }
  [[nodiscard]] allocator_type get_allocator() const noexcept { return lines_.get_allocator(); }

  friend bool operator==(const line_array& a, const line_array& b) { return a.lines_ == b.lines_; }

 private:
  void reserve(std::size_t size) {
    lines_.reserve(size);
    if constexpr (std::is_same_v<allocator_type, std::allocator<Line>>) {
      advise_huge_pages(lines_.data(), size * sizeof(Line));
    }
  }

  vector lines_;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
