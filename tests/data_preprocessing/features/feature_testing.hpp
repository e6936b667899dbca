#pragma once

#include <gtest/gtest.h>

#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/series_testing.hpp"

namespace forkcast::preprocessing {

/// Each value as Show() writes it, with blanks between them.
inline std::string ShowAll(std::span<const Value> values) {
  std::string shown;
  for (const Value& value : values) shown += (shown.empty() ? "" : " ") + Show(value);
  return shown;
}

inline PipelineSpec ParsePipeline(const nlohmann::ordered_json& json) {
  Result<PipelineSpec> spec = ParsePipelineSpec(json.dump(), ".");
  if (!spec) throw std::runtime_error(spec.error().message);
  return std::move(*spec);
}

/// A pipeline with snapshots of the rows that a test gives to its series.
class FeatureBench {
 public:
  using SeriesRows = std::map<std::string, std::vector<RowTexts>>;  // by series, in ReadSchema()

  FeatureBench(const nlohmann::ordered_json& pipeline, const SeriesRows& rows)
      : spec_(ParsePipeline(pipeline)) {
    for (const SeriesSpec& series : spec_.series) {
      const auto found = rows.find(series.name);
      Table table(series.ReadSchema());
      if (found != rows.end()) {
        for (const RowTexts& row : found->second) AppendRow(row, table, spec_.zone);
      }
      tables_.push_back(std::move(table));
    }
    Publish();
  }

  [[nodiscard]] const PipelineSpec& spec() const noexcept { return spec_; }
  /// The rows of a series, to which a test may add; they count after Publish().
  [[nodiscard]] Table& rows(std::size_t series) noexcept { return tables_[series]; }

  void Publish() {
    snapshots_.clear();
    for (std::size_t i = 0; i < spec_.series.size(); ++i) {
      snapshots_.push_back(PublishAndOpen(spec_.series[i], tables_[i], folder_, spec_.zone));
    }
  }

  /// A row as a request would bring it; times without zone are in the pipeline's.
  [[nodiscard]] Table Request(const std::vector<RowTexts>& rows) const {
    Table table(spec_.request.fields);
    for (const RowTexts& row : rows) AppendRow(row, table, spec_.zone);
    return table;
  }

  /// What Compute() says of one row: the features as Show() writes them with blanks between them
  /// and `stale:` with the flagged series behind them, or its error.
  [[nodiscard]] std::string Compute(FeatureComputer& computer, const Table& rows, std::size_t row,
                                    Instant now = {}) const {
    return ComputeShown(computer, rows, row, computer.MomentOf(rows, row, now));
  }
  /// The same at a moment, whatever the row's own time says.
  [[nodiscard]] std::string ComputeShown(FeatureComputer& computer, const Table& rows,
                                         std::size_t row, const FeatureMoment& moment) const {
    std::vector<Value> values(computer.feature_count());
    SeriesMask stale = 0;
    computer.Select(snapshots_, rows, row);
    const Status computed = computer.ComputeAt(moment, values, stale);
    if (!computed) {
      const bool missing = computed.error().code == ErrorCode::kFeatureMissing;
      return (missing ? "missing " : "stale ") + computed.error().field + ": " +
             computed.error().message;
    }
    std::string shown = ShowAll(values);
    for (std::size_t i = 0; i < spec_.series.size(); ++i) {
      if ((stale >> i & 1U) != 0) shown += " stale:" + spec_.series[i].name;
    }
    return shown;
  }
  [[nodiscard]] std::string Compute(const RowTexts& row, Instant now = {}) const {
    FeatureComputer computer = MakeComputer();
    return Compute(computer, Request({row}), 0, now);
  }

  /// The features of one row at a moment, whatever its own time says.
  [[nodiscard]] std::vector<Value> ComputeAt(const RowTexts& row,
                                             const FeatureMoment& moment) const {
    FeatureComputer computer = MakeComputer();
    const Table rows = Request({row});
    std::vector<Value> values(computer.feature_count());
    SeriesMask stale = 0;
    computer.Select(snapshots_, rows, 0);
    const Status computed = computer.ComputeAt(moment, values, stale);
    if (!computed) throw std::runtime_error(computed.error().message);
    return values;
  }

  [[nodiscard]] FeatureComputer MakeComputer() const {
    return {spec_.features, spec_.series, spec_.request, spec_.zone,
            spec_.forecast ? &*spec_.forecast : nullptr};
  }
  /// An instant of the pipeline's zone.
  [[nodiscard]] Instant At(std::string_view text) const {
    return ParseTimestamp(text, spec_.zone).value();
  }
  [[nodiscard]] std::span<const Snapshot> snapshots() const noexcept { return snapshots_; }

 private:
  const TempFolder folder_;
  const PipelineSpec spec_;
  std::vector<Table> tables_;
  std::vector<Snapshot> snapshots_;
};

}  // namespace forkcast::preprocessing
