// SPDX-License-Identifier: BSL-1.0
// Changes of a table against the table built anew; every node has its share, every lookup a node.
#include <quoin/placement/maglev_table.hpp>

#include "support/input.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace {

using table = quoin::maglev_table<std::uint8_t>;

void check(const table& t, const std::map<std::uint8_t, std::uint32_t>& model) {
  std::vector<quoin::weighted_node<std::uint8_t>> nodes;
  for (const auto& [node, weight] : model) nodes.push_back({node, weight});
  const table other(nodes, {.table_size = t.table_size()});
  QUOIN_FUZZ_CHECK(t == other && t.size() == model.size());
  if (t.empty()) return;
  for (std::uint32_t i = 0; i < t.table_size(); ++i) {
    QUOIN_FUZZ_CHECK(t.entry(i) == other.entry(i) && t.entry(i) < t.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quoin_fuzz::input in(data, size);
  constexpr std::uint32_t sizes[] = {257, 509, 1009, 2003};
  table t(quoin::maglev_options{.table_size = sizes[in.take_in<std::uint8_t>(0, 3)]});
  std::map<std::uint8_t, std::uint32_t> model;
  for (int steps = 0; !in.empty() && steps < 64; ++steps) {
    const auto what = in.take_in<std::uint8_t>(0, 3);
    const auto node = in.take<std::uint8_t>();
    const auto weight = in.take_in<std::uint32_t>(1, what == 3 ? 1u << 20 : 20);
    QUOIN_FUZZ_CHECK(t.contains(node) == model.contains(node));
    if (!t.contains(node)) {
      t.add(node, weight);
      model[node] = weight;
    } else if (what == 0) {
      t.remove(node);
      model.erase(node);
    } else {
      t.set_weight(node, weight);
      model[node] = weight;
    }
  }
  check(t, model);
  const std::uint64_t hash = in.take<std::uint64_t>();
  if (!t.empty())
    QUOIN_FUZZ_CHECK(t.owner_index_of_hash(hash) ==
                     t.entry(static_cast<std::uint32_t>(hash % t.table_size())));
  return 0;
}
