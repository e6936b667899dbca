#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/table/table.hpp"
#include "model/learn/data_window.hpp"

namespace forkcast::model {

/// A value of the label; all of one label are of one type, and sort by it (false before true).
using ClassLabel = std::variant<bool, std::int64_t, std::string>;

/// "true", "17", the text itself.
[[nodiscard]] std::string NameOf(const ClassLabel& label);
[[nodiscard]] nlohmann::ordered_json ToJson(const ClassLabel& label);

/// The rows of a pipeline's training table that have a label, in the order of time (of one time: of
/// ingestion), as the requests that would have asked for their class.
class LabelledRows {
 public:
  /// Reads the table's columns that are request fields, and the label, and keeps what is in
  /// `window`: rows from `since` on whose label is known at `until` (time + label_delay <= until).
  /// `spec` has a training section. kInvalidArgument names a request field that is no column and
  /// may not be missing, a column of another type, a flag, or a window without rows; otherwise as
  /// TableDao::Read, with kCorrupt for values that are not of their declared types.
  static Result<LabelledRows> Read(preprocessing::TableDao& dao,
                                   const preprocessing::PipelineSpec& spec,
                                   const DataWindow& window, std::chrono::microseconds label_delay);

  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }
  /// Rows of schema request.fields, in the order of ingestion, and where in it row `row` is.
  [[nodiscard]] const preprocessing::Table& requests() const noexcept { return requests_; }
  [[nodiscard]] std::size_t request_of(std::size_t row) const noexcept { return order_[row]; }
  [[nodiscard]] std::span<const Instant> times() const noexcept { return times_; }
  /// Of each row, the position among classes().
  [[nodiscard]] std::span<const std::uint32_t> labels() const noexcept { return labels_; }
  /// Those that a row has, sorted.
  [[nodiscard]] const std::vector<ClassLabel>& classes() const noexcept { return classes_; }

  /// Rows of the table, in the window or not, and those in the window that were left out.
  [[nodiscard]] std::size_t table_rows() const noexcept { return table_rows_; }
  [[nodiscard]] std::size_t without_label() const noexcept { return without_label_; }
  [[nodiscard]] std::size_t without_time() const noexcept { return without_time_; }

  /// What looks like a mistake in the labels: a line for each two that differ in blanks at their
  /// ends, or in upper and lower case, alone.
  [[nodiscard]] std::vector<std::string> Remarks() const;

  /// Of all values of all rows, in their order. O(bytes).
  [[nodiscard]] std::string Hash() const;

 private:
  explicit LabelledRows(preprocessing::Schema fields) : requests_(std::move(fields)) {}

  preprocessing::Table requests_;
  std::vector<std::size_t> order_;
  std::vector<Instant> times_;
  std::vector<std::uint32_t> labels_;
  std::vector<ClassLabel> classes_;
  std::size_t table_rows_ = 0;
  std::size_t without_label_ = 0;
  std::size_t without_time_ = 0;
};

}  // namespace forkcast::model
