// SPDX-License-Identifier: BSL-1.0
/// @file
/// What placements say of a caller's mistake: no nodes at all, or a node that should (not) be there.
#ifndef QUOIN_DETAIL_PLACEMENT_ERRORS_HPP
#define QUOIN_DETAIL_PLACEMENT_ERRORS_HPP

#include <quoin/detail/error.hpp>

#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace quoin::inline QUOIN_ABI::detail {

/// `node` for people: text in quotes (its beginning if it is long), numbers as they are, nothing
/// for what has no text.
template <class Node>
[[nodiscard]] std::string text_of_node(const Node& node) {
  if constexpr (std::convertible_to<const Node&, std::string_view>) {
    const std::string_view name(node);
    if (name.size() <= 100) return " \"" + std::string(name) + "\"";
    std::size_t end = 100;  // or less: not within a character of UTF-8
    while (end > 96 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
    return " \"" + std::string(name.substr(0, end)) + "…\"";
  } else if constexpr (std::is_integral_v<Node>) {
    return " " + std::to_string(node);
  } else {
    return {};
  }
}

/// Fails with "<type>: node "<name>" <what>".
template <class Node>
[[noreturn]] QUOIN_COLD void fail_node(const char* type, const Node& node, const char* what) {
  fail(("quoin::" + std::string(type) + ": node" + text_of_node(node) + " " + what).c_str());
}

/// Reports that a placement without nodes was asked for one: throws `std::out_of_range` or calls
/// the failure handler.
[[noreturn]] QUOIN_COLD inline void fail_empty(const char* type) {
  const std::string text = "quoin::" + std::string(type) + ": there are no nodes";
#if QUOIN_HAS_EXCEPTIONS
  throw std::out_of_range(text);
#else
  hand_over_failure(text.c_str());
#endif
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
