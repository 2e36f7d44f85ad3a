// SPDX-License-Identifier: BSL-1.0
/// @file
/// The serialized form of `hash_ring`.
#ifndef QUOIN_DETAIL_PLACEMENT_RING_BYTES_HPP
#define QUOIN_DETAIL_PLACEMENT_RING_BYTES_HPP

#include <quoin/detail/frame.hpp>
#include <quoin/detail/keys.hpp>
#include <quoin/detail/placement_ring_state.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

inline constexpr frame_id ring_frame{0x0301, 1};
inline constexpr std::size_t ring_parameters = 48;
inline constexpr std::size_t ring_label_bytes = 8;  ///< number of the zone (0 in zones), length
inline constexpr std::size_t ring_node_bytes = 32;  ///< seed, weight, points, rack, node or length
inline constexpr std::size_t ring_point_bytes = 12;

/// Nodes that have a serialized form. (`char` and `wchar_t` differ between platforms.)
template <class Node>
concept serializable_node = std::same_as<Node, std::string> ||
    (std::is_integral_v<Node> && sizeof(Node) <= 8 && !std::same_as<Node, char> &&
     !std::same_as<Node, wchar_t>);

/// What the form calls a type of nodes: 1 unsigned, 2 signed, 3 text; and the width of integers.
template <serializable_node Node>
[[nodiscard]] constexpr std::uint16_t ring_node_kind() noexcept {
  if constexpr (std::is_integral_v<Node>) {
    return static_cast<std::uint16_t>((std::is_signed_v<Node> ? 2 : 1) | sizeof(Node) << 8);
  } else {
    return 3;
  }
}

/// The sizes of a form.
struct ring_counts {
  std::uint64_t nodes = 0;
  std::uint64_t points = 0;
  std::uint64_t zones = 0;
  std::uint64_t racks = 0;

  [[nodiscard]] std::uint64_t fixed_bytes() const noexcept {
    return ring_label_bytes * (zones + racks) + ring_node_bytes * nodes + ring_point_bytes * points;
  }
};

template <class Node>
[[nodiscard]] std::size_t ring_payload_size(const ring_state<Node>& ring) noexcept {
  const ring_counts counts{ring.nodes.size(), ring.tokens.size(), ring.zones.names.size(),
                           ring.racks.names.size()};
  auto size = static_cast<std::size_t>(counts.fixed_bytes());
  for (const auto& zone : ring.zones.names) size += zone.size();
  for (const auto& rack : ring.racks.names) size += rack.second.size();
  if constexpr (std::same_as<Node, std::string>) {
    for (const auto& node : ring.nodes) size += node.size();
  }
  return size;
}

/// Writes a ring into `framed_size(ring_parameters, ring_payload_size(ring))` bytes.
template <class Node, class Hash>
void write_ring(const ring_state<Node>& ring, std::span<std::byte> out) {
  frame_writer w(out, ring_frame, ring_parameters);
  w.put(ring.options.virtual_nodes);
  w.put(ring.options.probes);
  w.put(ring.options.seed);
  w.put(hash_id<Hash>);
  w.put(ring_node_kind<Node>());
  w.put(static_cast<std::uint16_t>(ring.options.allocation));
  w.put(ring.epoch);
  w.put(static_cast<std::uint32_t>(ring.nodes.size()));
  w.put(static_cast<std::uint32_t>(ring.tokens.size()));
  w.put(static_cast<std::uint32_t>(ring.zones.names.size()));
  w.put(static_cast<std::uint32_t>(ring.racks.names.size()));
  for (const auto& zone : ring.zones.names) w.put(std::uint64_t{zone.size()} << 32);
  for (const auto& [zone, rack] : ring.racks.names) {
    w.put(static_cast<std::uint32_t>(lower_bound_of(ring.zones.names, zone)));
    w.put(static_cast<std::uint32_t>(rack.size()));
  }
  for (std::size_t i = 0; i < ring.nodes.size(); ++i) {
    w.put(ring.entries[i].token_seed);
    w.put(std::bit_cast<std::uint64_t>(ring.entries[i].weight));
    w.put(ring.entries[i].points);
    w.put(ring.racks.numbers[i]);
    if constexpr (std::is_integral_v<Node>) {
      w.put(static_cast<std::uint64_t>(ring.nodes[i]));
    } else {
      w.put(std::uint64_t{ring.nodes[i].size()});
    }
  }
  for (const std::uint64_t token : ring.tokens.tokens()) w.put(token);
  for (const std::uint32_t node : ring.tokens.nodes()) w.put(node);
  for (const auto& zone : ring.zones.names) w.put_bytes(zone.data(), zone.size());
  for (const auto& rack : ring.racks.names) w.put_bytes(rack.second.data(), rack.second.size());
  if constexpr (std::same_as<Node, std::string>) {
    for (const auto& node : ring.nodes) w.put_bytes(node.data(), node.size());
  }
  w.finish();
}

/// Reads a ring. Whatever the bytes say, memory is in proportion to their number.
template <class Node, class Hash>
class ring_reader {
 public:
  [[nodiscard]] static expected<ring_state<Node>, error> read(std::span<const std::byte> bytes) {
    ring_reader reader;
    if (auto failed = reader.read_all(bytes)) return unexpected(*failed);
    return std::move(reader.ring_);
  }

 private:
  /// An error, or that there is none.
  class verdict {
   public:
    verdict() noexcept : error_(errc::bad_value, 0, "") {}
    verdict(errc code, std::uint64_t position, const char* text) noexcept
        : error_(code, position, text), failed_(true) {}
    explicit verdict(const error& e) noexcept : error_(e), failed_(true) {}
    [[nodiscard]] explicit operator bool() const noexcept { return failed_; }
    [[nodiscard]] const error& operator*() const noexcept { return error_; }

   private:
    error error_;
    bool failed_ = false;
  };

  [[nodiscard]] verdict read_all(std::span<const std::byte> bytes) {
    const auto frame = open_frame(bytes, ring_frame, ring_parameters);
    if (!frame) return verdict(frame.error());
    if (frame->flags != 0) return {errc::bad_value, 5, "quoin: flags must be 0"};
    if (auto failed = read_parameters(frame->parameters.data())) return failed;
    if (counts_.fixed_bytes() > frame->payload.size()) {
      return {errc::bad_value, 40, "quoin: more nodes, tokens or labels than fit"};
    }
    begin_ = bytes.data();
    row_ = frame->payload.data();
    text_ = frame->payload.subspan(static_cast<std::size_t>(counts_.fixed_bytes()));
    if (auto failed = read_labels()) return failed;
    if (auto failed = read_nodes()) return failed;
    if (!text_.empty()) {
      return {errc::bad_value, position_of(text_.data()), "quoin: text that belongs to nothing"};
    }
    return read_points();
  }

  [[nodiscard]] verdict read_parameters(const std::byte* p) {
    ring_.options = {load_le<std::uint32_t>(p), load_le<std::uint32_t>(p + 4),
                     load_le<std::uint64_t>(p + 8)};
    ring_.epoch = load_le<std::uint64_t>(p + 24);
    counts_ = {load_le<std::uint32_t>(p + 32), load_le<std::uint32_t>(p + 36),
               load_le<std::uint32_t>(p + 40), load_le<std::uint32_t>(p + 44)};
    if (ring_.options.virtual_nodes - 1 >= largest_virtual_nodes) {
      return {errc::bad_value, 8, "quoin: virtual nodes must be 1 to 2^20"};
    }
    if (ring_.options.probes - 1 >= most_probes) {
      return {errc::bad_value, 12, "quoin: probes must be 1 to 64"};
    }
    if (load_le<std::uint32_t>(p + 16) != hash_id<Hash>) {
      return {errc::incompatible, 24, "quoin: built with another hash function"};
    }
    if (!takes_seed<Hash> && ring_.options.seed != 0) {
      return {errc::incompatible, 16, "quoin: the ring has a seed, its hash function takes none"};
    }
    if (load_le<std::uint16_t>(p + 20) != ring_node_kind<Node>()) {
      return {errc::incompatible, 28, "quoin: a ring of nodes of another type"};
    }
    const auto allocation = load_le<std::uint16_t>(p + 22);
    if (allocation > 1 || (allocation == 1 && ring_.options.probes != 1)) {
      return {errc::bad_value, 30, "quoin: allocation must be 0, or 1 with one probe"};
    }
    ring_.options.allocation = static_cast<token_allocation>(allocation);
    if (ring_.epoch >> 63 != 0) return {errc::bad_value, 32, "quoin: epochs are below 2^63"};
    if (counts_.zones > counts_.racks || counts_.racks > counts_.nodes) {
      return {errc::bad_value, 48, "quoin: more zones than racks, or more racks than nodes"};
    }
    if (counts_.points > largest_token_count) {
      return {errc::too_large, 44, "quoin: more tokens than a ring can have"};
    }
    return {};
  }

  [[nodiscard]] verdict read_labels() {
    for (std::uint64_t i = 0; i < counts_.zones; ++i, row_ += ring_label_bytes) {
      std::string zone;
      if (load_le<std::uint32_t>(row_) != 0 || !take_label(zone)) {
        return at_row("quoin: not the name of a zone");
      }
      if (i != 0 && !(ring_.zones.names.back() < zone)) return at_row(not_ascending);
      ring_.zones.names.push_back(std::move(zone));
    }
    std::uint64_t zones_used = 0;
    for (std::uint64_t i = 0; i < counts_.racks; ++i, row_ += ring_label_bytes) {
      const auto zone = load_le<std::uint32_t>(row_);
      std::string rack;
      if (zone >= counts_.zones || !take_label(rack)) {
        return at_row("quoin: not the name of a rack, or of no zone");
      }
      std::pair label(ring_.zones.names[zone], std::move(rack));
      if (i != 0 && !(ring_.racks.names.back() < label)) return at_row(not_ascending);
      zones_used += i == 0 || zone != zone_of_rack_.back();
      zone_of_rack_.push_back(zone);
      ring_.racks.names.push_back(std::move(label));
    }
    if (zones_used != counts_.zones) return at_row("quoin: a zone without racks");
    return {};
  }

  [[nodiscard]] verdict read_nodes() {
    std::vector<bool> used(zone_of_rack_.size());
    std::uint64_t points = 0;
    for (std::uint64_t i = 0; i < counts_.nodes; ++i, row_ += ring_node_bytes) {
      const auto rack = load_le<std::uint32_t>(row_ + 20);
      const ring_entry entry{load_le<std::uint64_t>(row_),
                             std::bit_cast<double>(load_le<std::uint64_t>(row_ + 8)),
                             load_le<std::uint32_t>(row_ + 16)};
      if (rack >= counts_.racks) return at_row("quoin: a node in a rack that is not there");
      if (entry.points == 0 ||
          entry.points != points_of_weight(entry.weight, ring_.options.virtual_nodes)) {
        return at_row("quoin: a number of tokens that does not fit the weight");
      }
      Node node;
      if (!take_node(load_le<std::uint64_t>(row_ + 24), node)) {
        return at_row("quoin: not a node of this type");
      }
      if (i != 0 && !(ring_.nodes.back() < node)) return at_row(not_ascending);
      ring_.nodes.push_back(std::move(node));
      ring_.entries.push_back(entry);
      ring_.racks.numbers.push_back(rack);
      ring_.zones.numbers.push_back(zone_of_rack_[rack]);
      used[rack] = true;
      points += entry.points;
    }
    for (const bool is_used : used) {
      if (!is_used) return at_row("quoin: a rack without nodes");
    }
    if (points != counts_.points) return at_row("quoin: numbers of tokens that do not add up");
    return seeds_differ() ? verdict() : at_row("quoin: two nodes with the same tokens");
  }

  [[nodiscard]] bool seeds_differ() const {
    ring_points seeds;
    for (const ring_entry& entry : ring_.entries) seeds.push_back({entry.token_seed, 0});
    sort_points(seeds);
    for (std::size_t i = 1; i < seeds.size(); ++i) {
      if (seeds[i].token == seeds[i - 1].token) return false;
    }
    return true;
  }

  [[nodiscard]] verdict read_points() {
    return ring_.options.allocation == token_allocation::balanced ? read_balanced_points()
                                                                  : read_random_points();
  }

  /// Any tokens, each once, and as many of each node as it has.
  [[nodiscard]] verdict read_balanced_points() {
    ring_points points;
    points.reserve(static_cast<std::size_t>(counts_.points));
    std::vector<std::uint32_t> left;
    for (const ring_entry& entry : ring_.entries) left.push_back(entry.points);
    const std::byte* number = row_ + 8 * counts_.points;
    for (std::uint64_t i = 0; i < counts_.points; ++i, row_ += 8, number += 4) {
      const auto token = load_le<std::uint64_t>(row_);
      const auto node = load_le<std::uint32_t>(number);
      if (node >= left.size() || left[node]-- == 0) {
        return at_row("quoin: a token of no node, or one too many");
      }
      if (i != 0 && token <= points.back().token) return at_row(not_ascending);
      points.push_back({token, node});
    }
    ring_.tokens = ring_tokens(points);
    return {};
  }

  /// The tokens must be those of the sequences of the nodes.
  [[nodiscard]] verdict read_random_points() {
    ring_points points;
    points.reserve(static_cast<std::size_t>(counts_.points));
    for (std::uint32_t node = 0; node < ring_.nodes.size(); ++node) {
      add_points(points, ring_.entries[node].token_seed, node, 0, ring_.entries[node].points);
    }
    sort_points(points);
    const std::byte* number = row_ + 8 * points.size();
    for (const auto& point : points) {
      if (load_le<std::uint64_t>(row_) != point.token ||
          load_le<std::uint32_t>(number) != point.node) {
        return at_row("quoin: not a token of its node, or tokens not in order");
      }
      row_ += 8;
      number += 4;
    }
    ring_.tokens = ring_tokens(points);
    return {};
  }

  [[nodiscard]] bool take_text(std::uint64_t size, std::string& text) {
    if (size > text_.size()) return false;
    const auto taken = text_.first(static_cast<std::size_t>(size));
    text.assign(reinterpret_cast<const char*>(taken.data()), taken.size());
    text_ = text_.subspan(taken.size());
    return true;
  }

  /// The text whose length stands in this row.
  [[nodiscard]] bool take_label(std::string& label) {
    const auto size = load_le<std::uint32_t>(row_ + 4);
    return size <= longest_label && take_text(size, label);
  }

  [[nodiscard]] bool take_node(std::uint64_t word, Node& node) {
    if constexpr (std::is_integral_v<Node>) {
      node = static_cast<Node>(word);
      return static_cast<std::uint64_t>(node) == word;
    } else {
      return take_text(word, node);
    }
  }

  [[nodiscard]] std::uint64_t position_of(const std::byte* p) const noexcept {
    return static_cast<std::uint64_t>(p - begin_);
  }
  [[nodiscard]] verdict at_row(const char* text) const noexcept {
    return {errc::bad_value, position_of(row_), text};
  }

  static constexpr const char* not_ascending = "quoin: names or tokens not in order, or one twice";

  ring_state<Node> ring_;
  ring_counts counts_;
  std::vector<std::uint32_t> zone_of_rack_;
  const std::byte* begin_ = nullptr;
  const std::byte* row_ = nullptr;
  std::span<const std::byte> text_;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
