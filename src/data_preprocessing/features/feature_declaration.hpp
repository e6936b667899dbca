#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/features/feature_operator.hpp"
#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/features/request_spec.hpp"
#include "data_preprocessing/series/series_spec.hpp"

namespace forkcast::preprocessing {

/// What a feature may refer to: all that a pipeline file declares before it.
struct DeclaredBefore {
  std::span<const SeriesSpec> series;
  const RequestSpec& request;
  std::span<const FeatureSpec> features;
  const TimeZone& zone;
  bool forecasts = false;  ///< Whether rows have a target apart from their origin.
};

/// A value column of a series as a feature reads it.
struct SeriesValue {
  SeriesColumn from;
  const SeriesSpec& series;
  ColumnType type = ColumnType::kDouble;
  ReadAt at = ReadAt::kOrigin;
};

/// A field of the request: its position among the fields.
struct RequestField {
  std::size_t column = 0;
  ColumnType type = ColumnType::kText;
};

/// What the reader of an operator makes of a declaration.
struct DeclaredOperator {
  std::unique_ptr<const FeatureOperator> op;
  ColumnType type = ColumnType::kDouble;  ///< Of what it yields.
};

/// One element of `features`, as the reader of its operator sees it: members by what they stand
/// for. What refers to data also enters the feature's reads. Everything throws SpecError naming the
/// place. `node`, and what stands before it, must outlive the object.
class FeatureDeclaration {
 public:
  FeatureDeclaration(const JsonNode& node, const DeclaredBefore& before)
      : node_(node), before_(before), known_reads_(DistinctReads(before.features)) {}

  /// The element itself: for RequireObject() and for constants.
  [[nodiscard]] const JsonNode& node() const noexcept { return node_; }

  /// What "series", "value", "key" and "at" name; of an operator that takes them, also "strict" and
  /// "skip_missing".
  [[nodiscard]] SeriesValue Value();
  /// The same of a timestamp column.
  [[nodiscard]] SeriesValue InstantValue();
  /// The same of a series with `aggregate`.
  [[nodiscard]] SeriesValue GridValue();
  /// What "series", "value" and "key" name: of a series with `aggregate` that is known in advance,
  /// read at the target.
  [[nodiscard]] SeriesValue PlannedValue();
  /// The same of the object `node` within this one, where the series' period must be `period`.
  [[nodiscard]] SeriesValue PlannedValue(const JsonNode& node, Period period);

  /// The field of the request that "field" names.
  [[nodiscard]] RequestField Field() const;
  /// Position of the earlier feature that `member` names, which must be a number.
  [[nodiscard]] std::size_t NumberFeature(std::string_view member) const;
  /// A number of periods from 1 to kMaxPeriods; `fallback` where there is no such member.
  [[nodiscard]] int Periods(std::string_view member, std::optional<int> fallback = {}) const;
  /// The pipeline's.
  [[nodiscard]] const TimeZone& zone() const noexcept { return before_.zone; }
  /// "at"; the origin where it is left out.
  [[nodiscard]] ReadAt Moment() const;

  /// What the feature reads, as far as it was asked for: FeatureSpec::reads.
  [[nodiscard]] const std::vector<SeriesRead>& reads() const noexcept { return reads_; }

 private:
  /// A value of `series`, by the members "value" and "key" of `node`.
  struct KeyedColumn {
    std::size_t column = 0;
    std::vector<std::string> key;
  };
  [[nodiscard]] KeyedColumn ReadColumn(const JsonNode& node, const SeriesSpec& series) const;
  /// Whether the member `name` is true; it may be where the rows of `series` have instants of their
  /// own, which periods and what has no time do not.
  [[nodiscard]] bool RowSwitch(std::string_view name, const SeriesSpec& series) const;
  /// Notes the read.
  SeriesValue Read(const SeriesRead& read, std::size_t column, const SeriesSpec& series);
  SeriesValue ReadPlan(const JsonNode& node, const SeriesSpec& plan);

  const JsonNode& node_;
  const DeclaredBefore& before_;
  std::vector<SeriesRead> known_reads_;  // of the features before and this one, in their order
  std::vector<SeriesRead> reads_;
};

}  // namespace forkcast::preprocessing
