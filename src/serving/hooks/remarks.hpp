#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// What hooks have to say of one invocation. Kept from request to request, so that its memory is;
/// an invocation of which nothing is said costs nothing.
struct Remarks {
  struct Flag {
    std::size_t row = 0;  ///< Position within the request.
    std::string text;

    friend bool operator==(const Flag&, const Flag&) = default;
  };

  std::vector<Flag> flags;
  std::vector<wire::RowError> refused_rows;
  std::optional<Error> refusal;  ///< Of the whole request.

  /// By row, of each the first that was said.
  void SortRefusedRows() {
    std::ranges::stable_sort(refused_rows, {}, &wire::RowError::row);
    const auto end = std::unique(refused_rows.begin(), refused_rows.end(),
                                 [](const wire::RowError& one, const wire::RowError& other) {
                                   return one.row == other.row;
                                 });
    refused_rows.erase(end, refused_rows.end());
  }
  void Clear() noexcept {
    flags.clear();
    refused_rows.clear();
    refusal.reset();
  }
};

}  // namespace forkcast::serving
