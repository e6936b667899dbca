#include "serving/endpoints/online_features_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include "data_preprocessing/table/parse_value.hpp"
#include "serving/http/error_response.hpp"
#include "serving/web/api_operation.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::FeatureSpec;
using preprocessing::IsMissing;
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
    mask |= SeriesMask{1} << preprocessing::PositionOfSeries(series, read.series);
  }
  return mask;
}

}  // namespace

Status OnlineFeaturesJob::ReadAsked(std::string_view body) {
  Status read = asked_.Read(body);
  if (!read) return read;
  asked_deployment_ = asked_.service();
  for (const std::string_view feature : asked_.features()) {
    const std::string_view view = SplitReference(feature).first;
    if (view.empty() || view == asked_deployment_) continue;
    if (!asked_deployment_.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("$.features: {}: one request asks one deployment, and another "
                               "feature is of \"{}\"",
                               feature, asked_deployment_)};
    }
    asked_deployment_ = view;
  }
  return {};
}

Result<Catalogue::Entry*> OnlineFeaturesJob::FindDeployment() {
  asked_deployment_ = {};
  is_read_ = request().content_encoding.empty();
  if (is_read_) {
    Status read = ReadAsked(request().body);
    if (!read) return std::move(read).error();
  }
  Result<Catalogue::Entry*> found = service().catalogue.Find(
      asked_deployment_.empty() ? request().target_model : asked_deployment_);
  if (found) served_ = (*found)->deployment.name;
  return found;
}

Result<ScoringJob::BadRows> OnlineFeaturesJob::Receive() {
  if (!is_read_) {
    // It was packed, and who answers is settled.
    Status read = ReadAsked(body());
    if (!read) return std::move(read).error();
    if (!asked_deployment_.empty() && asked_deployment_ != served_) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("a body that comes packed does not say which deployment is asked: "
                               "name \"{}\" in the header X-Amzn-SageMaker-Target-Model",
                               asked_deployment_)};
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

bool OnlineFeaturesJob::AsksAsBefore() const {
  // By owner, since another pipeline may come to lie where one was.
  const std::shared_ptr<const ServedPipeline>& asked = steps().pipeline;
  return !columns_.pipeline.owner_before(asked) && !asked.owner_before(columns_.pipeline) &&
         columns_.deployment == served_ && columns_.full_names == asked_.full_names() &&
         std::ranges::equal(columns_.asked, asked_.features());
}

Status OnlineFeaturesJob::FindColumns() {
  if (AsksAsBefore()) return {};
  const std::vector<FeatureSpec>& features = pipeline().spec().features;
  Columns found{
      .pipeline = steps().pipeline, .deployment = served_, .full_names = asked_.full_names()};
  const auto add = [&](const FeatureSpec& feature) {
    found.columns.push_back({.feature = static_cast<std::size_t>(&feature - features.data()),
                             .reads = MaskOf(feature.reads, pipeline().spec().series)});
    found.names += ',';
    wire::AppendJsonString(
        found.full_names ? fmt::format("{}__{}", served_, feature.name) : feature.name,
        found.names);
  };
  if (asked_.features().empty()) {
    for (const FeatureSpec& feature : features) add(feature);
  }
  std::map<std::string_view, const FeatureSpec*> by_name;
  for (const FeatureSpec& feature : features) by_name.emplace(feature.name, &feature);
  for (const std::string_view reference : asked_.features()) {
    const std::string_view name = SplitReference(reference).second;
    const auto feature = by_name.find(name);
    if (feature == by_name.end()) {
      return Error{ErrorCode::kNotFound, fmt::format("\"{}\" has no feature \"{}\"", served_, name),
                   "features"};
    }
    add(*feature->second);
    found.asked.emplace_back(reference);
  }
  columns_ = std::move(found);
  return {};
}

void OnlineFeaturesJob::AppendNow() {
  rows_text_ += '"';
  preprocessing::AppendIsoTimestamp(asked_at(), rows_text_);
  rows_text_ += '"';
}

void OnlineFeaturesJob::FormRows() {
  // Of Feast's entities none has a time: they are asked about now.
  const std::string& time = pipeline().spec().request.time;
  const std::span<const std::string_view> names = asked_.entities();
  const auto time_entity = static_cast<std::size_t>(std::ranges::find(names, time) - names.begin());
  rows_text_ = R"({"dataframe_split":{"columns":)";
  char before = '[';
  for (const std::string_view name : names) {
    rows_text_ += std::exchange(before, ',');
    wire::AppendJsonString(name, rows_text_);
  }
  if (time_entity == names.size()) {
    rows_text_ += ',';
    wire::AppendJsonString(time, rows_text_);
  }
  rows_text_ += R"(],"data":[)";
  for (std::size_t row = 0; row < asked_.row_count(); ++row) {
    rows_text_ += row > 0 ? ",[" : "[";
    for (std::size_t entity = 0; entity < names.size(); ++entity) {
      if (entity > 0) rows_text_ += ',';
      if (entity == time_entity && asked_.IsNull(entity, row)) {
        AppendNow();
      } else {
        asked_.AppendValue(entity, row, rows_text_);
      }
    }
    if (time_entity == names.size()) {
      rows_text_ += ',';
      AppendNow();
    }
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
  rows_.assign(asked_.row_count(), {});
  for (std::size_t line = 0; line < scores.rows.size(); ++line) {
    rows_[scores.row_numbers[line]].line = line;
  }
  for (const wire::RowError& bad : scores.errors) {
    rows_[bad.row].status = bad.error.code == ErrorCode::kFeatureStale ? kTooOld : kNotFound;
  }
  const auto is_fresh = [](SeriesMask stale) { return stale == 0; };
  all_present_ = scores.errors.empty() && std::ranges::all_of(scores.stale, is_fresh);
  const preprocessing::Table& rows = steps().decoded.rows;
  const preprocessing::Column& times =
      rows.column(*pipeline().spec().request.fields.Find(pipeline().spec().request.time));
  times_ = ",";
  const auto append_time = [&](std::size_t row) {
    times_ += '"';
    preprocessing::AppendIsoTimestamp(times.IsMissing(row) ? asked_at() : times.Timestamp(row),
                                      times_);
    times_ += '"';
  };
  AppendArray("event_timestamps", rows_.size(), append_time, times_);
  times_ += '}';
  whole_ = "],";
  AppendArray(
      "statuses", rows_.size(), [this](std::size_t) { AppendStatus(kPresent, whole_); }, whole_);
  whole_ += times_;
}

void OnlineFeaturesJob::StartAnswer() {
  std::string& out = response().body;
  response().content_type = wire::MediaType(wire::Format::kJson);
  PlaceRows();
  out += R"({"metadata":{"feature_names":[)";
  for (const std::string_view name : asked_.entities()) {
    if (out.back() != '[') out += ',';
    wire::AppendJsonString(name, out);
  }
  out += columns_.names;
  out += R"(]},"results":[)";
  for (std::size_t entity = 0; entity < asked_.entities().size(); ++entity) AppendEntity(entity);
  next_column_ = 0;
  constexpr std::size_t kBytesAValue = 9;  // a guess, that spares a large answer from being moved
  out.reserve(out.size() + columns_.columns.size() * (whole_.size() + rows_.size() * kBytesAValue));
  SeriesMask stale = 0;
  for (const SeriesMask of_line : steps().scores.stale) stale |= of_line;
  TellStale(stale);
}

void OnlineFeaturesJob::AppendEntity(std::size_t entity) {
  std::string& out = response().body;
  out += entity > 0 ? ",{" : "{";
  const std::size_t rows = rows_.size();
  AppendArray(
      "values", rows, [&](std::size_t row) { asked_.AppendValue(entity, row, out); }, out);
  out += ',';
  AppendArray(
      "statuses", rows,
      [&](std::size_t row) { AppendStatus(asked_.IsNull(entity, row) ? kNull : kPresent, out); },
      out);
  out += ',';
  AppendArray(
      "event_timestamps", rows, [&](std::size_t) { AppendStatus(kNoTime, out); }, out);
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
  out += R"(,{"values":[)";  // at least one entity is before it
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (row > 0) out += ',';
    const std::optional<std::size_t> line = rows_[row].line;
    const Value value = line ? value_of(*line) : Value();
    is_whole = is_whole && !IsMissing(value);
    wire::AppendJsonValue(value, out);
  }
  if (is_whole) {
    out += whole_;
    return;
  }
  const auto append_status = [&](std::size_t row) {
    const std::optional<std::size_t> line = rows_[row].line;
    if (!line) return AppendStatus(rows_[row].status, out);
    if ((scores.stale[*line] & column.reads) != 0) return AppendStatus(kTooOld, out);
    AppendStatus(IsMissing(value_of(*line)) ? kNull : kPresent, out);
  };
  out += "],";
  AppendArray("statuses", rows_.size(), append_status, out);
  out += times_;
}

bool OnlineFeaturesJob::WriteAnswer(std::size_t lines) {
  const std::vector<Column>& all = columns_.columns;
  const std::size_t values = std::max<std::size_t>(lines * all.size(), 1);
  const std::size_t count =
      std::max<std::size_t>(values / std::max<std::size_t>(rows_.size(), 1), 1);
  const std::size_t end = std::min(next_column_ + count, all.size());
  for (; next_column_ < end; ++next_column_) AppendColumn(all[next_column_]);
  if (next_column_ < all.size()) return false;
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
