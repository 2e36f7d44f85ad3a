// SPDX-License-Identifier: BSL-1.0
/// @file
/// Memory between two pages that cannot be touched, for code that loads and stores more than a byte
/// at a time.
#ifndef QUOIN_TESTS_SUPPORT_GUARDED_PAGES_HPP
#define QUOIN_TESTS_SUPPORT_GUARDED_PAGES_HPP

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <new>

namespace quoin_test {

class guarded_pages {
 public:
  /// Pages for `size` bytes at least.
  explicit guarded_pages(std::size_t size)
      : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))),
        size_((size + page_ - 1) / page_ * page_) {
    void* const all =
        mmap(nullptr, size_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) throw std::bad_alloc();
    begin_ = static_cast<unsigned char*>(all) + page_;
    if (mprotect(begin_, size_, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  }
  guarded_pages(const guarded_pages&) = delete;
  guarded_pages& operator=(const guarded_pages&) = delete;
  ~guarded_pages() { munmap(begin_ - page_, size_ + 2 * page_); }

  /// The first bytes of them, or the last `size`.
  [[nodiscard]] unsigned char* bytes(bool at_end, std::size_t size) const {
    return at_end ? begin_ + (size_ - size) : begin_;
  }

 private:
  std::size_t page_;
  std::size_t size_;
  unsigned char* begin_ = nullptr;
};

}  // namespace quoin_test

#endif
