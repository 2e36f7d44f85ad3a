// SPDX-License-Identifier: BSL-1.0
/// @file
/// Counters of what nodes have in flight, and the lease that ends with its owner.
#ifndef QUOIN_DETAIL_PLACEMENT_LEASE_HPP
#define QUOIN_DETAIL_PLACEMENT_LEASE_HPP

#include <quoin/detail/error.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

/// A count with a cache line of its own: who changes one does not wait for who changes another.
struct alignas(64) lone_counter {
  std::atomic<std::size_t> value = 0;

  [[nodiscard]] std::size_t load() const noexcept { return value.load(std::memory_order_relaxed); }

  /// Takes 1 away, and says whether there was one to take.
  bool take_one() noexcept {
    std::size_t now = load();
    while (now != 0) {
      if (value.compare_exchange_weak(now, now - 1, std::memory_order_relaxed)) return true;
    }
    return false;
  }
};

/// `counters[index]`, or throws `std::invalid_argument` when there is none of this index.
template <class T>
[[nodiscard]] const T& at_index(const char* type, const std::vector<T>& counters,
                                std::uint32_t index) {
  if (index >= counters.size()) fail_argument(type, "index", index, "below size()");
  return counters[index];
}

/// The use of a node: counts until it is destroyed, assigned to or told to end; must not outlive the
/// `From` that gave it. One object is used by one thread at a time.
template <class From>
class node_lease {
 public:
  /// Of no node.
  node_lease() = default;
  node_lease(node_lease&& other) noexcept
      : from_(std::exchange(other.from_, nullptr)), index_(other.index_) {}
  node_lease& operator=(node_lease&& other) noexcept {
    node_lease taken(std::move(other));
    std::swap(from_, taken.from_);
    std::swap(index_, taken.index_);
    return *this;
  }
  ~node_lease() { release(); }

  /// True until it is given back or moved from.
  [[nodiscard]] explicit operator bool() const noexcept { return from_ != nullptr; }

  /// The node, and its position in `nodes()`. Only while the lease is held.
  [[nodiscard]] const auto& node() const noexcept { return from_->node_at(index_); }
  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }

  /// Gives it back now.
  void release() noexcept {
    if (from_ != nullptr) std::exchange(from_, nullptr)->give_back(index_);
  }

 private:
  friend From;
  node_lease(From* from, std::uint32_t index) noexcept : from_(from), index_(index) {}

  From* from_ = nullptr;
  std::uint32_t index_ = 0;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
