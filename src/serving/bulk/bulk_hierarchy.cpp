#include "serving/bulk/bulk_hierarchy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "data_preprocessing/base/nan.hpp"
#include "data_preprocessing/series/key_codec.hpp"
#include "model/forecast/model_keys.hpp"
#include "serving/bulk/forecast_columns.hpp"

namespace forkcast::serving {
namespace {

using model::Forecaster;
using model::Hierarchy;
using model::HierarchyForecaster;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::GridReader;
using preprocessing::PeriodIndex;
using preprocessing::PipelineSpec;
using preprocessing::Table;
using preprocessing::TableSpec;
using preprocessing::Value;

constexpr const char* kLevel = "level";
/// The key's columns, and what else levels group by.
std::vector<std::string> AttributesOf(const PipelineSpec& spec, const Hierarchy& hierarchy) {
  std::vector<std::string> names = spec.SeriesNamed(spec.forecast->series).key;
  for (const Hierarchy::Level& level : hierarchy.levels()) {
    for (const std::string& one : level.attributes) {
      if (std::ranges::find(names, one) == names.end()) names.push_back(one);
    }
  }
  return names;
}

/// What ForecastAll() says of keys, by step and the key's number.
class KeyForecasts final : public RowSink {
 public:
  explicit KeyForecasts(const Forecaster& forecaster)
      : grid_(forecaster.grid()),
        key_columns_(forecaster.spec().forecast->key.size()),
        cold_starts_(grid_.key_count()) {}

  Status Write(const Table& batch) override {
    std::vector<Value> key(key_columns_);
    for (std::size_t row = 0; row < batch.row_count(); ++row) {
      for (std::size_t i = 0; i < key_columns_; ++i) key[i] = ValueAt(batch.column(i), row);
      const std::size_t number = *grid_.FindKey(key);  // of a key that has data
      const auto step = static_cast<std::size_t>(batch.column(key_columns_ + 1).Int64(row));
      if (by_step.size() < step) by_step.resize(step, std::vector(grid_.key_count(), kNaN));
      by_step[step - 1][number] = batch.column(key_columns_ + 3).Double(row);
      cold_starts_[number] = batch.column(key_columns_ + 4).Bool(row);
    }
    return {};
  }
  Status Finish() override { return {}; }
  [[nodiscard]] bool IsColdStart(std::size_t key) const { return cold_starts_[key]; }

  std::vector<std::vector<double>> by_step;

 private:
  const GridReader& grid_;
  std::size_t key_columns_;
  std::vector<bool> cold_starts_;
};

/// One row after the other.
class HierarchyRows {
 public:
  HierarchyRows(const Forecaster& forecaster, const TableSpec& table, PeriodIndex origin)
      : forecaster_(forecaster),
        origin_(origin),
        attributes_(table.schema.columns.size() - kForecastColumns.size() - 1),
        rows_(table.schema) {
    forecaster.AppendOrigin(origin, origin_text_);
  }

  /// All steps of a group or a key; those without a forecast are left out.
  void Add(const std::string& level, const std::vector<std::string>& attributes,
           const std::vector<std::string>& values, std::size_t place,
           const std::vector<std::vector<double>>& by_step, std::optional<bool> cold_start) {
    for (std::size_t step = 0; step < by_step.size(); ++step) {
      const double value = by_step[step][place];
      if (std::isnan(value)) continue;
      rows_.column(0).AppendText(level);
      for (std::size_t i = 1; i <= attributes_; ++i) {
        const auto found = std::ranges::find(attributes, rows_.schema().columns[i].name);
        rows_.column(i).AppendText(
            found == attributes.end()
                ? std::string()
                : values[static_cast<std::size_t>(found - attributes.begin())]);
      }
      std::size_t column = attributes_ + 1;
      rows_.column(column++).AppendText(origin_text_);
      rows_.column(column++).AppendInt64(static_cast<std::int64_t>(step + 1));
      std::string period;
      forecaster_.AppendPeriod(origin_ + 1 + static_cast<PeriodIndex>(step), period);
      rows_.column(column++).AppendText(period);
      rows_.column(column++).AppendDouble(value);
      if (cold_start) {
        rows_.column(column).AppendBool(*cold_start);
      } else {
        rows_.column(column).AppendMissing();
      }
    }
  }
  [[nodiscard]] const Table& rows() const noexcept { return rows_; }

 private:
  const Forecaster& forecaster_;
  PeriodIndex origin_;
  std::size_t attributes_;
  std::string origin_text_;
  Table rows_;
};

std::vector<std::string> TextsOf(std::span<const Value> key) {
  std::vector<std::string> texts;
  for (const Value& value : key) texts.push_back(model::JoinedKey({&value, 1}));
  return texts;
}

}  // namespace

Result<TableSpec> HierarchyTable(const PipelineSpec& spec, const Hierarchy& hierarchy,
                                 std::string name) {
  TableSpec table{.name = std::move(name), .schema = {}, .key = {kLevel}};
  table.schema.columns.push_back({.name = kLevel, .type = ColumnType::kText});
  for (const std::string& attribute : AttributesOf(spec, hierarchy)) {
    const bool is_taken =
        attribute == kLevel ||
        std::ranges::find(kForecastColumns, attribute, &ColumnSpec::name) != kForecastColumns.end();
    if (is_taken) {
      return Error{
          ErrorCode::kInvalidArgument,
          fmt::format("the attribute \"{}\" is called as a column of forecasts", attribute),
          attribute};
    }
    table.schema.columns.push_back({.name = attribute, .type = ColumnType::kText});
    table.key.push_back(attribute);
  }
  table.schema.columns.insert(table.schema.columns.end(), kForecastColumns.begin(),
                              kForecastColumns.end());
  table.schema.columns.back().nullable = true;  // a sum has none
  table.key.insert(table.key.end(), {"origin", "step"});
  return table;
}

Result<BulkCounts> ForecastHierarchy(const Forecaster& forecaster, const HierarchyForecaster& sums,
                                     const Table& keys, const BulkQuestion& question,
                                     const BulkOptions& options, RowSink& sink) {
  KeyForecasts forecasts(forecaster);
  Result<BulkCounts> counts = ForecastAll(forecaster, keys, question, options, forecasts);
  if (!counts || counts->stopped || counts->rows == 0) return counts;
  const Result<PeriodIndex> origin = forecaster.PeriodAt(question.origin);
  if (!origin) return origin.error();
  const Hierarchy& hierarchy = sums.hierarchy();
  const Result<TableSpec> table = HierarchyTable(forecaster.spec(), hierarchy, {});
  if (!table) return table.error();
  const auto by_group = sums.Reconcile(*origin, forecasts.by_step);
  HierarchyRows rows(forecaster, *table, *origin);
  for (const Hierarchy::Level& level : hierarchy.levels()) {
    for (std::size_t group = level.first; group < level.first + level.count; ++group) {
      rows.Add(level.name, level.attributes, hierarchy.ValuesOf(group), group, by_group, {});
    }
  }
  const std::vector<std::string>& columns =
      forecaster.spec().SeriesNamed(forecaster.spec().forecast->series).key;
  const std::string of_keys = fmt::format("{}", fmt::join(columns, ","));
  for (std::size_t key = 0; key < forecaster.grid().key_count(); ++key) {
    rows.Add(of_keys, columns, TextsOf(forecaster.grid().KeyValues(key)), key, forecasts.by_step,
             forecasts.IsColdStart(key));
  }
  counts->rows = rows.rows().row_count();
  Status written = sink.Write(rows.rows());
  if (!written) return std::move(written).error();
  return counts;
}

}  // namespace forkcast::serving
