#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "client/retry_rules.hpp"
#include "client/tally.hpp"

namespace forkcast::client {

/// Turns what became of each request into one result line a row, and keeps count.
/// An answered row's line is the server's, verbatim. A failed row's is
/// `{"row":N,"error":{"code":...,"message":...,"field":...,"status":...}}`, N counting from 0 in
/// the input, `field` when the server named one, `status` when the request as a whole was answered
/// by another status than 200. A row fails when the server put an error object in its place, when
/// its request failed, or when the answer is not as many lines of JSON as there were rows.
class AnswerLedger {
 public:
  /// `count_by`: the field of the answers whose values are counted.
  explicit AnswerLedger(std::string count_by) : count_by_(std::move(count_by)) {}

  /// The lines of rows `first_row` up to `first_row + rows`, each ended by a line feed.
  std::string Enter(std::size_t first_row, std::size_t rows, const TryResult& result);

  [[nodiscard]] std::size_t answered() const noexcept { return answered_; }
  [[nodiscard]] std::size_t failed() const noexcept { return failed_; }
  /// Values of the field over all answered rows: texts as they are, other scalars as JSON, and
  /// "(none)" where there is none.
  [[nodiscard]] const Tally& counts() const noexcept { return counts_; }
  /// Result lines of the first failed rows to come, at most kMaxKeptMessages.
  [[nodiscard]] const std::vector<std::string>& first_failures() const noexcept {
    return first_failures_;
  }

 private:
  void EnterLine(std::size_t row, std::string_view line, std::string& lines);
  void AddFailure(std::size_t row, std::string_view error_json, std::string& lines);

  std::string count_by_;
  std::size_t answered_ = 0;
  std::size_t failed_ = 0;
  Tally counts_;
  std::vector<std::string> first_failures_;
};

}  // namespace forkcast::client
