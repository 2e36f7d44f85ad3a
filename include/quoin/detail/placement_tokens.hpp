// SPDX-License-Identifier: BSL-1.0
/// @file
/// The sorted tokens of a ring, and which node each belongs to: found in O(1).
///
/// Tokens of a ring are hashes, hence uniform, hence to be found by interpolation rather than by
/// halving: the top bits of a hash select a cell, which says where in the array the tokens of that
/// cell begin; from there the right one is a step or two away. A bisection of 16,000 tokens waits
/// for fourteen comparisons one after the other, this for two loads.
///
/// Tokens and node numbers are arrays of their own (a search reads tokens alone), behind the last
/// of which stand copies of the first node under the greatest token: no branch at the wrap. A table
/// never changes; a change to a ring merges sorted runs into a new one, without sorting again.
#ifndef QUOIN_DETAIL_PLACEMENT_TOKENS_HPP
#define QUOIN_DETAIL_PLACEMENT_TOKENS_HPP

#include <quoin/detail/bits.hpp>
#include <quoin/detail/memory.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <span>
#include <utility>
#include <vector>

namespace quoin::inline QUOIN_ABI::detail {

/// A token and the number of its node.
template <class Token>
struct token_point {
  Token token;
  std::uint32_t node;
  friend bool operator==(const token_point&, const token_point&) = default;
  friend bool operator<(const token_point& a, const token_point& b) noexcept {
    return a.token != b.token ? a.token < b.token : a.node < b.node;
  }
};

/// Sorts points by token, equal ones as they came: a radix sort, whose time does not depend on the
/// tokens. Points that come node by node in the order of the numbers are thus sorted by both.
template <class Token>
void sort_points(std::vector<token_point<Token>>& points) {
  constexpr std::size_t digits = sizeof(Token);
  std::vector<token_point<Token>> other(points.size());
  std::vector<std::uint32_t> counts(256 * digits);
  for (const auto& point : points) {
    for (std::size_t d = 0; d < digits; ++d) ++counts[256 * d + (point.token >> 8 * d & 0xff)];
  }
  for (std::size_t d = 0; d < digits; ++d) {
    std::uint32_t* const count = &counts[256 * d];
    if (!points.empty() && count[points[0].token >> 8 * d & 0xff] == points.size()) continue;
    std::uint32_t sum = 0;
    for (std::size_t digit = 0; digit < 256; ++digit) sum += std::exchange(count[digit], sum);
    for (const auto& point : points) other[count[point.token >> 8 * d & 0xff]++] = point;
    points.swap(other);
  }
}

/// What `token_table::merged` is told of a node that leaves.
inline constexpr std::uint32_t dropped_node = 0xffffffffu;

/// At most this many points: positions are 32 bits wide, and so is the sum of two tables.
/// (Fewer where memory ends before.)
inline constexpr std::uint64_t largest_token_count = std::uint64_t{1}
                                                     << (sizeof(std::size_t) < 8 ? 27 : 31);

/// An immutable ring of tokens. Move-only; a moved-from one is empty.
template <class Token>
requires std::same_as<Token, std::uint64_t> || std::same_as<Token, std::uint32_t>
class token_table {
 public:
  using token_type = Token;
  using point = token_point<Token>;

  /// No tokens. `position_of`, `owner` and `owners` then must not be called.
  token_table() noexcept = default;

  /// The tokens of `sorted`, which are in the order of their tokens and, where those are equal, of
  /// their nodes; at most `largest_token_count`. O(n).
  explicit token_table(std::span<const point> sorted) : token_table(sorted.size()) {
    for (std::size_t i = 0; i < size_; ++i) {
      tokens_[i] = sorted[i].token;
      nodes_[i] = sorted[i].node;
    }
    seal();
    index();
  }

  token_table(token_table&& other) noexcept { swap(other); }
  token_table& operator=(token_table&& other) noexcept {
    token_table(std::move(other)).swap(*this);
    return *this;
  }
  token_table(const token_table&) = delete;
  token_table& operator=(const token_table&) = delete;
  ~token_table() { ::operator delete(memory_); }

  void swap(token_table& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(tokens_, other.tokens_);
    std::swap(nodes_, other.nodes_);
    std::swap(cells_, other.cells_);
    std::swap(size_, other.size_);
    std::swap(cell_bits_, other.cell_bits_);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  /// The tokens in ascending order, and the node of each.
  [[nodiscard]] std::span<const Token> tokens() const noexcept { return {tokens_, size_}; }
  [[nodiscard]] std::span<const std::uint32_t> nodes() const noexcept { return {nodes_, size_}; }

  friend bool operator==(const token_table& a, const token_table& b) noexcept {
    return a.size_ == b.size_ &&
           (a.size_ == 0 || (std::memcmp(a.tokens_, b.tokens_, sizeof(Token) * a.size_) == 0 &&
                             std::memcmp(a.nodes_, b.nodes_, 4 * a.size_) == 0));
  }

  /// Bytes of memory in use.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return size_ == 0 ? 0 : bytes_of(size_, cell_bits_);
  }

  /// The position of the token that owns `hash`: the first that is not less, or else the first of
  /// all. O(1) for tokens that are spread as hashes are, O(log n) for any.
  [[nodiscard]] std::size_t position_of(Token hash) const noexcept {
    const std::size_t at = slot_of(hash);
    return at == size_ ? 0 : at;
  }

  /// The same, and prefetches what `beside`, an array of one for each token, has there: it comes while
  /// tokens are compared.
  template <class T>
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::size_t position_of(Token hash,
                                                            const T* beside) const noexcept {
    const std::size_t begin = cells_[cell_of(hash)];
    __builtin_prefetch(beside + begin);
    const std::size_t at = slot_from(begin, hash);
    return at == size_ ? 0 : at;
  }

  /// The node of the token at `position`.
  [[nodiscard]] std::uint32_t node_at(std::size_t position) const noexcept {
    return nodes_[position];
  }

  /// The node that owns `hash`.
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::uint32_t owner(Token hash) const noexcept {
    return nodes_[slot_of(hash)];
  }

  /// `out[i] = owner(hashes[i])`; the cache misses of a block overlap. `out` has room for all.
  void owners(std::span<const Token> hashes, std::uint32_t* out) const noexcept {
    for (std::size_t i = 0; i < hashes.size(); i += block) {
      owners_block(&hashes[i], min_of(block, hashes.size() - i), out + i);
    }
  }

  /// This table with the points of `added` and without the nodes that leave. O(n), a copy.
  /// @param added       in the order of tokens, then nodes; its nodes have their new numbers
  /// @param renumbered  for each node of this table its new number or `dropped_node`, in ascending
  ///                    order but for the latter; if it is empty all keep theirs
  [[nodiscard]] token_table merged(std::span<const point> added,
                                   std::span<const std::uint32_t> renumbered) const;

 private:
  class merge;

  static constexpr std::size_t block = 32;
  static constexpr std::size_t token_bits = 8 * sizeof(Token);
  static constexpr std::size_t sentinels = 4;  ///< as many as are read without a look at the first

  /// Memory for `size` tokens, to be written.
  explicit token_table(std::size_t size) {
    if (size == 0) return;
    cell_bits_ = bits_of_cells(size);
    const std::size_t bytes = bytes_of(size, cell_bits_);
    memory_ = static_cast<std::byte*>(::operator new(bytes));
    advise_huge_pages(memory_, bytes);
    size_ = size;
    tokens_ = reinterpret_cast<Token*>(memory_);
    nodes_ = reinterpret_cast<std::uint32_t*>(tokens_ + size + sentinels);
    cells_ = nodes_ + size + sentinels;
  }

  [[nodiscard]] static std::size_t bytes_of(std::size_t size, unsigned cell_bits) noexcept {
    return (size + sentinels) * (sizeof(Token) + 4) + ((std::size_t{4} << cell_bits) + 4);
  }

  /// Eight to sixteen cells per token as long as they fit half of a usual second-level cache, then
  /// fewer; never less than one for two tokens.
  [[nodiscard]] static unsigned bits_of_cells(std::size_t size) noexcept {
    const auto wide = static_cast<unsigned>(std::bit_width(size)) + 3;
    const auto narrow = static_cast<unsigned>(std::bit_width(size)) - 1;
    return max_of(min_of(wide, 16u), max_of(narrow, 1u));
  }

  [[nodiscard]] std::size_t cell_of(Token hash) const noexcept {
    return static_cast<std::size_t>(hash >> (token_bits - cell_bits_));
  }

  /// Like `position_of`, but with the position `size()` at the wrap, where there is a copy of the
  /// first node.
  [[nodiscard]] QUOIN_ALWAYS_INLINE std::size_t slot_of(Token hash) const noexcept {
    return slot_from(cells_[cell_of(hash)], hash);
  }

  [[nodiscard]] QUOIN_ALWAYS_INLINE std::size_t slot_from(std::size_t at,
                                                          Token hash) const noexcept {
    const Token* const t = tokens_ + at;
    if (t[2] < hash) [[unlikely]]
      return slot_far(hash);
    return at + (t[0] < hash) + (t[1] < hash);
  }

  /// The same for a cell with many tokens: by halves.
  [[nodiscard]] QUOIN_COLD std::size_t slot_far(Token hash) const noexcept {
    const std::size_t cell = cell_of(hash);
    std::size_t low = cells_[cell], high = cells_[cell + 1];
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (tokens_[middle] < hash) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  void owners_block(const Token* hashes, std::size_t n, std::uint32_t* out) const noexcept {
    std::uint32_t at[block];
    for (std::size_t i = 0; i < n; ++i) {
      at[i] = cells_[cell_of(hashes[i])];
      __builtin_prefetch(tokens_ + at[i]);
      __builtin_prefetch(nodes_ + at[i]);
    }
    for (std::size_t i = 0; i < n; ++i) out[i] = nodes_[slot_from(at[i], hashes[i])];
  }

  /// Writes what stands behind the last token.
  void seal() noexcept {
    for (std::size_t i = 0; i < sentinels && size_ != 0; ++i) {
      tokens_[size_ + i] = std::numeric_limits<Token>::max();
      nodes_[size_ + i] = nodes_[0];
    }
  }

  /// Writes where each cell begins. The last token of a cell says where the next begins; after
  /// cells without any, the same place as before them. No branch depends on the tokens.
  void index() noexcept {
    if (size_ == 0) return;
    const std::size_t cells = std::size_t{1} << cell_bits_;
    std::memset(cells_, 0, 4 * (cells + 1));
    for (std::size_t i = 0; i < size_; ++i) {
      cells_[cell_of(tokens_[i]) + 1] = static_cast<std::uint32_t>(i + 1);
    }
    std::uint32_t begin = 0;
    for (std::size_t c = 0; c <= cells; ++c) cells_[c] = begin = max_of(begin, cells_[c]);
  }

  std::byte* memory_ = nullptr;
  Token* tokens_ = nullptr;
  std::uint32_t* nodes_ = nullptr;
  std::uint32_t* cells_ = nullptr;  ///< 2^cell_bits_ + 1 positions
  std::size_t size_ = 0;
  unsigned cell_bits_ = 1;
};

/// Builds a table from another: tokens that stay are copied in runs, and cells begin as many tokens
/// earlier or later as have come and gone before them.
template <class Token>
requires std::same_as<Token, std::uint64_t> || std::same_as<Token, std::uint32_t>
class token_table<Token>::merge {
 public:
  merge(const token_table& from, std::span<const std::uint32_t> renumbered,
        token_table& to) noexcept
      : from_(from),
        renumbered_(renumbered),
        to_(to),
        counts_cells_(!from.empty() && !to.empty() && from.cell_bits_ == to.cell_bits_) {}

  /// How many tokens of `from` leave.
  [[nodiscard]] static std::size_t leaving(const token_table& from,
                                           std::span<const std::uint32_t> renumbered) noexcept {
    bool some_leave = false;
    for (const std::uint32_t number : renumbered) some_leave |= number == dropped_node;
    if (!some_leave) return 0;
    std::size_t count = 0;
    for (std::size_t first = 0; first < from.size_; first += run) {
      const std::size_t n = min_of(run, from.size_ - first);
      std::uint32_t numbers[run];
      if (n == run && renumber(from.nodes_ + first, renumbered.data(), numbers)) continue;
      for (std::size_t i = 0; i < n; ++i) {
        count += renumbered[from.nodes_[first + i]] == dropped_node;
      }
    }
    return count;
  }

  /// What `node` is called afterwards.
  [[nodiscard]] std::uint32_t number_of(std::uint32_t node) const noexcept {
    return renumbered_.empty() ? node : renumbered_[node];
  }

  /// Puts the next token.
  void put(const point& p) noexcept {
    to_.tokens_[size_] = p.token;
    to_.nodes_[size_++] = p.node;
  }

  /// Puts the next token, which was not there.
  void add(const point& p) noexcept {
    begin_cells_through(p.token);
    ++shift_;
    put(p);
  }

  /// Puts the tokens `first` to `last - 1` of the other table, but for those of nodes that leave.
  void keep(std::size_t first, std::size_t last) noexcept {
    for (; first + run <= last; first += run) {
      if (!keep_run(first)) keep_each(first, first + run);
    }
    keep_each(first, last);
  }

  /// Completes the table.
  void finish() noexcept {
    to_.seal();
    if (counts_cells_) {
      begin_cells_through(std::numeric_limits<Token>::max());
      to_.cells_[cell_] = static_cast<std::uint32_t>(size_);
    } else {
      to_.index();
    }
  }

 private:
  static constexpr std::size_t run = 16;

  /// Puts `run` tokens from `first` on, unless one of them leaves.
  [[nodiscard]] bool keep_run(std::size_t first) noexcept {
    const std::uint32_t* const nodes = from_.nodes_ + first;
    std::uint32_t numbers[run];
    if (renumbered_.empty()) {
      std::memcpy(numbers, nodes, sizeof numbers);
    } else if (!renumber(nodes, renumbered_.data(), numbers)) {
      return false;
    }
    std::memcpy(to_.tokens_ + size_, from_.tokens_ + first, run * sizeof(Token));
    std::memcpy(to_.nodes_ + size_, numbers, sizeof numbers);
    size_ += run;
    return true;
  }

  /// The new numbers of a run; false when one leaves.
  [[nodiscard]] static bool renumber(const std::uint32_t* nodes, const std::uint32_t* renumbered,
                                     std::uint32_t* __restrict numbers) noexcept {
    std::uint32_t leave = 0;
    for (std::size_t i = 0; i < run; ++i) numbers[i] = renumbered[nodes[i]];
    for (std::size_t i = 0; i < run; ++i) leave |= numbers[i] == dropped_node;
    return leave == 0;
  }

  void keep_each(std::size_t first, std::size_t last) noexcept {
    for (; first < last; ++first) {
      const point p{from_.tokens_[first], number_of(from_.nodes_[first])};
      if (p.node != dropped_node) {
        put(p);
      } else {
        begin_cells_through(p.token);
        --shift_;
      }
    }
  }

  /// Writes the beginnings of the cells up to that of `token`.
  void begin_cells_through(Token token) noexcept {
    if (!counts_cells_) return;
    const std::size_t end = to_.cell_of(token) + 1;
    if (cell_ >= end) return;
    add_to_each(from_.cells_ + cell_, end - cell_, shift_, to_.cells_ + cell_);
    cell_ = end;
  }

  /// `out[i] = cells[i] + shift`, in runs of a fixed length, which every compiler vectorizes.
  static void add_to_each(const std::uint32_t* __restrict cells, std::size_t n, std::uint32_t shift,
                          std::uint32_t* __restrict out) noexcept {
    for (; n >= run; n -= run, cells += run, out += run) {
      for (std::size_t i = 0; i < run; ++i) out[i] = cells[i] + shift;
    }
    for (std::size_t i = 0; i < n; ++i) out[i] = cells[i] + shift;
  }

  const token_table& from_;
  std::span<const std::uint32_t> renumbered_;
  token_table& to_;
  bool counts_cells_;
  std::uint32_t shift_ = 0;  ///< what came less what went, modulo 2^32
  std::size_t size_ = 0;     ///< tokens so far
  std::size_t cell_ = 0;     ///< the next to begin
};

template <class Token>
requires std::same_as<Token, std::uint64_t> || std::same_as<Token, std::uint32_t> token_table<Token>
token_table<Token>::merged(std::span<const point> added, std::span<const std::uint32_t> renumbered)
const {
  token_table result(size_ - merge::leaving(*this, renumbered) + added.size());
  merge merging(*this, renumbered, result);
  std::size_t kept = 0;
  for (const point& p : added) {
    std::size_t at = empty() ? 0 : slot_of(p.token);
    while (at < size_ && tokens_[at] == p.token && merging.number_of(nodes_[at]) + 1 <= p.node) {
      ++at;  // also past those that leave, whose number is the largest
    }
    merging.keep(kept, at);
    kept = max_of(kept, at);
    merging.add(p);
  }
  merging.keep(kept, size_);
  merging.finish();
  return result;
}

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
