#pragma once

#include <cstddef>
#include <vector>

#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/table/value.hpp"
#include "serving/service/scoring_steps.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

/// What the rows of a request came to, one row after the other, as answers hold it: the values of
/// its lines, or its error. Rows are asked for in their order, each once. Used for one request
/// after the other.
class AnswerLines {
 public:
  /// Both live as long as this is used. `width`: how many values an answer has of a line.
  void Start(const wire::DecodedRequest& decoded, const ScoringSteps& steps, std::size_t width);

  /// Appends the values of the row's lines to `values`; how many lines there are: none of a row
  /// that has an error.
  std::size_t Append(std::size_t row, std::vector<preprocessing::Value>& values);
  /// The series that were too old for the row that was appended last.
  [[nodiscard]] preprocessing::SeriesMask stale() const noexcept { return stale_; }
  /// Lines that were appended.
  [[nodiscard]] std::size_t line() const noexcept { return line_; }
  /// Precondition: Append() found no line of this row.
  void WriteError(std::size_t row, wire::AnswerWriter& writer);

 private:
  void AppendLine(std::vector<preprocessing::Value>& values) const;

  const wire::DecodedRequest* decoded_ = nullptr;
  const ScoringSteps* steps_ = nullptr;
  std::size_t width_ = 0;
  // How far it is in the three ascending lists that make up the rows.
  std::size_t line_ = 0;
  std::size_t decoding_error_ = 0;
  std::size_t scoring_error_ = 0;
  preprocessing::SeriesMask stale_ = 0;
};

}  // namespace forkcast::serving
