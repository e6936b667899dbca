#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace forkcast::client {

/// Brings results that come in any order back into the order of their numbers, 0, 1, 2, ...
class ReorderWindow {
 public:
  /// Takes the text of result `number` and passes every text whose turn has come to `emit`.
  /// Precondition: each number once.
  template <typename Emit>
  void Put(std::size_t number, std::string text, Emit&& emit) {
    held_bytes_ += text.size() + kEntryBytes;
    held_.emplace(number, std::move(text));
    while (!held_.empty() && held_.begin()->first == next_) {
      const std::string& first = held_.begin()->second;
      held_bytes_ -= first.size() + kEntryBytes;
      emit(std::as_const(first));
      held_.erase(held_.begin());
      ++next_;
    }
  }

  /// Memory of what waits for its turn; whoever feeds the window keeps it bounded.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return held_bytes_; }

 private:
  static constexpr std::size_t kEntryBytes = 96;  // of a map's node, about

  std::map<std::size_t, std::string> held_;
  std::size_t next_ = 0;
  std::size_t held_bytes_ = 0;
};

}  // namespace forkcast::client
