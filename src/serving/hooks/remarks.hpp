#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// What hooks have to say of one invocation. Kept from request to request, so that its memory is;
/// an invocation of which nothing is said costs nothing.
struct Remarks {
  struct Flag {
    std::size_t row = 0;    ///< Position within the request.
    std::string_view text;  ///< Lives as long as the hook that said it.

    friend auto operator<=>(const Flag&, const Flag&) = default;
  };

  /// How much was said at some moment.
  struct Mark {
    std::size_t flags = 0;
    std::size_t refused_rows = 0;
    bool has_refusal = false;
  };

  std::vector<Flag> flags;
  std::vector<wire::RowError> refused_rows;
  std::optional<Error> refusal;  ///< Of the whole request.

  [[nodiscard]] Mark mark() const noexcept {
    return {flags.size(), refused_rows.size(), refusal.has_value()};
  }
  /// Takes back what was said since.
  void ReturnTo(const Mark& mark) noexcept {
    flags.erase(flags.begin() + static_cast<std::ptrdiff_t>(mark.flags), flags.end());
    refused_rows.erase(refused_rows.begin() + static_cast<std::ptrdiff_t>(mark.refused_rows),
                       refused_rows.end());
    if (!mark.has_refusal) refusal.reset();
  }
  /// By row, of each the first that was said.
  void SortRefusedRows() {
    std::ranges::stable_sort(refused_rows, {}, &wire::RowError::row);
    const auto end = std::unique(refused_rows.begin(), refused_rows.end(),
                                 [](const wire::RowError& one, const wire::RowError& other) {
                                   return one.row == other.row;
                                 });
    refused_rows.erase(end, refused_rows.end());
  }
  /// By row; what is said twice of a row is said once.
  void SortFlags() {
    if (flags.empty()) return;
    std::ranges::sort(flags);
    flags.erase(std::unique(flags.begin(), flags.end()), flags.end());
  }
  void Clear() noexcept {
    flags.clear();
    refused_rows.clear();
    refusal.reset();
  }
};

}  // namespace forkcast::serving
