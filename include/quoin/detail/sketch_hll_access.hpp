// SPDX-License-Identifier: BSL-1.0
/// @file
/// The inside of a `hyperloglog`, for its companions in other headers.
#ifndef QUOIN_DETAIL_SKETCH_HLL_ACCESS_HPP
#define QUOIN_DETAIL_SKETCH_HLL_ACCESS_HPP

#include <quoin/detail/config.hpp>

namespace quoin::inline QUOIN_ABI::detail {

/// A friend of every `hyperloglog`.
struct hll_access {
  /// Its `hll_state`.
  template <class Sketch>
  [[nodiscard]] static auto& state(Sketch& sketch) noexcept {
    return sketch.state_;
  }

  /// Throws unless the two can be combined.
  template <class Sketch>
  static void require_compatible(const Sketch& left, const Sketch& right) {
    left.require_compatible(right);
  }
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
