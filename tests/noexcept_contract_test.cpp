// SPDX-License-Identifier: BSL-1.0
// What the public types promise about exceptions and triviality, so that a slip is a compile error
// here before it is a slow std::vector at a user's.
#include <quoin/quoin.hpp>

#include <quoin/detail/expected.hpp>
#include <quoin/detail/memory.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace {

template <class T>
inline constexpr bool moves_without_throwing =
    std::is_nothrow_move_constructible_v<T>&& std::is_nothrow_move_assignable_v<T>&&
        std::is_nothrow_swappable_v<T>&& std::is_nothrow_destructible_v<T>;

template <class T>
inline constexpr bool is_plain_value = std::is_trivially_copyable_v<T>&& moves_without_throwing<T>;

// Small values travel in registers and may be memcpy'd.
static_assert(is_plain_value<quoin::hash>);
static_assert(is_plain_value<quoin::hash128>);
static_assert(is_plain_value<quoin::siphash_key>);
static_assert(is_plain_value<quoin::error>);

static_assert(moves_without_throwing<quoin::expected<int, quoin::error>>);
static_assert(moves_without_throwing<quoin::expected<std::string, quoin::error>>);
static_assert(moves_without_throwing<quoin::detail::line_array<std::allocator<std::byte>>>);

static_assert(moves_without_throwing<quoin::blocked_bloom_filter<>>);
static_assert(is_plain_value<quoin::blocked_bloom_filter_view<>>);
static_assert(noexcept(std::declval<quoin::blocked_bloom_filter<>&>().insert(42)));
static_assert(noexcept(std::declval<quoin::blocked_bloom_filter<>&>().try_insert(42)));
static_assert(noexcept(std::declval<const quoin::blocked_bloom_filter<>&>().contains(42)));

using bytes = std::span<const std::byte>;
static_assert(noexcept(quoin::hash{}(42)));
static_assert(noexcept(quoin::hash{}(std::string_view())));
static_assert(noexcept(quoin::hash{}(std::declval<const std::pair<int, std::string_view>&>())));
static_assert(noexcept(quoin::xxh3_64(bytes())));
static_assert(noexcept(quoin::xxh64(bytes())));
static_assert(noexcept(quoin::murmur3_x64_128(bytes())));
static_assert(noexcept(quoin::murmur3_x86_32(bytes())));
static_assert(noexcept(quoin::siphash_2_4(bytes(), quoin::siphash_key())));
static_assert(noexcept(quoin::crc32c(bytes())));
static_assert(noexcept(quoin::active_isa()));

TEST(NoexceptContract, HoldsAtCompileTime) { SUCCEED(); }

}  // namespace
