// SPDX-License-Identifier: BSL-1.0
// The decoder on raw bytes, and batches against single elements on what it takes.
#include <quoin/interop/redis_hyperloglog.hpp>

#include "support/input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace {

using sketch = quoin::redis_hyperloglog;

void use(sketch one, quoin_fuzz::input in) {
  sketch batch = one, dense = one;
  dense.make_dense();
  QUOIN_FUZZ_CHECK(dense == one && dense.estimate() == one.estimate());
  const auto back = sketch::from_registers(one.registers(), one.options());
  QUOIN_FUZZ_CHECK(back.has_value() && *back == one);

  std::vector<std::uint64_t> hashes;
  while (!in.empty()) {  // three bytes a hash: registers that meet
    const auto draw = in.take<std::uint16_t>();
    const auto rank = in.take_in<std::uint8_t>(0, 50);
    hashes.push_back((draw & 0x3fff) | std::uint64_t{1} << (14 + rank % 50));
  }
  bool changed = false;
  for (const auto hash : hashes) changed |= one.add_hash(hash);
  QUOIN_FUZZ_CHECK(batch.add_hash_many(hashes) == changed);
  QUOIN_FUZZ_CHECK(std::ranges::equal(batch.bytes(), one.bytes()));
  dense.add_hash_many(hashes);
  QUOIN_FUZZ_CHECK(dense == one);
  QUOIN_FUZZ_CHECK(one.count() <= std::uint64_t{1} << 63 && one.count() == one.estimate());
  const auto read = sketch::from_bytes(one.bytes());
  QUOIN_FUZZ_CHECK(read.has_value() && *read == one);

  sketch merged(one.options());
  merged.merge(one);
  QUOIN_FUZZ_CHECK(merged == one && merged.union_count(one) == one.estimate());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  const quoin::redis_hyperloglog_options options{in.take<std::uint16_t>()};
  const auto form = in.take_bytes(in.take<std::uint16_t>());
  auto read = sketch::from_bytes(std::as_bytes(form), options);
  if (!read) {
    QUOIN_FUZZ_CHECK(read.error().position() <= form.size());
    use(sketch(options), in);
    return 0;
  }
  QUOIN_FUZZ_CHECK(std::ranges::equal(read->bytes(), std::as_bytes(form)));
  if (read->count_is_kept()) read->merge_many({});  // what is kept may be a lie
  use(*read, in);
  return 0;
}
