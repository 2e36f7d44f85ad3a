// SPDX-License-Identifier: BSL-1.0
// The readers on raw text; what is written from any numbers and names against what is read of it.
#include <quoin/limit/http_headers.hpp>

#include "support/input.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

void read(std::string_view text) {
  quoin::rate_limit_reader in(text);
  quoin::rate_limit_item item;
  std::size_t items = 0;
  auto more = in.next(item);
  for (; more && *more; more = in.next(item)) {
    QUOIN_FUZZ_CHECK(item.quota >= -1 && item.quota <= 999'999'999'999'999);
    QUOIN_FUZZ_CHECK(item.name.empty() || (item.name.data() >= text.data() &&
                                           item.name.data() < text.data() + text.size()));
    QUOIN_FUZZ_CHECK(++items <= text.size());
  }
  if (!more) QUOIN_FUZZ_CHECK(more.error().position() <= text.size());
  const auto wait = quoin::parse_retry_after(text, {});
  if (wait) QUOIN_FUZZ_CHECK(wait->count() >= 0 && wait->count() <= std::int64_t{1} << 33);
}

void write(quoin_fuzz::input in) {
  const auto name_bytes = in.take_bytes(in.take<std::uint8_t>());
  const std::string name(name_bytes.begin(), name_bytes.end());
  const auto remaining = in.take<std::uint64_t>();
  const std::chrono::nanoseconds reset(in.take<std::int64_t>());
  const quoin::quota_state states[] = {{name, remaining, reset}, {"second", 2}};
  std::vector<char> memory(in.take<std::uint16_t>() % 700);
  const auto text = quoin::write_rate_limit(memory, states);
  if (!text) {
    QUOIN_FUZZ_CHECK(text.error().code() == quoin::errc::bad_value ||
                     text.error().size_stated() > memory.size());
    return;
  }
  quoin::rate_limit_reader back(*text);
  quoin::rate_limit_item item;
  QUOIN_FUZZ_CHECK(back.next(item).value() && item.is_named(name));
  QUOIN_FUZZ_CHECK(
      item.remaining ==
      static_cast<std::int64_t>(remaining < 999'999'999'999'999 ? remaining : 999'999'999'999'999));
  const std::int64_t ns = reset.count();
  const std::int64_t seconds = reset == quoin::never ? -1
                               : ns <= 0             ? 0
                                         : ns / 1'000'000'000 + (ns % 1'000'000'000 != 0);
  QUOIN_FUZZ_CHECK(item.reset_after.count() == seconds);
  QUOIN_FUZZ_CHECK(back.next(item).value() && item.is_named("second") && !back.next(item).value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read(std::string_view(reinterpret_cast<const char*>(data), size));
  write(quoin_fuzz::input(data, size));
  return 0;
}
