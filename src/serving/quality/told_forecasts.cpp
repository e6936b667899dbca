#include "serving/quality/told_forecasts.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/nan.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/table/csv_reader.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/forecast/forecast_data.hpp"
#include "model/quality/forecast_quality.hpp"
#include "model/quality/quality_reference.hpp"
#include "serving/bulk/bulk_forecast.hpp"
#include "serving/quality/answered_rows.hpp"

namespace forkcast::serving {
namespace {

using model::ForecastData;
using model::ForecastQuality;
using model::MadeForecast;
using preprocessing::CsvTableReader;
using preprocessing::GridReader;
using preprocessing::PeriodIndex;
using preprocessing::PipelineSpec;
using preprocessing::Schema;
using preprocessing::Table;
using preprocessing::TableSpec;
using preprocessing::Value;
using preprocessing::ValueAt;

constexpr std::string_view kTablePrefix = "table:";

/// The last period that the version had learned from: `periods` from the first on, since versions
/// of before meant something else by `to`.
Result<PeriodIndex> LastLearned(const nlohmann::ordered_json& manifest, const PipelineSpec& spec,
                                const GridReader& grid) {
  const auto from = manifest.value("/data/from"_json_pointer, std::string());
  const auto periods = manifest.value("/data/periods"_json_pointer, std::int64_t{0});
  const Result<Instant> first = preprocessing::ParseTimestamp(from, spec.zone);
  if (!first || periods < 1) {
    return Error{ErrorCode::kRefusedData,
                 "manifest.json: $.data does not say which periods were learned from"};
  }
  return grid.PeriodOf(*first) + periods - 1;
}

/// Takes lines of answers for forecasts.
class ForecastReader {
 public:
  ForecastReader(const model::ForecastVersion& version, const GridReader& grid,
                 ForecastQuality& quality)
      : spec_(version.spec()),
        levels_(version.plan().intervals),
        grid_(grid),
        quality_(quality),
        key_(KeySchema(version.spec())) {}

  void Take(const AnsweredRow& row) {
    const std::optional<double> value = NumberOf(row.Output("value"));
    const std::optional<double> step = NumberOf(row.Output("step"));
    const std::optional<PeriodIndex> target = TargetOf(row);
    if (!value || !step || !target || !ReadKey(row)) {
      ++unreadable_;
      return;
    }
    ReadIntervals(row);
    quality_.Add({.key = values_,
                  .target = *target,
                  .step = static_cast<std::int64_t>(*step),
                  .value = *value,
                  .intervals = intervals_,
                  .cold_start = TextOf(row.Output("cold_start")).value_or("") == "true"});
  }
  /// Lines that do not say what was forecast, when, or for whom.
  [[nodiscard]] std::uint64_t unreadable() const noexcept { return unreadable_; }

 private:
  static Schema KeySchema(const PipelineSpec& spec) {
    Schema schema;
    for (const std::string& field : spec.forecast->key) {
      schema.columns.push_back(spec.request.fields.columns[*spec.request.fields.Find(field)]);
    }
    return schema;
  }
  [[nodiscard]] std::optional<PeriodIndex> TargetOf(const AnsweredRow& row) const {
    const std::optional<std::string> text = TextOf(row.Output("period"));
    if (!text) return std::nullopt;
    const Result<Instant> start = preprocessing::ParseTimestamp(*text, spec_.zone);
    return start ? std::optional(grid_.PeriodOf(*start)) : std::nullopt;
  }
  bool ReadKey(const AnsweredRow& row) {
    key_.Clear();
    values_.clear();
    for (std::size_t i = 0; i < key_.column_count(); ++i) {
      const std::optional<std::string> text = TextOf(row.Field(key_.schema().columns[i].name));
      if (!text || !preprocessing::AppendParsed(*text, spec_.zone, key_.column(i))) return false;
      values_.push_back(ValueAt(key_.column(i), 0));
    }
    return true;
  }

  /// NaN for bounds that were not told: a pipeline may answer without them.
  void ReadIntervals(const AnsweredRow& row) {
    const auto bound = [&row](const std::string& name) {
      return NumberOf(row.Output(name)).value_or(kNaN);
    };
    intervals_.clear();
    for (const double level : levels_) {
      intervals_.push_back(
          {.lower = bound(model::LowerName(level)), .upper = bound(model::UpperName(level))});
    }
  }

  const PipelineSpec& spec_;
  std::span<const double> levels_;
  const GridReader& grid_;
  ForecastQuality& quality_;
  Table key_;  // of the line at hand
  std::vector<Value> values_;
  std::vector<model::PredictionInterval> intervals_;
  std::uint64_t unreadable_ = 0;
};

/// Takes rows of the table that `forkcast predict` writes.
Status TakeTable(const Table& rows, const model::ForecastVersion& version, const GridReader& grid,
                 ForecastQuality& quality) {
  const PipelineSpec& spec = version.spec();
  const std::size_t keys = spec.forecast->key.size();
  const auto column = [&](std::string_view name) -> const preprocessing::Column& {
    return rows.column(*rows.schema().Find(name));
  };
  std::vector<Value> key(keys);
  std::vector<model::PredictionInterval> intervals;
  for (std::size_t row = 0; row < rows.row_count(); ++row) {
    for (std::size_t i = 0; i < keys; ++i) key[i] = ValueAt(rows.column(i), row);
    const std::string_view period = column("period").Text(row);
    const Result<Instant> start = preprocessing::ParseTimestamp(period, spec.zone);
    if (!start) {
      return Error{ErrorCode::kCorrupt,
                   fmt::format("column \"period\" of the forecasts: {}", start.error().message)};
    }
    intervals.clear();
    for (const double level : version.plan().intervals) {
      const auto bound = [&](const std::string& name) {
        const preprocessing::Column& bounds = column(name);
        return bounds.IsMissing(row) ? kNaN : bounds.Double(row);
      };
      intervals.push_back(
          {.lower = bound(model::LowerName(level)), .upper = bound(model::UpperName(level))});
    }
    quality.Add({.key = key,
                 .target = grid.PeriodOf(*start),
                 .step = column("step").Int64(row),
                 .value = column("value").Double(row),
                 .intervals = intervals,
                 .cold_start = column("cold_start").Bool(row)});
  }
  return {};
}

Status TakeStored(const QualitySources& sources, const model::ForecastVersion& version,
                  const GridReader& grid, ForecastQuality& quality) {
  const bool is_table = sources.forecasts.starts_with(kTablePrefix);
  const std::string name = is_table ? sources.forecasts.substr(kTablePrefix.size()) : "";
  const Result<TableSpec> table = ForecastTable(version.spec(), version.plan().intervals, name);
  if (!table) return table.error();
  const auto take = [&](const Table& batch) { return TakeTable(batch, version, grid, quality); };
  if (is_table) {
    const auto dao = preprocessing::OpenStore(sources.store, preprocessing::StoreAccess::kReadOnly);
    if (!dao) return dao.error();
    return (*dao)->Read(preprocessing::TableSource{name}, table->schema, {}, kToldAtOnce, take);
  }
  auto reader = CsvTableReader::Open(sources.forecasts, table->schema, version.spec().zone);
  if (!reader) return reader.error();
  Table batch(table->schema);
  while (true) {
    const Result<bool> more = reader->ReadBatch(kToldAtOnce, batch);
    if (!more) return more.error();
    if (!*more) return {};
    Status taken = take(batch);
    if (!taken) return taken;
  }
}

Result<std::uint64_t> TakeCapturedForecasts(const QualitySources& sources,
                                            const model::ForecastVersion& version,
                                            const GridReader& grid, ForecastQuality& quality) {
  const AnswersOf answers{.pipeline = version.spec().name,
                          .version = std::to_string(version.info().number),
                          .deployment = sources.deployment};
  ForecastReader reader(version, grid, quality);
  const Status visited =
      VisitAnswers(sources.captures, answers, version.spec(),
                   [&reader](const AnsweredRow& row, Instant /*received*/) { reader.Take(row); });
  if (!visited) return visited.error();
  return reader.unreadable();
}

}  // namespace

Result<model::QualityFindings> JudgeForecasts(const model::ForecastVersion& version,
                                              const QualitySources& sources) {
  const PipelineSpec& spec = version.spec();
  const auto reference = model::ForecastReferenceOf(version.manifest());
  if (!reference) return reference.error();
  const auto data = ForecastData::Open(spec, sources.snapshots);
  if (!data) return data.error();
  const GridReader& grid = (*data)->grid();
  const Result<PeriodIndex> learned = LastLearned(version.manifest(), spec, grid);
  if (!learned) return learned.error();
  ForecastQuality quality(
      {.data = **data, .last_learned = *learned, .levels = version.plan().intervals});
  std::uint64_t unreadable = 0;
  if (sources.forecasts.empty()) {
    const auto taken = TakeCapturedForecasts(sources, version, grid, quality);
    if (!taken) return taken.error();
    unreadable = *taken;
  } else {
    Status taken = TakeStored(sources, version, grid, quality);
    if (!taken) return std::move(taken).error();
  }
  const std::size_t window = sources.window > 0 ? sources.window : (*data)->horizon();
  model::QualityFindings findings{.model = version.info().model,
                                  .version = version.info().number,
                                  .kind = "forecast",
                                  .windows = quality.Windows(window),
                                  .left_out = quality.left_out()};
  if (unreadable > 0) findings.left_out["unreadable"] = unreadable;
  model::Judge(*reference, findings);
  return findings;
}

}  // namespace forkcast::serving
