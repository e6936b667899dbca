#include "serving/endpoints/online_features_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "serving/http/error_response.hpp"
#include "serving/web/api_operation.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::FeatureSpec;
using preprocessing::IsMissing;
using preprocessing::JsonNode;
using preprocessing::SeriesMask;
using preprocessing::SeriesRead;
using preprocessing::SeriesSpec;
using preprocessing::Value;

constexpr std::string_view kPresent = "PRESENT";
constexpr std::string_view kNull = "NULL_VALUE";
constexpr std::string_view kNotFound = "NOT_FOUND";
constexpr std::string_view kTooOld = "OUTSIDE_MAX_AGE";
/// What Feast says of a value that has no time.
constexpr std::string_view kNoTime = "1970-01-01T00:00:00Z";

/// VIEW of "VIEW:NAME", or empty; and NAME.
std::pair<std::string_view, std::string_view> SplitReference(std::string_view reference) {
  const std::size_t colon = reference.find(':');
  if (colon == std::string_view::npos) return {{}, reference};
  return {reference.substr(0, colon), reference.substr(colon + 1)};
}

/// `"name":[a,b]`, of as many values as there are rows.
template <typename Append>
void AppendArray(std::string_view name, std::size_t count, const Append& append, std::string& out) {
  wire::AppendJsonString(name, out);
  out += ":[";
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    append(i);
  }
  out += ']';
}

void AppendStatus(std::string_view status, std::string& out) {
  out += '"';
  out += status;
  out += '"';
}

SeriesMask MaskOf(const std::vector<SeriesRead>& reads, const std::vector<SeriesSpec>& series) {
  SeriesMask mask = 0;
  for (const SeriesRead& read : reads) {
    const auto found = std::ranges::find(series, read.series, &SeriesSpec::name);
    mask |= SeriesMask{1} << static_cast<std::size_t>(found - series.begin());
  }
  return mask;
}

}  // namespace

Result<OnlineFeaturesJob::Asked> OnlineFeaturesJob::ReadAsked(std::string_view body) {
  try {
    const ordered_json json = preprocessing::ParseJson(body);
    const JsonNode root(json);
    Asked asked;
    if (const auto service = root.Find("feature_service")) asked.deployment = service->String();
    if (const auto features = root.Find("features")) {
      if (!asked.deployment.empty())
        features->Fail("beside \"feature_service\": expected one of both");
      for (const JsonNode& one : features->Elements()) {
        asked.features.push_back(one.String());
        const std::string_view view = SplitReference(asked.features.back()).first;
        if (view.empty() || view == asked.deployment) continue;
        if (!asked.deployment.empty()) {
          one.Fail(fmt::format("one request asks one deployment, and another feature is of \"{}\"",
                               asked.deployment));
        }
        asked.deployment = view;
      }
    }
    if (const auto full = root.Find("full_feature_names")) asked.full_names = full->Bool();
    const JsonNode entities = root.Get("entities");
    asked.entities = entities.json();
    std::optional<std::size_t> rows;
    entities.EachMember([&rows](const std::string&, const JsonNode& values) {
      const std::size_t count = values.Elements().size();
      if (rows.value_or(count) != count) {
        values.Fail(fmt::format("{} values, but another field has {}", count, *rows));
      }
      rows = count;
    });
    if (!rows) entities.Fail("expected a field with the values of all rows");
    asked.rows = *rows;
    return asked;
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  }
}

Result<Catalogue::Entry*> OnlineFeaturesJob::FindDeployment() {
  asked_ = {};
  is_read_ = request().content_encoding.empty();
  if (is_read_) {
    Result<Asked> asked = ReadAsked(request().body);
    if (!asked) return std::move(asked).error();
    asked_ = *std::move(asked);
  }
  Result<Catalogue::Entry*> found = service().catalogue.Find(
      asked_.deployment.empty() ? request().target_model : std::string_view(asked_.deployment));
  if (found) served_ = (*found)->deployment.name;
  return found;
}

Result<ScoringJob::BadRows> OnlineFeaturesJob::Receive() {
  if (!is_read_) {
    // It was packed, and who answers is settled.
    Result<Asked> asked = ReadAsked(body());
    if (!asked) return std::move(asked).error();
    asked_ = *std::move(asked);
    if (!asked_.deployment.empty() && asked_.deployment != served_) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("a body that comes packed does not say which deployment is asked: "
                               "name \"{}\" in the header X-Amzn-SageMaker-Target-Model",
                               asked_.deployment)};
    }
  }
  if (pipeline().spec().forecast) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("pipeline \"{}\" forecasts: its features are those of a step, which "
                             "/invocations?features=true shows",
                             pipeline().spec().name)};
  }
  Status found = FindColumns();
  if (found && !request().query.empty()) found = ReadAsOf();
  if (!found) return std::move(found).error();
  const Result<bool> fresh = exchange().QueryFlag("freshness");
  if (!fresh) return fresh.error();
  if (*fresh) TellFreshness();
  AskFeaturesAlone();
  FormRows();
  const std::string_view rows(rows_text_.data(), rows_text_.size() - wire::kBodyPadding);
  steps().decoder.Start(wire::Format::kJson, rows, steps().decoded);
  return BadRows::kToldInPlace;
}

Status OnlineFeaturesJob::FindColumns() {
  const std::vector<FeatureSpec>& features = pipeline().spec().features;
  columns_.clear();
  const auto add = [&](const FeatureSpec& feature, std::string_view view) {
    columns_.push_back(
        {.name = asked_.full_names ? fmt::format("{}__{}", view, feature.name) : feature.name,
         .feature = static_cast<std::size_t>(&feature - features.data()),
         .reads = MaskOf(feature.reads, pipeline().spec().series)});
  };
  if (asked_.features.empty()) {
    for (const FeatureSpec& feature : features) add(feature, served_);
  }
  for (const std::string& reference : asked_.features) {
    const auto [view, name] = SplitReference(reference);
    const auto found = std::ranges::find(features, name, &FeatureSpec::name);
    if (found == features.end()) {
      return Error{ErrorCode::kNotFound, fmt::format("\"{}\" has no feature \"{}\"", served_, name),
                   "features"};
    }
    add(*found, served_);
  }
  return {};
}

void OnlineFeaturesJob::FormRows() {
  // Of Feast's entities none has a time: they are asked about now.
  const std::string& time = pipeline().spec().request.time;
  const std::string now = ordered_json(preprocessing::IsoTimestamp(asked_at())).dump();
  const bool has_time = asked_.entities.contains(time);
  ordered_json names = ordered_json::array();
  for (const auto& [name, values] : asked_.entities.items()) names.push_back(name);
  if (!has_time) names.push_back(time);
  rows_text_ = fmt::format(R"({{"dataframe_split":{{"columns":{},"data":[)", names.dump());
  for (std::size_t row = 0; row < asked_.rows; ++row) {
    if (row > 0) rows_text_ += ',';
    char before = '[';
    for (const auto& [name, values] : asked_.entities.items()) {
      rows_text_ += std::exchange(before, ',');
      const bool is_now = name == time && values[row].is_null();
      rows_text_ += is_now ? now : values[row].dump();
    }
    if (!has_time) rows_text_.append(1, before).append(now);
    rows_text_ += ']';
  }
  rows_text_ += "]}}";
  rows_text_.resize(rows_text_.size() + wire::kBodyPadding);
}

Result<bool> OnlineFeaturesJob::Decode(std::size_t rows) {
  Result<bool> read = steps().decoder.Continue(rows);
  if (!read || !*read || steps().decoded.errors.empty()) return read;
  const wire::RowError& bad = steps().decoded.errors.front();
  return Error{bad.error.code, fmt::format("row {}: {}", bad.row, bad.error.message),
               bad.error.field};
}

void OnlineFeaturesJob::PlaceRows() {
  const Scores& scores = steps().scores;
  rows_.assign(asked_.rows, {});
  for (std::size_t line = 0; line < scores.rows.size(); ++line) {
    rows_[scores.row_numbers[line]].line = line;
  }
  for (const wire::RowError& bad : scores.errors) {
    rows_[bad.row].status = bad.error.code == ErrorCode::kFeatureStale ? kTooOld : kNotFound;
  }
  const auto is_fresh = [](SeriesMask stale) { return stale == 0; };
  all_present_ = scores.errors.empty() && std::ranges::all_of(scores.stale, is_fresh);
  present_.clear();
  AppendArray(
      "statuses", asked_.rows, [this](std::size_t) { AppendStatus(kPresent, present_); }, present_);
  const preprocessing::Table& rows = steps().decoded.rows;
  const preprocessing::Column& times =
      rows.column(*pipeline().spec().request.fields.Find(pipeline().spec().request.time));
  times_.clear();
  const auto append_time = [&](std::size_t row) {
    times_ += '"';
    preprocessing::AppendIsoTimestamp(times.IsMissing(row) ? asked_at() : times.Timestamp(row),
                                      times_);
    times_ += '"';
  };
  AppendArray("event_timestamps", asked_.rows, append_time, times_);
}

void OnlineFeaturesJob::StartAnswer() {
  std::string& out = response().body;
  response().content_type = wire::MediaType(wire::Format::kJson);
  PlaceRows();
  out += R"({"metadata":{"feature_names":[)";
  bool is_first = true;
  const auto append_name = [&](std::string_view name) {
    if (!std::exchange(is_first, false)) out += ',';
    wire::AppendJsonString(name, out);
  };
  for (const auto& [name, values] : asked_.entities.items()) append_name(name);
  for (const Column& column : columns_) append_name(column.name);
  out += R"(]},"results":[)";
  for (const ordered_json& values : asked_.entities) {
    if (out.back() != '[') out += ',';
    AppendEntity(values);
  }
  next_column_ = 0;
  SeriesMask stale = 0;
  for (const SeriesMask of_line : steps().scores.stale) stale |= of_line;
  TellStale(stale);
}

void OnlineFeaturesJob::AppendEntity(const ordered_json& values) {
  std::string& out = response().body;
  out += '{';
  AppendArray(
      "values", asked_.rows, [&](std::size_t row) { out += values[row].dump(); }, out);
  out += ',';
  AppendArray(
      "statuses", asked_.rows,
      [&](std::size_t row) { AppendStatus(values[row].is_null() ? kNull : kPresent, out); }, out);
  out += ',';
  AppendArray(
      "event_timestamps", asked_.rows, [&](std::size_t) { AppendStatus(kNoTime, out); }, out);
  out += '}';
}

void OnlineFeaturesJob::AppendColumn(const Column& column) {
  std::string& out = response().body;
  const Scores& scores = steps().scores;
  const std::size_t width = pipeline().spec().features.size();
  bool is_whole = all_present_;
  const auto value_of = [&](std::size_t line) -> const Value& {
    return scores.features[line * width + column.feature];
  };
  if (out.back() != '[') out += ',';
  out += '{';
  const auto append_value = [&](std::size_t row) {
    const std::optional<std::size_t> line = rows_[row].line;
    const Value value = line ? value_of(*line) : Value();
    is_whole = is_whole && !IsMissing(value);
    wire::AppendJsonValue(value, out);
  };
  AppendArray("values", asked_.rows, append_value, out);
  out += ',';
  const auto append_status = [&](std::size_t row) {
    const std::optional<std::size_t> line = rows_[row].line;
    if (!line) return AppendStatus(rows_[row].status, out);
    if ((scores.stale[*line] & column.reads) != 0) return AppendStatus(kTooOld, out);
    AppendStatus(IsMissing(value_of(*line)) ? kNull : kPresent, out);
  };
  if (is_whole) {
    out += present_;
  } else {
    AppendArray("statuses", asked_.rows, append_status, out);
  }
  out += ',';
  out += times_;
  out += '}';
}

bool OnlineFeaturesJob::WriteAnswer(std::size_t lines) {
  const std::size_t values =
      std::max<std::size_t>(lines, 1) * std::max<std::size_t>(columns_.size(), 1);
  const std::size_t count =
      std::max<std::size_t>(values / std::max<std::size_t>(asked_.rows, 1), 1);
  const std::size_t end = std::min(next_column_ + count, columns_.size());
  for (; next_column_ < end; ++next_column_) AppendColumn(columns_[next_column_]);
  if (next_column_ < columns_.size()) return false;
  response().body += "]}";
  return true;
}

void OnlineFeaturesJob::Refuse(const Error& error) { exchange().Refuse(error); }

void OnlineFeaturesJob::RefuseRows(const std::vector<wire::RowError>& errors) {
  WriteRowErrors(errors, exchange().id(), response());
}

void DescribeOnlineFeatures(ApiOperation& operation) {
  const JsonSchema text{{"type", "string"}};
  const JsonSchema names = ArrayOf(text);
  JsonSchema values{{"type", "object"}};
  values["additionalProperties"] = ArrayOf(JsonSchema::object());
  operation.Add({.in = ApiOperation::In::kQuery,
                 .name = "as_of",
                 .description = "The features that would have been answered at this time.",
                 .schema = {{"type", "string"}, {"format", "date-time"}}});
  operation.AddBody(wire::MediaType(wire::Format::kJson),
                    {{"type", "object"},
                     {"required", JsonSchema::array({"entities"})},
                     {"properties",
                      {{"features", names},
                       {"feature_service", text},
                       {"entities", values},
                       {"full_feature_names", {{"type", "boolean"}}}}}});
  const JsonSchema result{{"type", "object"},
                          {"properties",
                           {{"values", ArrayOf(JsonSchema::object())},
                            {"statuses", names},
                            {"event_timestamps", names}}}};
  operation.AddAnswer(
      "200", "A result for each entity, then for each feature.",
      wire::MediaType(wire::Format::kJson),
      {{"type", "object"},
       {"required", {"metadata", "results"}},
       {"properties",
        {{"metadata", {{"type", "object"}, {"properties", {{"feature_names", names}}}}},
         {"results", ArrayOf(result)}}}});
}

}  // namespace forkcast::serving
