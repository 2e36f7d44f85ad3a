// SPDX-License-Identifier: BSL-1.0
// Any verbs at any times: both forms answer alike, no window is above its limit; and raw bytes.
#include <quoin/limit/fixed_window.hpp>

#include "limit/window_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  quoin::fixed_window_options options = quoin_fuzz::window_options<quoin::fixed_window_options>(in);
  quoin_fuzz::try_windows<quoin::fixed_window<quoin::manual_clock>,
                          quoin::atomic_fixed_window<quoin::manual_clock>>(in, options);
  return 0;
}
