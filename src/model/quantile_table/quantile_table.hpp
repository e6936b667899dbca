#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/model.hpp"
#include "model/tree/input_pool.hpp"

// Rows that are alike in a few columns (the store, the day of the week, whether there is a
// promotion) are a cell, and a cell's answer is a quantile of what its rows came to. A cell of few
// rows says little: then the last column is left out, and so on until there are rows enough, at
// last with all rows in one cell. No model, but hard to beat where plans make most of a day.
namespace forkcast::model {

struct QuantileTableOptions {
  double quantile = 0.5;     ///< Above 0 and below 1.
  std::size_t min_rows = 5;  ///< A cell of fewer is none, but for that of all rows.

  friend bool operator==(const QuantileTableOptions&, const QuantileTableOptions&) = default;
};

/// A row's columns as cells compare them; missing (NaN) is a value like others.
using CellKey = std::vector<std::uint32_t>;
/// Into `key`, which keeps its memory.
void CellKeyOf(std::span<const float> columns, CellKey& key);

/// Answers by the number of columns that they look at, 0 to all.
class CellQuantiles {
 public:
  struct Answer {
    CellKey key;
    double value = 0;

    friend bool operator==(const Answer&, const Answer&) = default;
  };
  CellQuantiles() = default;
  /// `answers`: by number of columns, each sorted by key, none twice; exactly one of no column.
  explicit CellQuantiles(std::vector<std::vector<Answer>> answers) : answers_(std::move(answers)) {}

  /// What the first `columns` of them say, or the first of fewer. O(columns * log(cells)), no
  /// allocation. Precondition: columns <= depth().
  [[nodiscard]] double Of(std::span<const std::uint32_t> key, std::size_t columns) const noexcept;
  [[nodiscard]] std::size_t depth() const noexcept { return answers_.size() - 1; }
  [[nodiscard]] const std::vector<std::vector<Answer>>& answers() const noexcept {
    return answers_;
  }

  friend bool operator==(const CellQuantiles&, const CellQuantiles&) = default;

 private:
  std::vector<std::vector<Answer>> answers_;
};

/// Takes rows in, and makes their table.
class CellRows {
 public:
  explicit CellRows(std::size_t columns) : columns_(columns), cells_(columns + 1) {}

  /// One row of a value and a weight. A weight of 0 is no row.
  void Add(std::span<const float> columns, double value, double weight = 1);
  [[nodiscard]] bool empty() const noexcept { return cells_.front().empty(); }
  /// A cell's answer is the least of its values up to which the weights come to the quantile's
  /// share of all, or the mean of it and the next where they come to exactly that: of an even
  /// number of equal weights the usual median. Precondition: some row was added.
  [[nodiscard]] CellQuantiles Table(const QuantileTableOptions& options) const;

 private:
  struct Weighed {
    double value = 0;
    double weight = 1;
  };
  [[nodiscard]] static double QuantileOf(std::vector<Weighed> rows, double quantile);

  std::size_t columns_;
  std::vector<std::map<CellKey, std::vector<Weighed>>> cells_;  // by number of columns
  CellKey key_;                                                 // scratch
};

/// What training finds.
struct QuantileTableSource {
  std::vector<std::string> features;
  std::vector<std::uint32_t> cells;  ///< Positions among them, the coarsest first.
  QuantileTableOptions options;
  CellQuantiles quantiles;

  friend bool operator==(const QuantileTableSource&, const QuantileTableSource&) = default;
};

/// A table, read from a file (FORMAT.md). Inputs are numbers, named as the features; the output is
/// "score".
class QuantileTable final : public Model {
 public:
  static constexpr std::string_view kFormat = "forkcast.quantile_table";

  /// kInvalidArgument naming the JSON path of what is wrong.
  static Result<QuantileTable> Parse(std::string_view text);
  /// Precondition: `source` is as Parse() would take it.
  explicit QuantileTable(QuantileTableSource source);

  [[nodiscard]] std::span<const InputColumn> inputs() const noexcept override { return *inputs_; }
  [[nodiscard]] std::span<const OutputColumn> outputs() const noexcept override { return outputs_; }
  void Predict(std::span<const float> rows, std::span<double> out) const noexcept override;

  [[nodiscard]] const QuantileTableSource& source() const noexcept { return source_; }
  /// The file. The same table gives the same bytes.
  [[nodiscard]] std::string Write() const;
  /// Takes equal inputs out of the pool in place of its own.
  void ShareInputs(InputPool& pool) { inputs_ = pool.Share(std::move(inputs_)); }

 private:
  QuantileTableSource source_;
  std::shared_ptr<const InputColumns> inputs_;
  std::vector<OutputColumn> outputs_;
};

/// So many columns make a cell at most.
inline constexpr std::size_t kMostCellColumns = 16;

}  // namespace forkcast::model
