#include "serving/bulk/bulk_forecast.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/table/append_value.hpp"
#include "model/forecast/forecast_request.hpp"
#include "model/forecast/model_keys.hpp"
#include "model/learn/for_each.hpp"
#include "serving/bulk/forecast_columns.hpp"

namespace forkcast::serving {
namespace {

using model::ForecastAnswer;
using model::Forecaster;
using model::ForecastSession;
using model::PredictionInterval;
using model::StepForecast;
using preprocessing::AppendValue;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::GridReader;
using preprocessing::PeriodIndex;
using preprocessing::PipelineSpec;
using preprocessing::Schema;
using preprocessing::Table;
using preprocessing::TableSpec;
using preprocessing::Value;
using preprocessing::ValueAt;

/// Keys that one thread takes at a time, and such shares that are in memory together.
constexpr std::size_t kKeysOfAShare = 32;
constexpr std::size_t kSharesOfARound = 64;

std::vector<Value> KeyIn(const PipelineSpec& spec, const Table& keys, std::size_t row) {
  std::vector<Value> key;
  for (const std::string& field : spec.forecast->key) {
    key.push_back(ValueAt(keys.column(*keys.schema().Find(field)), row));
  }
  return key;
}

Error TakenName(const std::string& field) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("the key's field \"{}\" is called as a column of forecasts", field), field};
}

Value NumberOrMissing(double number) { return std::isnan(number) ? Value() : Value(number); }

/// What came of some keys.
struct Share {
  explicit Share(const Schema& schema) : rows(schema) {}

  Table rows;
  std::size_t refused = 0;
  std::optional<Error> first_refusal{};
};

/// Forecasts of one thread, as rows.
class ShareForecaster {
 public:
  ShareForecaster(const Forecaster& forecaster, const Table& keys, const BulkQuestion& question)
      : forecaster_(forecaster), keys_(keys), question_(question), session_(forecaster) {}

  void Add(std::size_t row, Share& share) {
    Status done = session_.Forecast(
        {.rows = keys_, .row = row, .now = question_.now, .steps = question_.steps}, answer_);
    if (done) {
      const std::size_t levels = forecaster_.levels().size();
      for (std::size_t i = 0; i < answer_.steps.size(); ++i) {
        Append(row, answer_.steps[i], std::span(answer_.intervals).subspan(i * levels, levels),
               share.rows);
      }
      return;
    }
    ++share.refused;
    if (share.first_refusal) return;
    share.first_refusal = std::move(done).error();
    share.first_refusal->message =
        fmt::format("key {}: {}", model::JoinedKey(KeyIn(forecaster_.spec(), keys_, row)),
                    share.first_refusal->message);
  }

 private:
  void Append(std::size_t row, const StepForecast& step,
              std::span<const PredictionInterval> intervals, Table& rows) {
    std::size_t column = 0;
    for (const Value& value : KeyIn(forecaster_.spec(), keys_, row)) {
      AppendValue(value, rows.column(column++));
    }
    text_.clear();
    forecaster_.AppendOrigin(answer_.origin, text_);
    rows.column(column++).AppendText(text_);
    rows.column(column++).AppendInt64(static_cast<std::int64_t>(step.step));
    text_.clear();
    forecaster_.AppendPeriod(step.period, text_);
    rows.column(column++).AppendText(text_);
    rows.column(column++).AppendDouble(step.value);
    rows.column(column++).AppendBool(step.cold_start);
    for (const auto& [lower, upper] : intervals) {
      AppendValue(NumberOrMissing(lower), rows.column(column++));
      AppendValue(NumberOrMissing(upper), rows.column(column++));
    }
  }

  const Forecaster& forecaster_;
  const Table& keys_;
  const BulkQuestion& question_;
  ForecastSession session_;
  ForecastAnswer answer_;
  std::string text_;
};

/// Rows `first`..`last` - 1 of `keys`, by all threads.
std::vector<Share> ForecastRound(const Forecaster& forecaster, const Table& keys,
                                 const BulkQuestion& question, const Schema& schema,
                                 unsigned threads, std::size_t first, std::size_t last) {
  const std::size_t count = (last - first + kKeysOfAShare - 1) / kKeysOfAShare;
  std::vector<Share> shares(count, Share(schema));
  const auto forecast = [&](std::size_t i, bool) -> Status {
    ShareForecaster one(forecaster, keys, question);
    const std::size_t begin = first + i * kKeysOfAShare;
    const std::size_t end = std::min(begin + kKeysOfAShare, last);
    for (std::size_t row = begin; row < end; ++row) one.Add(row, shares[i]);
    return {};
  };
  (void)model::ForEach(count, threads, forecast);  // each share keeps its errors
  return shares;
}

}  // namespace

Result<TableSpec> ForecastTable(const PipelineSpec& spec, std::span<const double> levels,
                                std::string name) {
  TableSpec table{.name = std::move(name), .schema = {}, .key = spec.forecast->key};
  for (const std::string& field : spec.forecast->key) {
    const auto* const taken = std::ranges::find(kForecastColumns, field, &ColumnSpec::name);
    if (taken != kForecastColumns.end()) return TakenName(field);
    const std::size_t column = *spec.request.fields.Find(field);
    table.schema.columns.push_back(
        {.name = field, .type = spec.request.fields.columns[column].type});
  }
  table.schema.columns.insert(table.schema.columns.end(), kForecastColumns.begin(),
                              kForecastColumns.end());
  for (const double level : levels) {
    for (const std::string& bound : {model::LowerName(level), model::UpperName(level)}) {
      if (table.schema.Find(bound)) return TakenName(bound);
      table.schema.columns.push_back(
          {.name = bound, .type = ColumnType::kDouble, .nullable = true});
    }
  }
  table.key.insert(table.key.end(), {"origin", "step"});
  return table;
}

Result<KeysToForecast> AllKeys(const Forecaster& forecaster, const std::optional<Instant>& origin) {
  const Result<PeriodIndex> period = forecaster.PeriodAt(origin);
  if (!period) return period.error();
  const GridReader& grid = forecaster.grid();
  KeysToForecast keys{.rows = Table(forecaster.spec().request.fields)};
  for (std::size_t key = 0; key < grid.key_count(); ++key) {
    if (grid.FirstPeriod(key) > *period) continue;
    if (forecaster.HasEnded(key, *period)) {
      ++keys.ended;
      continue;
    }
    model::AppendForecastRequest(forecaster.spec(), grid.KeyValues(key), origin, keys.rows);
  }
  return keys;
}

Result<BulkCounts> ForecastAll(const Forecaster& forecaster, const Table& keys,
                               const BulkQuestion& question, const BulkOptions& options,
                               RowSink& sink) {
  BulkCounts counts;
  const Result<TableSpec> table = ForecastTable(forecaster.spec(), forecaster.levels(), {});
  if (!table) return table.error();
  const std::size_t total = keys.row_count();
  while (counts.keys < total) {
    const std::size_t end = std::min(counts.keys + kKeysOfAShare * kSharesOfARound, total);
    for (Share& share : ForecastRound(forecaster, keys, question, table->schema, options.threads,
                                      counts.keys, end)) {
      if (share.first_refusal && options.when_refused == WhenRefused::kStop) {
        return *std::move(share.first_refusal);
      }
      counts.refused += share.refused;
      if (share.first_refusal && counts.first_refusal.empty()) {
        counts.first_refusal = share.first_refusal->message;
      }
      counts.rows += share.rows.row_count();
      Status written = sink.Write(share.rows);
      if (!written) return std::move(written).error();
    }
    counts.keys = end;
    if (!options.on_keys || !options.on_keys(end, total)) continue;
    counts.stopped = true;
    break;
  }
  return counts;
}

}  // namespace forkcast::serving
