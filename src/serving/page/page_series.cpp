#include "serving/page/page_series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/series/grid_reader.hpp"
#include "data_preprocessing/series/key_codec.hpp"
#include "data_preprocessing/series/period.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/page/page_text.hpp"
#include "serving/service/example_row.hpp"
#include "serving/service/forecast_pipeline.hpp"
#include "serving/wire/answer_writer.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::ForecastSpec;
using preprocessing::GridReader;
using preprocessing::Period;
using preprocessing::PeriodIndex;
using preprocessing::PipelineSpec;
using preprocessing::SeriesSpec;
using preprocessing::Snapshot;
using preprocessing::Value;

constexpr std::string_view kBand = "lower_";

ordered_json ToJson(const Value& value) {
  std::string text;
  wire::AppendJsonValue(value, text);
  return ordered_json::parse(text);
}

/// The series that a pipeline forecasts, which has a grid.
struct Forecasted {
  const ForecastSpec& forecast;
  const SeriesSpec& series;
  GridReader grid;

  [[nodiscard]] Period period() const { return series.aggregate->period; }
};

/// None: it forecasts nothing.
std::optional<Forecasted> ForecastedBy(const ServedPipeline& pipeline) {
  const PipelineSpec& spec = pipeline.spec();
  if (!spec.forecast) return std::nullopt;
  const SeriesSpec& series = spec.SeriesNamed(spec.forecast->series);
  const auto place = static_cast<std::size_t>(&series - spec.series.data());
  if (place >= pipeline.snapshots().size()) return std::nullopt;
  return Forecasted{.forecast = *spec.forecast,
                    .series = series,
                    .grid = GridReader(series, pipeline.snapshots()[place], spec.zone)};
}

Error NoForecast() {
  return {ErrorCode::kNotFound, "this deployment forecasts no series", "deployment"};
}

std::string PeriodText(PeriodIndex index, Period period) {
  std::string text;
  preprocessing::AppendPeriodText(index, period, text);
  return text;
}

/// Periods as milliseconds since 1970 of what PeriodText() says: what is no shorter than a day
/// begins at midnight in UTC there, wherever it is.
class PeriodClock {
 public:
  PeriodClock(const GridReader& grid, Period period)
      : grid_(grid), period_(period), has_days_(PeriodText(0, period).size() == kDateSize) {}

  [[nodiscard]] std::int64_t At(PeriodIndex index) const {
    using std::chrono::milliseconds;
    if (!has_days_)
      return std::chrono::floor<milliseconds>(grid_.StartOf(index).time_since_epoch()).count();
    return milliseconds(preprocessing::FirstDayOf(index, period_).time_since_epoch()).count();
  }

 private:
  static constexpr std::size_t kDateSize = 10;

  const GridReader& grid_;
  Period period_;
  bool has_days_;
};

// ---------------------------------------------------------------- deployments

std::string_view RoleOf(const std::string& field, const ServedPipeline& pipeline) {
  const PipelineSpec& spec = pipeline.spec();
  if (field == spec.request.time) return "time";
  if (!spec.forecast) return "field";
  const std::vector<std::string>& key = spec.forecast->key;
  if (std::ranges::find(key, field) != key.end()) return "key";
  if (const auto assume = pipeline.assume_field();
      assume && pipeline.fields().columns[*assume].name == field) {
    return "assume";
  }
  return spec.request.fields.Find(field) ? "field" : "range";
}

ordered_json DescribeFields(const ServedPipeline& pipeline) {
  ordered_json fields = ordered_json::array();
  for (const ColumnSpec& field : pipeline.fields().columns) {
    fields.push_back({{"name", field.name},
                      {"type", ToString(field.type)},
                      {"nullable", field.nullable},
                      {"role", RoleOf(field.name, pipeline)}});
  }
  return fields;
}

/// Fields whose values some series has as its keys, so that the page can offer them.
std::vector<std::string> FieldsWithKeys(const PipelineSpec& spec) {
  std::vector<std::string> fields;
  for (const preprocessing::SeriesRead& read : preprocessing::DistinctReads(spec.features)) {
    if (read.key.size() != 1) continue;
    const bool is_known = std::ranges::find(fields, read.key.front()) != fields.end();
    if (!is_known) fields.push_back(read.key.front());
  }
  return fields;
}

/// Whether each key has a model of its own that can be trained without the others.
bool TrainsKeys(const ServedPipeline& pipeline) {
  const auto* const forecasts = dynamic_cast<const ForecastPipeline*>(&pipeline);
  if (forecasts == nullptr) return false;
  const model::TrainingPlan& plan = forecasts->forecaster().plan();
  return plan.scope == model::ModelScope::kPerKey && plan.candidates.empty() && !plan.history &&
         !plan.hierarchy;
}

ordered_json DescribeForecast(const ServedPipeline& pipeline, const Forecasted& forecasted) {
  const wire::AnswerSchema& schema = pipeline.answer().schema;
  ordered_json levels = ordered_json::array();
  for (const std::string& name : schema.line_fields) {
    if (name.starts_with(kBand)) levels.push_back(name.substr(kBand.size()));
  }
  ordered_json values = ordered_json::array();
  const preprocessing::Schema schema_of_values = forecasted.series.ValueSchema();
  for (const ColumnSpec& value : schema_of_values.columns) values.push_back(value.name);
  const auto range = forecasted.grid.AllPeriods();
  return {
      {"key", forecasted.forecast.key},
      {"value", forecasted.forecast.value},
      {"values", std::move(values)},
      {"horizon", forecasted.forecast.horizon},
      {"period", ToString(forecasted.period())},
      {"levels", std::move(levels)},
      {"keys", forecasted.grid.key_count()},
      {"member", schema.list},
      {"first",
       range ? ordered_json(PeriodText(range->first, forecasted.period())) : ordered_json()},
      {"last", range ? ordered_json(PeriodText(range->last, forecasted.period())) : ordered_json()},
      {"strategy", ToString(forecasted.forecast.strategy)},
      {"trains_keys", TrainsKeys(pipeline)}};
}

ordered_json DescribeDeployment(const PageDeployment& deployment) {
  const ServedPipeline& pipeline = *deployment.pipeline;
  const PipelineSpec& spec = pipeline.spec();
  const wire::AnswerSchema& schema = pipeline.answer().schema;
  ordered_json json{{"name", deployment.name},
                    {"pipeline", spec.name},
                    {"model", pipeline.model_name()},
                    {"version", pipeline.model_version()},
                    {"timezone", spec.zone.name()},
                    {"explains", pipeline.CheckExplains().ok()},
                    {"fields", DescribeFields(pipeline)},
                    {"answers", schema.fields},
                    {"features", spec.features.size()},
                    {"fields_with_keys", FieldsWithKeys(spec)}};
  ordered_json example = ordered_json::object();
  for (const ExampleField& field : ExampleRow(spec, pipeline.snapshots())) {
    example[field.field] = ToJson(preprocessing::ViewOf(field.value));
  }
  json["example"] = std::move(example);
  ordered_json assumable = ordered_json::array();
  for (const ColumnSpec& plan : pipeline.assumable().columns) {
    assumable.push_back({{"name", plan.name}, {"type", ToString(plan.type)}});
  }
  json["assumable"] = std::move(assumable);
  if (const auto forecasted = ForecastedBy(pipeline)) {
    json["forecast"] = DescribeForecast(pipeline, *forecasted);
  }
  return json;
}

// ----------------------------------------------------------------------- keys

/// A series and the request's fields that are its key.
struct Keyed {
  const Snapshot& snapshot;
  std::vector<std::string> fields;
  std::vector<ColumnType> types;
};

Result<Keyed> KeyedBy(const ServedPipeline& pipeline, const std::string& field) {
  const PipelineSpec& spec = pipeline.spec();
  const auto keyed = [&](const std::string& series, const std::vector<std::string>& key) {
    const SeriesSpec& found = spec.SeriesNamed(series);
    const auto place = static_cast<std::size_t>(&found - spec.series.data());
    return Keyed{.snapshot = pipeline.snapshots()[place], .fields = key, .types = found.KeyTypes()};
  };
  if (field.empty()) {
    if (!spec.forecast) return NoForecast();
    return keyed(spec.forecast->series, spec.forecast->key);
  }
  for (const preprocessing::SeriesRead& read : preprocessing::DistinctReads(spec.features)) {
    if (read.key.size() == 1 && read.key.front() == field) return keyed(read.series, read.key);
  }
  return Error{ErrorCode::kNotFound, "no series has keys of this field alone", "field"};
}

/// By size where both are numbers.
bool IsLess(const Value& left, const Value& right) {
  return left.index() == right.index() ? left < right : left.index() < right.index();
}

std::string Shown(const Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
  std::string json;
  wire::AppendJsonValue(value, json);
  return json;
}

// -------------------------------------------------------------------- history

/// Texts in `values` are views of `key`.
Result<std::vector<Value>> KeyOf(const ordered_json& key, const Forecasted& forecasted,
                                 std::vector<std::string>& texts) {
  const std::vector<ColumnType> types = forecasted.series.KeyTypes();
  const Error bad{ErrorCode::kInvalidArgument,
                  fmt::format("expected a JSON array of {} values: {}", types.size(),
                              fmt::join(forecasted.forecast.key, ", ")),
                  "key"};
  if (!key.is_array() || key.size() != types.size()) return bad;
  texts.resize(types.size());
  std::vector<Value> values;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const ordered_json& one = key[i];
    if (types[i] == ColumnType::kText && one.is_string()) {
      texts[i] = one.get<std::string>();
      values.emplace_back(std::string_view(texts[i]));
    } else if (types[i] == ColumnType::kInt64 && one.is_number_integer()) {
      values.emplace_back(one.get<std::int64_t>());
    } else if (types[i] == ColumnType::kBool && one.is_boolean()) {
      values.emplace_back(one.get<bool>());
    } else if (types[i] == ColumnType::kTimestamp && one.is_string()) {
      const auto at = preprocessing::ParseTimestamp(one.get_ref<const std::string&>(),
                                                    preprocessing::TimeZone());
      if (!at) return bad;
      values.emplace_back(*at);
    } else {
      return bad;
    }
  }
  return values;
}

/// The positions to show of so many values: all, or of each of as many equal parts as `points`
/// allows the least and the greatest, as they come.
std::vector<std::size_t> Decimate(std::span<const double> values, std::size_t points) {
  std::vector<std::size_t> shown;
  if (values.size() <= points) {
    shown.resize(values.size());
    for (std::size_t i = 0; i < shown.size(); ++i) shown[i] = i;
    return shown;
  }
  const std::size_t parts = std::max<std::size_t>(points / 2, 1);
  for (std::size_t part = 0; part < parts; ++part) {
    const std::size_t begin = part * values.size() / parts;
    const std::size_t end = (part + 1) * values.size() / parts;
    std::size_t least = begin;
    std::size_t greatest = begin;
    for (std::size_t i = begin; i < end; ++i) {
      if (std::isnan(values[i])) continue;
      if (!(values[least] <= values[i])) least = i;
      if (!(values[greatest] >= values[i])) greatest = i;
    }
    shown.push_back(std::min(least, greatest));
    if (least != greatest) shown.push_back(std::max(least, greatest));
  }
  return shown;
}

/// All values of a key, and when their periods are.
struct Past {
  PeriodClock clock;
  PeriodIndex first = 0;
  std::span<const double> values;

  [[nodiscard]] std::int64_t TimeAt(std::size_t place) const {
    return clock.At(first + static_cast<PeriodIndex>(place));
  }
  /// The place of the first period that does not begin before `time`, in ms; they are in order.
  [[nodiscard]] std::size_t PlaceOf(double time) const {
    std::size_t low = 0;
    for (std::size_t high = values.size(); low < high;) {
      const std::size_t middle = low + (high - low) / 2;
      if (static_cast<double>(TimeAt(middle)) < time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
};

void AddPoints(const Past& past, const HistoryQuestion& question, ordered_json& json) {
  const double forever = std::numeric_limits<double>::infinity();
  const std::size_t begin = question.from ? past.PlaceOf(*question.from) : 0;
  const std::size_t end =
      question.to ? past.PlaceOf(std::nextafter(*question.to, forever)) : past.values.size();
  const std::size_t count = std::max(begin, end) - begin;
  const std::vector<std::size_t> shown =
      Decimate(past.values.subspan(begin, count),
               std::clamp<std::size_t>(question.points, 2, HistoryQuestion::kMostPoints));
  json["decimated"] = shown.size() < count;
  json["t"] = ordered_json::array();
  json["y"] = ordered_json::array();
  for (const std::size_t place : shown) {
    const double value = past.values[begin + place];
    json["t"].push_back(past.TimeAt(begin + place));
    json["y"].push_back(std::isnan(value) ? ordered_json() : ordered_json(value));
  }
}

}  // namespace

std::string DescribeDeployments(const std::vector<PageDeployment>& deployments,
                                const PageServer& server) {
  ordered_json json{{"version", FORKCAST_VERSION},
                    {"host", server.host},
                    {"worker", server.worker},
                    {"deployments", ordered_json::array()}};
  for (const PageDeployment& one : deployments) {
    json["deployments"].push_back(DescribeDeployment(one));
  }
  return TextOf(json);
}

Result<std::string> ListKeys(const ServedPipeline& pipeline, const KeyQuestion& question) {
  const Result<Keyed> keyed = KeyedBy(pipeline, question.field);
  if (!keyed) return keyed.error();
  const std::size_t count = keyed->snapshot.key_count();
  const std::size_t width = keyed->types.size();
  std::vector<Value> values(width);
  std::vector<std::vector<Value>> found;
  for (std::size_t number = 0; number < count; ++number) {
    DecodeKey(keyed->snapshot.KeyBytesAt(number), keyed->types, values);
    const bool matches = std::ranges::any_of(values, [&question](const Value& value) {
      return Contains(Shown(value), question.search);
    });
    if (matches || question.search.empty()) found.push_back(values);
  }
  std::ranges::sort(found, [](const auto& left, const auto& right) {
    return std::ranges::lexicographical_compare(left, right, IsLess);
  });
  ordered_json json{{"fields", keyed->fields},
                    {"total", count},
                    {"matching", found.size()},
                    {"keys", ordered_json::array()}};
  found.resize(std::min({found.size(), question.limit, KeyQuestion::kMost}));
  for (const std::vector<Value>& key : found) {
    ordered_json one = ordered_json::array();
    for (const Value& value : key) one.push_back(ToJson(value));
    json["keys"].push_back(std::move(one));
  }
  return TextOf(json);
}

Result<std::string> DescribeHistory(const ServedPipeline& pipeline,
                                    const HistoryQuestion& question) {
  const auto forecasted = ForecastedBy(pipeline);
  if (!forecasted) return NoForecast();
  const std::vector<ColumnSpec> columns = forecasted->series.ValueSchema().columns;
  const std::string& name = question.value.empty() ? forecasted->forecast.value : question.value;
  const auto column = std::ranges::find(columns, name, &ColumnSpec::name);
  if (column == columns.end()) {
    return Error{ErrorCode::kNotFound, "the series has no such value", "value"};
  }
  std::vector<std::string> texts;
  const ordered_json asked = ordered_json::parse(question.key, nullptr, /*allow_exceptions=*/false);
  const Result<std::vector<Value>> key = KeyOf(asked, *forecasted, texts);
  if (!key) return key.error();
  const GridReader& grid = forecasted->grid;
  const std::optional<std::size_t> number = grid.FindKey(*key);
  if (!number) {
    return Error{ErrorCode::kNotFound, fmt::format("no data of {}", TextOf(asked)), "key"};
  }
  const Past past{
      .clock = PeriodClock(grid, forecasted->period()),
      .first = grid.FirstPeriod(*number),
      .values = grid.Values(*number, static_cast<std::size_t>(column - columns.begin()))};
  ordered_json json{{"value", name},
                    {"period", ToString(forecasted->period())},
                    {"first", PeriodText(past.first, forecasted->period())},
                    {"last", PeriodText(grid.LastPeriod(*number), forecasted->period())},
                    {"periods", past.values.size()}};
  AddPoints(past, question, json);
  return TextOf(json);
}

}  // namespace forkcast::serving
