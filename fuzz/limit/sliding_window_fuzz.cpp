// SPDX-License-Identifier: BSL-1.0
// Any verbs at any times: both forms answer alike, the decisions of exact fractions; and raw bytes.
#include <quoin/limit/sliding_window.hpp>

#include "limit/window_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  quoin::sliding_window_options options =
      quoin_fuzz::window_options<quoin::sliding_window_options>(in);
  options.fractions = in.take<bool>() ? quoin::weight::up : quoin::weight::down;
  quoin_fuzz::try_windows<quoin::sliding_window<quoin::manual_clock>,
                          quoin::atomic_sliding_window<quoin::manual_clock>>(in, options);
  return 0;
}
