// SPDX-License-Identifier: BSL-1.0
/// @file
/// The quotas of a keyed limiter: one of all keys, which may be replaced while others read it, and
/// those of a few keys of their own.
#ifndef QUOIN_DETAIL_LIMIT_TABLE_QUOTAS_HPP
#define QUOIN_DETAIL_LIMIT_TABLE_QUOTAS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/limit_table_scale.hpp>
#include <quoin/detail/limit_table_slots.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#if defined(__unix__)
#include <sched.h>
#endif

namespace quoin::inline QUOIN_ABI::detail {

/// A lock that is held for some dozens of instructions.
class spin_lock {
 public:
  void lock() noexcept {
    for (unsigned tries = 1; __atomic_exchange_n(&held_, std::uint32_t{1}, __ATOMIC_ACQUIRE) != 0;
         ++tries) {
#if defined(__unix__)
      if (tries % 64 == 0) sched_yield();  // its holder may have lost its core
#endif
    }
  }
  void unlock() noexcept { __atomic_store_n(&held_, std::uint32_t{0}, __ATOMIC_RELEASE); }

 private:
  std::uint32_t held_ = 0;
};

class lock_guard {
 public:
  explicit lock_guard(spin_lock& lock) noexcept : lock_(lock) { lock_.lock(); }
  lock_guard(const lock_guard&) = delete;
  lock_guard& operator=(const lock_guard&) = delete;
  ~lock_guard() { lock_.unlock(); }

 private:
  spin_lock& lock_;
};

/// A quota that is read without a lock and seldom replaced. The last few lie side by side; who reads
/// one that has been overwritten meanwhile reads again.
class shared_quota {
 public:
  [[nodiscard]] QUOIN_ALWAYS_INLINE table_quota load() const noexcept {
    for (;;) {
      const std::uint64_t turn = load_word(turn_);
      const table_quota& from = quotas_[turn % kept];
      const table_quota quota{load_word(from.token), load_word(from.limit),
                              load_word(from.capacity)};
      if (load_word(turn_) - turn < kept - 1) return quota;
    }
  }
  /// Under a lock of the caller's.
  void store(const table_quota& quota) noexcept {
    const std::uint64_t turn = load_word(turn_) + 1;
    table_quota& to = quotas_[turn % kept];
    store_word(to.token, quota.token);
    store_word(to.limit, quota.limit);
    store_word(to.capacity, quota.capacity);
    store_word(turn_, turn);
  }

 private:
  static constexpr unsigned kept = 4;

  alignas(64) std::uint64_t turn_ = 0;
  table_quota quotas_[kept];
};

/// A key with a quota of its own.
struct own_quota {
  std::uint64_t hash = 0;
  std::uint64_t token = 0;  ///< ticks; 0: nobody is here
  std::uint64_t limit = 0;
};

/// A small hash table of them: linear probing, at most half full. Readers take no lock: they read
/// again when a writer was there meanwhile.
template <class Allocator>
class own_quotas {
  using allocator_type =
      typename std::allocator_traits<Allocator>::template rebind_alloc<own_quota>;

 public:
  own_quotas(std::uint64_t most, const Allocator& allocator)
      : slots_(most == 0 ? 0 : static_cast<std::size_t>(std::bit_ceil(2 * most)), own_quota{},
               allocator_type(allocator)),
        most_(most) {}

  [[nodiscard]] std::uint64_t size() const noexcept { return load_word(size_); }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return slots_.size() * sizeof(own_quota);
  }

  /// The quota of `hash` to `*quota`, if it has one.
  void find(std::uint64_t hash, table_quota* quota) const noexcept {
    for (;;) {
      const std::uint64_t version = load_word(version_);
      table_quota found = *quota;
      for (std::size_t i = home(hash), n = 0; n < slots_.size(); i = next(i), ++n) {
        const std::uint64_t token = load_word(slots_[i].token);
        if (token == 0) break;
        if (load_word(slots_[i].hash) != hash) continue;
        const std::uint64_t limit = load_word(slots_[i].limit);
        found = {token, limit, token * limit};
        break;
      }
      if (version % 2 == 0 && load_word(version_) == version) {
        *quota = found;
        return;
      }
    }
  }

  /// False if there is no room for one more.
  [[nodiscard]] bool set(std::uint64_t hash, const table_quota& quota) noexcept {
    std::size_t i = slots_.empty() ? 0 : slot_of(hash);
    const bool is_new = slots_.empty() || slots_[i].token == 0;
    if (is_new && size_ == most_) return false;
    begin();
    put(slots_[i], {hash, quota.token, quota.limit});
    end();
    if (is_new) store_word(size_, size_ + 1);
    return true;
  }

  bool erase(std::uint64_t hash) noexcept {
    if (slots_.empty()) return false;
    std::size_t hole = slot_of(hash);
    if (slots_[hole].token == 0) return false;
    begin();
    for (std::size_t i = next(hole); slots_[i].token != 0; i = next(i)) {
      const std::size_t mask = slots_.size() - 1;
      if (((i - home(slots_[i].hash)) & mask) < ((i - hole) & mask)) continue;
      put(slots_[hole], slots_[i]);
      hole = i;
    }
    put(slots_[hole], {});
    end();
    store_word(size_, size_ - 1);
    return true;
  }

 private:
  [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>(hash ^ hash >> 32) & (slots_.size() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t i) const noexcept {
    return (i + 1) & (slots_.size() - 1);
  }
  /// Where `hash` is or would be. Only writers, which hold a lock.
  [[nodiscard]] std::size_t slot_of(std::uint64_t hash) const noexcept {
    std::size_t i = home(hash);
    while (slots_[i].token != 0 && slots_[i].hash != hash) i = next(i);
    return i;
  }
  static void put(own_quota& to, const own_quota& value) noexcept {
    store_word(to.hash, value.hash);
    store_word(to.limit, value.limit);
    store_word(to.token, value.token);
  }
  /// No store of a change may come before its version.
  void begin() noexcept { __atomic_fetch_add(&version_, std::uint64_t{1}, __ATOMIC_ACQ_REL); }
  void end() noexcept { store_word(version_, version_ + 1); }

  std::vector<own_quota, allocator_type> slots_;
  std::uint64_t most_;
  alignas(8) std::uint64_t size_ = 0;
  alignas(8) std::uint64_t version_ = 0;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
