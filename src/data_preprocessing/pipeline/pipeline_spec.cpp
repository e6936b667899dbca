#include "data_preprocessing/pipeline/pipeline_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <functional>
#include <span>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/features/named_parts.hpp"
#include "data_preprocessing/pipeline/long_form.hpp"
#include "data_preprocessing/pipeline/spec_parts.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/read_dialect.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::size_t kMaxMetrics = 16;

/// A store's names do not tell upper from lower case.
template <typename Range, typename Projection>
void RequireOtherName(const Range& before, Projection name_of, const std::string& name,
                      std::string_view what, const JsonNode& node) {
  for (const auto& one : before) {
    const std::string& other = std::invoke(name_of, one);
    if (!EqualsIgnoringCase(other, name)) continue;
    node.Fail(
        fmt::format("{} \"{}\" has the same name but for upper and lower case, which a store "
                    "does not tell apart",
                    what, other));
  }
}

void ReadGrowingColumn(const JsonNode& node, TableSpec& table) {
  const ColumnSpec& column =
      RequireColumn(table.schema, node, fmt::format("table \"{}\"", table.name));
  RequirePresent(column, node);
  if (column.type != ColumnType::kInt64 && column.type != ColumnType::kTimestamp) {
    node.Fail(fmt::format("column \"{}\" is {}, expected int64 or timestamp", column.name,
                          ToString(column.type)));
  }
  table.grows_by = column.name;
}

TableSpec ReadTable(const std::string& name, const JsonNode& node) {
  RequirePlainName(name, node);
  node.RequireObject({"columns", "key", "csv", "grows_by"});
  TableSpec table{.name = name, .schema = ReadWrittenSchema(node.Get("columns")), .key = {}};
  if (const auto dialect = node.Find("csv")) table.csv = ReadDialect(*dialect);
  const std::span<const ColumnSpec> columns = table.schema.columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    RequireOtherName(columns.first(i), &ColumnSpec::name, columns[i].name, "column",
                     node.Get("columns").Get(columns[i].name));
  }
  if (const auto key = node.Find("key")) {
    for (const JsonNode& column : key->Elements()) {
      RequirePresent(RequireColumn(table.schema, column, "table \"" + name + "\""), column);
    }
    table.key = key->Strings();
  }
  if (const auto grows_by = node.Find("grows_by")) {
    ReadGrowingColumn(*grows_by, table);
  }
  return table;
}

/// A pipeline file's sections in the order of their dependencies. Throws SpecError.
class SpecReader {
 public:
  SpecReader(const LongForm& form, const std::filesystem::path& folder)
      : form_(form), root_(form.document), folder_(folder) {}

  PipelineSpec Read() {
    root_.RequireObject({"name", "version", "description", "timezone", "tables", "series",
                         "request", "forecast", "features", "serving", "metrics", "training",
                         "$schema"});
    if (const auto schema = root_.Find("$schema")) static_cast<void>(schema->String());
    spec_.name = root_.Get("name").String();
    RequirePlainName(spec_.name, root_.Get("name"));
    spec_.version = root_.Get("version").String();
    if (const auto description = root_.Find("description")) (void)ReadLines(*description);
    if (const auto zone = root_.Find("timezone")) ReadZone(*zone);
    root_.Get("tables").EachMember([this](const std::string& name, const JsonNode& node) {
      RequireOtherName(spec_.tables, &TableSpec::name, name, "table", node);
      spec_.tables.push_back(ReadTable(name, node));
    });
    if (const auto training = root_.Find("training")) ReadTraining(*training);
    root_.Get("series").EachMember([this](const std::string& name, const JsonNode& node) {
      spec_.series.push_back(ReadSeries(name, node, spec_));
    });
    if (spec_.series.size() > kMaxSeries) {
      root_.Get("series").Fail("at most " + std::to_string(kMaxSeries) + " series");
    }
    ReadRequest(root_.Get("request"));
    if (const auto forecast = root_.Find("forecast")) ReadForecastSection(*forecast);
    const std::vector<JsonNode> features = root_.Get("features").Elements();
    for (std::size_t i = 0; i < features.size(); ++i) {
      const JsonNode node(features[i].json(), form_.feature_places[i]);
      spec_.features.push_back(ReadFeature(node, spec_));
    }
    NoteSkips();
    if (spec_.features.empty()) root_.Get("features").Fail("expected at least one feature");
    if (const auto serving = root_.Find("serving")) ReadServing(*serving);
    if (const auto metrics = root_.Find("metrics")) ReadMetrics(*metrics);
    return std::move(spec_);
  }

 private:
  /// Tells each series of which of its values the newest that is there is asked for.
  void NoteSkips() {
    for (SeriesSpec& series : spec_.series) {
      for (const ColumnSpec& value : series.ValueSchema().columns) {
        const auto skips = [&](const SeriesRead& read) {
          return read.series == series.name && read.skip_missing == value.name;
        };
        const bool asked = std::ranges::any_of(spec_.features, [&](const FeatureSpec& feature) {
          return std::ranges::any_of(feature.reads, skips);
        });
        if (asked) series.skip_missing.push_back(value.name);
      }
    }
  }

  void ReadZone(const JsonNode& node) {
    auto zone = TimeZone::Load(node.String());
    if (!zone) node.Fail(zone.error().message);
    spec_.zone = std::move(*zone);
  }

  /// How a model is trained is the trainer's to read; here, which column no feature may touch.
  void ReadTraining(const JsonNode& node) {
    if (root_.Find("forecast")) {
      for (const char* member : {"table", "label"}) {
        if (const auto given = node.Find(member)) given->Fail("a forecast has no label");
      }
      node.RequireObject({"model",       "scope",      "target",    "output",
                          "transforms",  "hidden",     "weight",    "window",
                          "half_life",   "folds",      "metric",    "baselines",
                          "mase_season", "min_judged", "intervals", "calibration_folds",
                          "search",      "candidates", "choose",    "choose_folds",
                          "ended_after", "hierarchy",  "cold_start"});
      return;
    }
    node.RequireObject({"table", "label", "model", "transforms", "hidden", "test_share", "n_splits",
                        "label_delay", "weight", "metric", "slices", "min_judged", "search"});
    const TableSpec& table = RequireTable(spec_, node.Get("table"));
    const JsonNode label = node.Get("label");
    RequireColumn(table.schema, label, "table \"" + table.name + "\"");
    if (label.String() == table.grows_by) label.Fail("is what its table grows by");
    spec_.training = TrainingSpec{.table = table.name, .label = label.String()};
  }

  void ReadRequest(const JsonNode& node) {
    node.RequireObject({"fields", "time", "csv_header", "csv"});
    if (const auto dialect = node.Find("csv")) spec_.request.csv = ReadDialect(*dialect);
    if (const auto header = node.Find("csv_header")) {
      const std::string word = header->String();
      if (word != "present" && word != "absent") header->Fail("expected present or absent");
      spec_.request.csv_has_header = word == "present";
    }
    const JsonNode fields = node.Get("fields");
    spec_.request.fields = ReadWrittenSchema(fields);
    if (spec_.training && spec_.request.fields.Find(spec_.training->label)) {
      fields.Get(spec_.training->label).Fail("the label cannot be a field of a request");
    }
    const JsonNode time = node.Get("time");
    JsonNode field = time;
    if (time.json().is_object()) {
      time.RequireObject({"field", "default"});
      field = time.Get("field");
      if (const auto fallback = time.Find("default")) {
        if (fallback->String() != "now") fallback->Fail("expected \"now\"");
        spec_.request.time_defaults_to_now = true;
      }
    }
    const ColumnSpec& column = RequireColumn(spec_.request.fields, field, "the request's fields");
    RequireTimestamp(column, field);
    spec_.request.time = column.name;
    if (column.nullable != spec_.request.time_defaults_to_now) {
      field.Fail(column.nullable ? "nullable, so it needs \"default\": \"now\""
                                 : "defaults to now, so it must be declared nullable");
    }
  }

  void ReadForecastSection(const JsonNode& node) {
    if (spec_.training) node.Fail("beside \"training\": a forecast's label is its own value");
    spec_.forecast = ReadForecast(node, spec_);
  }

  void ReadServing(const JsonNode& node) {
    node.RequireObject({"model", "answer"});
    ServingSpec serving;
    // Models that are trained or imported are published, and need no file.
    if (const auto model = node.Find("model")) {
      serving.model = (folder_ / model->String()).lexically_normal();
    }
    for (const JsonNode& member : node.Get("answer").Elements()) {
      member.RequireObject({"name", "field", "output"});
      const auto field = member.Find("field");
      const auto output = member.Find("output");
      if (field.has_value() == output.has_value()) {
        member.Fail("expected either \"field\" or \"output\"");
      }
      AnswerSource source{
          .name = member.Get("name").String(),
          .kind = field ? AnswerSource::Kind::kRequestField : AnswerSource::Kind::kModelOutput,
          .source = field ? field->String() : output->String()};
      if (field) RequireColumn(spec_.request.fields, *field, "the request's fields");
      if (std::ranges::find(serving.answer, source.name, &AnswerSource::name) !=
          serving.answer.end()) {
        member.Get("name").Fail("given twice");
      }
      serving.answer.push_back(std::move(source));
    }
    if (serving.answer.empty()) node.Get("answer").Fail("expected at least one member");
    spec_.serving = std::move(serving);
  }

  void ReadMetrics(const JsonNode& node) {
    for (const JsonNode& metric : node.Elements()) {
      metric.RequireObject({"name", "count_by", "sum"});
      const auto count_by = metric.Find("count_by");
      const auto sum = metric.Find("sum");
      if (count_by.has_value() == sum.has_value()) {
        metric.Fail("expected either \"count_by\" or \"sum\"");
      }
      OutputMetric read{.name = metric.Get("name").String(),
                        .kind = sum ? OutputMetric::Kind::kSum : OutputMetric::Kind::kCountBy,
                        .output = sum ? sum->String() : count_by->String()};
      RequirePlainName(read.name, metric.Get("name"));
      RequireOtherName(spec_.metrics, &OutputMetric::name, read.name, "metric", metric.Get("name"));
      spec_.metrics.push_back(std::move(read));
    }
    if (spec_.metrics.size() > kMaxMetrics) {
      node.Fail(fmt::format("at most {} metrics", kMaxMetrics));
    }
  }

  const LongForm& form_;
  JsonNode root_;
  const std::filesystem::path& folder_;
  PipelineSpec spec_;
};

}  // namespace

std::vector<ForbiddenColumn> PipelineSpec::ForbiddenColumns() const {
  if (!training) return {};
  return {{.table = training->table, .column = training->label}};
}

const SeriesSpec& PipelineSpec::SeriesNamed(std::string_view wanted) const {
  return series[PositionOfSeries(series, wanted)];
}

Result<std::chrono::microseconds> ParseDuration(std::string_view text) {
  using std::chrono::microseconds;
  constexpr std::array<std::pair<char, std::chrono::seconds>, 5> kUnits{
      {{'s', std::chrono::seconds(1)},
       {'m', std::chrono::minutes(1)},
       {'h', std::chrono::hours(1)},
       {'d', std::chrono::days(1)},
       {'w', std::chrono::weeks(1)}}};
  constexpr std::int64_t kMost = 10LL * 365 * 24 * 3600;  // seconds: ten years
  const char last = text.empty() ? '\0' : text.back();
  const auto unit = std::ranges::find(kUnits, last, &decltype(kUnits)::value_type::first);
  if (unit != kUnits.end()) {
    const auto number = ParseInt64(text.substr(0, text.size() - 1));
    if (number && *number >= 0 && *number <= kMost / (unit->second.count())) {
      return microseconds(*number * unit->second);
    }
  }
  return Error{
      ErrorCode::kInvalidArgument,
      "expected a span of time such as \"90s\", \"15m\", \"12h\", \"7d\" or \"2w\", got \"" +
          std::string(text) + "\""};
}

Result<PipelineSpec> ParsePipelineSpec(std::string_view json, const std::filesystem::path& folder) {
  try {
    const LongForm form = WriteOut(ParseJson(json));
    return SpecReader(form, folder).Read();
  } catch (const SpecError& error) {
    return Error{ErrorCode::kInvalidArgument, error.what()};
  }
}

Result<PipelineSpec> LoadPipelineSpec(const std::filesystem::path& file) {
  try {
    auto spec = ParsePipelineSpec(ReadTextFile(file), file.parent_path());
    if (spec) return spec;
    return Error{ErrorCode::kInvalidArgument, file.string() + ": " + spec.error().message};
  } catch (const SpecError& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
}

}  // namespace forkcast::preprocessing
