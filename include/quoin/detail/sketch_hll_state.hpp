// SPDX-License-Identifier: BSL-1.0
/// @file
/// What a HyperLogLog keeps: tokens while the set is small, then registers. No hashing of keys, no
/// seed, no checks of what the caller gives.
///
/// Which of the two it keeps, and every token or register, is a function of the precision and the
/// set of hashes alone: T(p) grows with p and tokens are the same at all precisions, so that it
/// does not matter whether hashes are inserted, merged or downsized first.
#ifndef QUOIN_DETAIL_SKETCH_HLL_STATE_HPP
#define QUOIN_DETAIL_SKETCH_HLL_STATE_HPP

#include <quoin/detail/memory.hpp>
#include <quoin/detail/sketch_hll_form.hpp>
#include <quoin/detail/sketch_hll_kernels.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

namespace quoin::inline QUOIN_ABI::detail {

template <class Allocator>
class hll_state {
 public:
  /// An empty one, without memory.
  hll_state(unsigned precision, const Allocator& allocator)
      : lines_(0, allocator), precision_(static_cast<std::uint8_t>(precision)) {}

  // --- insert -----------------------------------------------------------------------------------

  void insert(std::uint64_t hash) {
    if (has_registers_) [[likely]] {
      raise(hll_update_of(hash, precision_));
    } else {
      insert_token(hll_token(hash));
    }
  }

  /// Inserts `n` hashes, which `hash(first, count, out)` writes.
  template <class HashBlock>
  void insert_batch(std::size_t n, HashBlock hash) {
    const hll_kernels kernels = hll_kernels_of(active_isa());
    alignas(64) std::uint64_t hashes[hll_batch];
    for (std::size_t first = begin_registers(n, hash, kernels); first < n; first += hll_batch) {
      const std::size_t count = min_of(n - first, hll_batch);
      hash(first, count, hashes);
      std::size_t done = 0;
      if (!has_registers_) {
        std::uint32_t tokens[hll_batch];
        kernels.make_tokens(hashes, count, tokens);
        make_room(n - first, tokens, count);
        done = insert_tokens(tokens, count);
      }
      if (done < count) {
        kernels.insert(register_data(), precision_, hashes + done, count - done, tally_, stream_);
      }
    }
  }

  // --- content ----------------------------------------------------------------------------------

  [[nodiscard]] unsigned precision() const noexcept { return precision_; }
  [[nodiscard]] bool has_registers() const noexcept { return has_registers_; }
  [[nodiscard]] bool empty() const noexcept { return !has_registers_ && tokens_ == 0; }
  [[nodiscard]] std::uint32_t tokens() const noexcept { return tokens_; }
  [[nodiscard]] std::uint32_t registers() const noexcept { return std::uint32_t{1} << precision_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return lines_.size() * sizeof(cache_line);
  }
  [[nodiscard]] Allocator get_allocator() const noexcept {
    return Allocator(lines_.get_allocator());
  }

  /// The registers; null while there are tokens in their place.
  [[nodiscard]] const std::uint8_t* register_bytes() const noexcept {
    return has_registers_ ? register_data() : nullptr;
  }

  /// Calls `f(token)` for each token, in no order.
  template <class F>
  void for_each_token(F f) const {
    if (!has_registers_) token_view().for_each(f);
  }

  /// The count along the stream; valid only with registers.
  [[nodiscard]] const hll_stream& stream() const noexcept { return stream_; }

  /// Hashes that there must have been at least: tokens, or registers above 0.
  [[nodiscard]] std::uint32_t certain() const noexcept {
    return has_registers_ ? registers() - tally_.zeros : tokens_;
  }

  [[nodiscard]] double estimate() const noexcept {
    return has_registers_ ? hll_estimate(tally_, precision_) : hll_count_of_tokens(tokens_);
  }

  [[nodiscard]] double union_estimate(const hll_state& other) const {
    if (!has_registers_ && !other.has_registers_) {
      return hll_count_of_tokens(tokens_in_union(other));
    }
    if (has_registers_ && other.has_registers_ && precision_ == other.precision_) {
      const auto tally = hll_kernels_of(active_isa()).tally_union;
      return hll_estimate(tally(register_data(), other.register_data(), precision_), precision_);
    }
    hll_state both = *this;
    both.merge(other);
    return both.estimate();
  }

  /// Writes the `2^precision` registers at a precision that is not above this one's.
  void copy_registers(unsigned precision, std::uint8_t* out) const noexcept {
    const std::size_t count = std::size_t{1} << precision;
    if (has_registers_) {
      hll_fold_all(register_data(), count, precision_ - precision, out);
    } else {
      std::memset(out, 0, count);
      raise_by_tokens(out, precision);
    }
  }

  friend bool operator==(const hll_state& a, const hll_state& b) noexcept {
    if (a.precision_ != b.precision_ || a.has_registers_ != b.has_registers_) return false;
    if (!a.has_registers_) return a.tokens_ == b.tokens_ && a.tokens_in_union(b) == a.tokens_;
    return std::memcmp(a.register_data(), b.register_data(), a.registers()) == 0;
  }

  // --- sets -------------------------------------------------------------------------------------

  /// Becomes the union at the lower precision; if memory runs out, nothing has changed.
  void merge(const hll_state& other) {
    if (this == &other || other.empty()) {
      downsize(min_of(precision_, other.precision_));
    } else if (empty()) {
      take_copy(other);
    } else if (!has_registers_ && !other.has_registers_) {
      merge_tokens(other);
    } else {
      merge_registers(other);
    }
  }

  /// Registers made elsewhere, in place of all that was here: `fill(registers)` writes them over
  /// zeros. They come from more distinct hashes than tokens are kept for.
  template <class Fill>
  void assign_registers(Fill fill) {
    lines memory = memory_for_registers(precision_);
    fill(bytes_of(memory));
    take_registers(std::move(memory), precision_, {});
  }

  /// Lowers the precision; if memory runs out, nothing has changed. The count along the stream
  /// remains what it was, and goes on from there.
  void downsize(unsigned precision) {
    if (precision == precision_) return;
    if (has_registers_) {
      lines memory = memory_for_registers(precision);
      copy_registers(precision, bytes_of(memory));
      take_registers(std::move(memory), precision, stream_);
    } else if (tokens_ > hll_most_tokens(precision)) {
      spread_tokens(precision);
    } else {
      precision_ = static_cast<std::uint8_t>(precision);
    }
  }

  void clear() noexcept {
    lines_ = lines(0, get_allocator());
    tokens_ = 0;
    has_registers_ = false;
    stream_ = {};
  }

  void swap(hll_state& other) noexcept {
    lines_.swap(other.lines_);
    std::swap(tally_, other.tally_);
    std::swap(stream_, other.stream_);
    std::swap(tokens_, other.tokens_);
    std::swap(salt_, other.salt_);
    std::swap(precision_, other.precision_);
    std::swap(has_registers_, other.has_registers_);
  }

  // --- bytes ------------------------------------------------------------------------------------

  /// Writes the body of the serialized form: packed registers, or sorted tokens.
  void write(std::byte* body) const noexcept {
    if (has_registers_) {
      hll_pack(register_data(), registers(), body);
    } else {
      write_sorted_tokens(token_view(), body);
    }
  }

  /// Fills an empty one. False, with the content unspecified, when no set of keys gives these
  /// registers or this count.
  [[nodiscard]] bool read(const hll_form& form) {
    if (form.has_registers) return read_registers(form);
    reserve_tokens(static_cast<std::uint32_t>(form.body.size() / 4));
    hll_token_set set = token_set();
    for (std::size_t i = 0; i < form.body.size(); i += 4) {
      tokens_ += set.add(load_le<std::uint32_t>(&form.body[i]));
    }
    return true;
  }

 private:
  using lines = line_array<Allocator>;

  [[nodiscard]] static std::uint8_t* bytes_of(lines& memory) noexcept {
    return reinterpret_cast<std::uint8_t*>(memory.data());
  }
  [[nodiscard]] std::uint8_t* register_data() noexcept { return bytes_of(lines_); }
  [[nodiscard]] const std::uint8_t* register_data() const noexcept {
    return reinterpret_cast<const std::uint8_t*>(lines_.data());
  }
  /// Zeroed registers of a sketch of `precision`.
  [[nodiscard]] lines memory_for_registers(unsigned precision) const {
    return lines(max_of(std::size_t{1}, (std::size_t{1} << precision) / 64), get_allocator());
  }

  [[nodiscard]] std::uint32_t slots() const noexcept {
    return static_cast<std::uint32_t>(lines_.size() * 16);
  }
  [[nodiscard]] hll_token_view token_view() const noexcept {
    return {lines_.data(), slots(), salt_};
  }
  [[nodiscard]] hll_token_set token_set() noexcept { return {lines_.data(), slots(), salt_}; }

  /// Merges into an empty one.
  void take_copy(const hll_state& other) {
    hll_state copy(other.precision_, get_allocator());
    copy.lines_ = lines(other.lines_.size(), get_allocator());
    std::memcpy(copy.lines_.data(), other.lines_.data(), other.size_bytes());
    copy.tally_ = other.tally_;
    copy.stream_ = other.stream_;
    copy.tokens_ = other.tokens_;
    copy.salt_ = other.salt_;
    copy.has_registers_ = other.has_registers_;
    copy.downsize(min_of(precision_, other.precision_));
    swap(copy);
  }

  // --- tokens -----------------------------------------------------------------------------------

  /// Tokens that fit before the table must grow or give way to registers. The table may be older
  /// than a lower precision, and larger than that one's tokens need.
  [[nodiscard]] std::uint32_t capacity() const noexcept {
    return min_of(hll_tokens_of_slots(slots()), hll_most_tokens(precision_));
  }

  void insert_token(std::uint32_t token) {
    if (tokens_ == capacity()) [[unlikely]] {
      if (token_view().contains(token)) return;
      if (tokens_ == hll_most_tokens(precision_)) {
        spread_tokens(precision_);
        return raise(hll_update_of_token(token, precision_));
      }
      reserve_tokens(tokens_ + 1);
    }
    tokens_ += token_set().add(token);
  }

  /// Inserts tokens, up to `n` and until there are registers; returns how many.
  std::size_t insert_tokens(const std::uint32_t* tokens, std::size_t n) {
    std::size_t done = 0;
    while (done < n && !has_registers_) {
      const std::size_t room = capacity() - tokens_;
      if (room == 0) insert_token(tokens[done++]);
      const std::size_t end = done + min_of(room, n - done);
      hll_token_set set = token_set();
      std::uint32_t added = 0;
      for (; done < end; ++done) added += set.add(tokens[done]);
      tokens_ += added;
    }
    return done;
  }

  /// Makes room ahead of `n` keys to come, which may be old ones: for four times as many tokens as
  /// there are, or eight times as many as the first block has.
  void make_room(std::size_t n, const std::uint32_t* tokens, std::size_t count) {
    const std::size_t most = hll_most_tokens(precision_);
    if (capacity() - tokens_ >= count) return;
    const std::size_t ahead =
        tokens_ == 0 ? 8 * hll_distinct(tokens, count) : std::size_t{3} * tokens_;
    reserve_tokens(static_cast<std::uint32_t>(min_of(tokens_ + min_of(n, ahead), most)));
  }

  /// Makes room for `count` tokens.
  void reserve_tokens(std::uint32_t count) {
    const std::uint32_t needed = hll_slots_for(count);
    if (needed <= slots()) return;
    lines larger(needed / 16, get_allocator());
    const std::uint32_t salt = hll_token_set::salt_for(larger.data());
    hll_token_set set(larger.data(), needed, salt);
    token_view().for_each([&](std::uint32_t token) { set.add(token); });
    lines_ = std::move(larger);
    salt_ = salt;
  }

  /// Tokens in this, in `other` or in both; neither has registers.
  [[nodiscard]] std::uint32_t tokens_in_union(const hll_state& other) const noexcept {
    std::uint32_t count = tokens_;
    other.token_view().for_each(
        [&, mine = token_view()](std::uint32_t token) { count += !mine.contains(token); });
    return count;
  }

  /// Raises the registers at `target` by the tokens.
  void raise_by_tokens(std::uint8_t* target, unsigned precision) const noexcept {
    for_each_token(
        [=](std::uint32_t token) { raise_only(target, hll_update_of_token(token, precision)); });
  }

  /// Registers at once for a batch of `n`, without a set of tokens first: when its first hashes and
  /// the tokens so far are exactly as many distinct ones as tokens are kept for, and one more
  /// follows. Returns the hashes inserted; 0 when it is not so, and nothing has changed.
  ///
  /// Hashes with the same token are for the same register, so that only those few (one in eight)
  /// that share theirs with others need comparing.
  template <class HashBlock>
  std::size_t begin_registers(std::size_t n, HashBlock hash, const hll_kernels& kernels) {
    const std::size_t most = hll_most_tokens(precision_);
    // A set that is larger already may have most of the keys to come: trying in vain, batch after
    // batch, would cost a third of their time.
    if (has_registers_ || most < hll_batch || n <= most || tokens_ > most / 4) return 0;
    lines row(most / 8, get_allocator()), memory = memory_for_registers(precision_);
    auto* const hashes = reinterpret_cast<std::uint64_t*>(row.data());
    std::uint8_t* const target = bytes_of(memory);
    std::size_t filled = 0;
    for_each_token([&](std::uint32_t token) { hashes[filled++] = hll_hash_giving(token); });
    std::size_t marks = kernels.set_or_mark(target, precision_, hashes, filled);
    while (filled < most && marks <= most / 8) {  // twice as many as are to be expected
      const std::size_t count = min_of(most - filled, hll_batch);
      hash(filled - tokens_, count, hashes + filled);
      marks += kernels.set_or_mark(target, precision_, hashes + filled, count);
      filled += count;
    }
    if (marks > most / 8 || !settle_marked(target, hashes, most, kernels)) return 0;
    hll_tally tally = kernels.tally(target, precision_);
    const hll_tally before = tally;
    hll_stream stream{hll_count_of_tokens(static_cast<double>(most)), true};
    const std::size_t first = most - tokens_, next = min_of(n - first, hll_batch);
    hash(first, next, hashes);
    kernels.insert(target, precision_, hashes, next, tally, stream);
    if (tally == before) return 0;  // perhaps no new hash among them
    take_registers(std::move(memory), tally, stream);
    return first + next;
  }

  /// Gives marked registers what they should hold; false when two of the `n` hashes that filled the
  /// registers have the same token. At most a quarter of them are for marked registers. Overwrites
  /// the hashes: a set in the second half of their memory compares those that matter.
  [[nodiscard]] bool settle_marked(std::uint8_t* target, std::uint64_t* hashes, std::size_t n,
                                   const hll_kernels& kernels) const noexcept {
    const std::size_t marked = kernels.keep_marked(target, precision_, hashes, n);
    std::uint64_t* const memory = hashes + n / 2;
    std::memset(memory, 0, 4 * n);
    hll_token_set set(memory, static_cast<std::uint32_t>(n), hll_token_set::salt_for(memory));
    std::size_t distinct = 0;
    for (std::size_t i = 0; i < marked; ++i) {
      distinct += set.add(hll_token(hashes[i]));
      target[hashes[i] >> (64 - precision_)] = 0;
    }
    for (std::size_t i = 0; i < marked; ++i) {
      raise_only(target, hll_update_of(hashes[i], precision_));
    }
    return distinct == marked;
  }

  /// Raises a register that nothing is kept count of yet.
  static void raise_only(std::uint8_t* registers, hll_update update) noexcept {
    std::uint8_t& there = registers[update.index];
    there = max_of(there, static_cast<std::uint8_t>(update.rank));
  }

  /// Registers in place of tokens. Their number is the count to go on from.
  void spread_tokens(unsigned precision) {
    lines memory = memory_for_registers(precision);
    raise_by_tokens(bytes_of(memory), precision);
    take_registers(std::move(memory), precision, {hll_count_of_tokens(tokens_), true});
  }

  void merge_tokens(const hll_state& other) {
    const unsigned precision = min_of(precision_, other.precision_);
    const std::uint32_t count = tokens_in_union(other);
    if (count > hll_most_tokens(precision)) {
      lines memory = memory_for_registers(precision);
      raise_by_tokens(bytes_of(memory), precision);
      other.raise_by_tokens(bytes_of(memory), precision);
      return take_registers(std::move(memory), precision, {hll_count_of_tokens(count), true});
    }
    reserve_tokens(count);
    other.token_view().for_each(
        [set = token_set()](std::uint32_t token) mutable { set.add(token); });
    tokens_ = count;
    precision_ = static_cast<std::uint8_t>(precision);
  }

  // --- registers --------------------------------------------------------------------------------

  void raise(hll_update update) noexcept {
    hll_raise(register_data(), precision_, update, tally_, stream_);
  }

  [[nodiscard]] hll_tally tally_now() const noexcept {
    return hll_kernels_of(active_isa()).tally(register_data(), precision_);
  }

  /// Makes `memory` the registers of this sketch.
  void take_registers(lines&& memory, unsigned precision, const hll_stream& stream) noexcept {
    precision_ = static_cast<std::uint8_t>(precision);
    take_registers(std::move(memory),
                   hll_kernels_of(active_isa()).tally(bytes_of(memory), precision), stream);
  }

  void take_registers(lines&& memory, const hll_tally& tally, const hll_stream& stream) noexcept {
    lines_ = std::move(memory);
    tally_ = tally;
    stream_ = stream;
    tokens_ = 0;
    has_registers_ = true;
  }

  /// Merges two of which one has registers at least.
  void merge_registers(const hll_state& other) {
    const unsigned precision = min_of(precision_, other.precision_);
    if (!has_registers_) {
      lines memory = memory_for_registers(precision);
      other.copy_registers(precision, bytes_of(memory));
      raise_by_tokens(bytes_of(memory), precision);
      return take_registers(std::move(memory), precision, {});
    }
    downsize(precision);
    stream_ = {};
    if (!other.has_registers_) {
      other.raise_by_tokens(register_data(), precision);
      tally_ = tally_now();
    } else if (other.precision_ == precision) {
      tally_ =
          hll_kernels_of(active_isa()).merge(register_data(), other.register_data(), precision);
    } else {
      hll_fold_into(other.register_data(), registers(), other.precision_ - precision,
                    register_data());
      tally_ = tally_now();
    }
  }

  /// False when no set of keys gives these registers or this count.
  [[nodiscard]] bool read_registers(const hll_form& form) {
    lines memory = memory_for_registers(precision_);
    std::uint8_t* const target = bytes_of(memory);
    if (!hll_unpack(form.body.data(), registers(), 65 - precision_, target)) return false;
    take_registers(std::move(memory), precision_, form.stream);
    if (tally_.zeros == registers()) return false;
    const double least = registers() - tally_.zeros, most = std::numeric_limits<double>::max();
    if (form.stream.valid && !(form.stream.count >= least && form.stream.count <= most)) {
      return false;
    }
    return true;
  }

  lines lines_;  ///< registers, one byte each, or the slots of the tokens
  hll_tally tally_;
  hll_stream stream_;
  std::uint32_t tokens_ = 0;
  std::uint32_t salt_ = 1;
  std::uint8_t precision_;
  bool has_registers_ = false;
};

}  // namespace quoin::inline QUOIN_ABI::detail

#endif
