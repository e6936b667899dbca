#include "model/learn/quantile_table/quantile_table_trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "model/learn/check_rows.hpp"
#include "model/predict/published_kinds.hpp"
#include "model/quantile_table/quantile_table.hpp"

namespace forkcast::model {
namespace {

using preprocessing::JsonNode;

class QuantileTableTrainer final : public Trainer {
 public:
  QuantileTableTrainer(std::vector<std::string> cells, QuantileTableOptions options)
      : cells_(std::move(cells)), options_(options) {}

  [[nodiscard]] std::optional<double> validation_share() const noexcept override {
    return std::nullopt;
  }
  [[nodiscard]] std::optional<TrainingLibrary> library() const override { return std::nullopt; }
  [[nodiscard]] std::span<const std::string> needs() const noexcept override { return cells_; }
  [[nodiscard]] Result<std::optional<TrainedModel>> Train(const TrainingRows& rows,
                                                          const LearningSetting& setting,
                                                          const OnRound& on_round) const override {
    if (Status checked = CheckRows(rows, setting, false); !checked) {
      return std::move(checked).error();
    }
    QuantileTableSource source{.features = {rows.features.begin(), rows.features.end()},
                               .cells = {},
                               .options = options_,
                               .quantiles = {}};
    for (const std::string& name : cells_) {
      const auto found = std::ranges::find(source.features, name);
      if (found == source.features.end()) {
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("\"cells\": the model sees no column \"{}\"", name)};
      }
      source.cells.push_back(static_cast<std::uint32_t>(found - source.features.begin()));
    }
    CellRows cells(cells_.size());
    for (std::size_t row = 0; row < rows.target.size(); ++row) {
      cells.Add(ColumnsOf(source, rows, row), rows.target[row],
                rows.weights.empty() ? 1 : rows.weights[row]);
    }
    source.quantiles = cells.Table(options_);
    const TrainingProgress done{.round = 1, .rounds = 1};
    if (on_round && !on_round(done)) return std::optional<TrainedModel>();
    return Finish(std::move(source), rows);
  }

 private:
  [[nodiscard]] static std::vector<float> ColumnsOf(const QuantileTableSource& source,
                                                    const TrainingRows& rows, std::size_t row) {
    std::vector<float> columns;
    for (const std::uint32_t cell : source.cells) {
      columns.push_back(rows.values[row * rows.features.size() + cell]);
    }
    return columns;
  }

  /// By how much each column makes the rows' absolute error smaller.
  [[nodiscard]] static std::vector<FeatureImportance> ImportancesOf(
      const QuantileTableSource& source, const TrainingRows& rows) {
    std::vector<double> errors(source.cells.size() + 1);
    CellKey key;
    for (std::size_t row = 0; row < rows.target.size(); ++row) {
      CellKeyOf(ColumnsOf(source, rows, row), key);
      for (std::size_t count = 0; count < errors.size(); ++count) {
        errors[count] += std::abs(rows.target[row] - source.quantiles.Of(key, count));
      }
    }
    std::vector<FeatureImportance> importances;
    for (const std::string& feature : source.features) importances.push_back({feature, 0});
    double all = 0;
    for (std::size_t i = 0; i < source.cells.size(); ++i) {
      importances[source.cells[i]].share = std::max(0.0, errors[i] - errors[i + 1]);
      all += importances[source.cells[i]].share;
    }
    for (FeatureImportance& one : importances) one.share = all > 0 ? one.share / all : 0;
    std::ranges::stable_sort(importances, std::ranges::greater{}, &FeatureImportance::share);
    return importances;
  }

  [[nodiscard]] static Result<std::optional<TrainedModel>> Finish(QuantileTableSource source,
                                                                  const TrainingRows& rows) {
    std::vector<FeatureImportance> importances = ImportancesOf(source, rows);
    QuantileTable table(std::move(source));
    std::string bytes = table.Write();
    TrainedModel trained{.scoring = ScoringOf(std::move(table)),
                         .parts = {},
                         .importances = std::move(importances),
                         .rounds = 1};
    trained.parts.push_back({kTableEnding, std::move(bytes)});
    return std::optional(std::move(trained));
  }

  std::vector<std::string> cells_;
  QuantileTableOptions options_;
};

}  // namespace

std::unique_ptr<const Trainer> MakeQuantileTable(const TrainerDeclaration& declaration) {
  constexpr std::int64_t kMostRows = 1'000'000'000;
  constexpr double kLeast = 1e-6;
  const JsonNode& node = declaration.node;
  node.RequireObject(
      {"algorithm", "task", "classes", "cells", "quantile", "min_rows", "seed", "threads"});
  if (declaration.of_classes) node.Get("algorithm").Fail("it learns a number, and no classes");
  QuantileTableOptions options;
  const JsonNode cells = node.Get("cells");
  std::vector<std::string> names = cells.Strings();
  if (names.empty() || names.size() > kMostCellColumns) {
    cells.Fail(fmt::format("expected 1 to {} features", kMostCellColumns));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::ranges::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i),
                          names[i]) != names.begin() + static_cast<std::ptrdiff_t>(i)) {
      cells.Fail(fmt::format("\"{}\" is given twice", names[i]));
    }
  }
  if (const auto quantile = node.Find("quantile")) {
    options.quantile = quantile->Number(kLeast, 1 - kLeast);
  }
  if (const auto rows = node.Find("min_rows")) {
    options.min_rows = static_cast<std::size_t>(rows->Integer(1, kMostRows));
  }
  return std::make_unique<const QuantileTableTrainer>(std::move(names), options);
}

}  // namespace forkcast::model
