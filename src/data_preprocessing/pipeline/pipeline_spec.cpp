#include "data_preprocessing/pipeline/pipeline_spec.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <utility>

#include "data_preprocessing/pipeline/json_node.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

const ColumnSpec& RequireColumn(const Schema& schema, const JsonNode& name,
                                const std::string& where) {
  const auto index = schema.Find(name.String());
  if (!index) name.Fail("no column \"" + name.String() + "\" in " + where);
  return schema.columns[*index];
}

void RequirePresent(const ColumnSpec& column, const JsonNode& node) {
  if (column.nullable) node.Fail("column \"" + column.name + "\" may not be nullable here");
}

void RequireTimestamp(const ColumnSpec& column, const JsonNode& node) {
  if (column.type != ColumnType::kTimestamp) {
    node.Fail("column \"" + column.name + "\" is " + std::string(ToString(column.type)) +
              ", expected timestamp");
  }
}

/// Names that become parts of file names, and so may not leave their folder.
void RequirePlainName(const std::string& name, const JsonNode& node) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  if (name.empty() || !std::ranges::all_of(name, plain)) {
    node.Fail("name \"" + name + "\": expected letters, digits, _ and - only");
  }
}

ColumnType ReadType(const JsonNode& node) {
  const auto type = ColumnTypeFromString(node.String());
  if (!type) node.Fail("expected text, int64, double, bool or timestamp");
  return *type;
}

/// `"text"` or `{"type": "text", "nullable": true}`.
ColumnSpec ReadColumn(const std::string& name, const JsonNode& node) {
  if (node.json().is_string()) return {.name = name, .type = ReadType(node)};
  node.RequireObject({"type", "nullable"});
  const auto nullable = node.Find("nullable");
  return {
      .name = name, .type = ReadType(node.Get("type")), .nullable = nullable && nullable->Bool()};
}

Schema ReadSchema(const JsonNode& node) {
  Schema schema;
  node.EachMember([&schema](const std::string& name, const JsonNode& column) {
    if (name.empty()) column.Fail("a column needs a name");
    schema.columns.push_back(ReadColumn(name, column));
  });
  if (schema.columns.empty()) node.Fail("expected at least one column");
  return schema;
}

TableSpec ReadTable(const std::string& name, const JsonNode& node) {
  RequirePlainName(name, node);
  node.RequireObject({"columns", "key"});
  TableSpec table{.name = name, .schema = ReadSchema(node.Get("columns")), .key = {}};
  if (const auto key = node.Find("key")) {
    for (const JsonNode& column : key->Elements()) {
      RequirePresent(RequireColumn(table.schema, column, "table \"" + name + "\""), column);
    }
    table.key = key->Strings();
  }
  return table;
}

std::chrono::microseconds ReadDuration(const JsonNode& node) {
  const auto duration = ParseDuration(node.String());
  if (!duration) node.Fail(duration.error().message);
  return *duration;
}

OwnedValue ReadConstant(const JsonNode& node, ColumnType type, const TimeZone& zone) {
  switch (type) {
    case ColumnType::kText:
      if (!node.json().is_string()) node.Fail("expected a text: the feature is text");
      return node.json().get<std::string>();
    case ColumnType::kInt64:
      return node.Integer(INT64_MIN, INT64_MAX);
    case ColumnType::kDouble:
      return node.Number(-HUGE_VAL, HUGE_VAL);
    case ColumnType::kBool:
      return node.Bool();
    case ColumnType::kTimestamp: {
      const auto instant = ParseTimestamp(node.String(), zone);
      if (!instant) node.Fail(instant.error().message);
      return *instant;
    }
  }
  node.Fail("unknown type");
}

/// A pipeline file's sections in the order of their dependencies. Throws SpecError.
class SpecReader {
 public:
  SpecReader(const nlohmann::ordered_json& document, const std::filesystem::path& folder)
      : root_(document), folder_(folder) {}

  PipelineSpec Read() {
    root_.RequireObject({"name", "version", "description", "timezone", "tables", "series",
                         "request", "features", "serving", "training"});
    spec_.name = root_.Get("name").String();
    RequirePlainName(spec_.name, root_.Get("name"));
    spec_.version = root_.Get("version").String();
    if (const auto description = root_.Find("description")) (void)description->String();
    if (const auto zone = root_.Find("timezone")) ReadZone(*zone);
    root_.Get("tables").EachMember([this](const std::string& name, const JsonNode& node) {
      spec_.tables.push_back(ReadTable(name, node));
    });
    if (const auto training = root_.Find("training")) ReadTraining(*training);
    root_.Get("series").EachMember(
        [this](const std::string& name, const JsonNode& node) { ReadSeries(name, node); });
    if (spec_.series.size() > kMaxSeries) {
      root_.Get("series").Fail("at most " + std::to_string(kMaxSeries) + " series");
    }
    ReadRequest(root_.Get("request"));
    for (const JsonNode& node : root_.Get("features").Elements()) ReadFeature(node);
    if (spec_.features.empty()) root_.Get("features").Fail("expected at least one feature");
    if (const auto serving = root_.Find("serving")) ReadServing(*serving);
    return std::move(spec_);
  }

 private:
  void ReadZone(const JsonNode& node) {
    auto zone = TimeZone::Load(node.String());
    if (!zone) node.Fail(zone.error().message);
    spec_.zone = std::move(*zone);
  }

  const TableSpec& RequireTable(const JsonNode& node) {
    const auto found = std::ranges::find(spec_.tables, node.String(), &TableSpec::name);
    if (found == spec_.tables.end()) node.Fail("no table \"" + node.String() + "\"");
    return *found;
  }

  void ReadTraining(const JsonNode& node) {
    node.RequireObject({"table", "label"});
    const TableSpec& table = RequireTable(node.Get("table"));
    const JsonNode label = node.Get("label");
    RequireColumn(table.schema, label, "table \"" + table.name + "\"");
    spec_.training = TrainingSpec{.table = table.name, .label = label.String()};
  }

  void RefuseLabel(const RowSource& source, const JsonNode& node) const {
    const auto* table = std::get_if<TableSource>(&source);
    if (spec_.training && table != nullptr && table->table == spec_.training->table &&
        node.String() == spec_.training->label) {
      node.Fail("\"" + node.String() + "\" is the label: it can never be a feature");
    }
  }

  void ReadSource(const JsonNode& node, SeriesSpec& series) {
    const auto table = node.Find("table");
    const auto query = node.Find("query");
    if (table.has_value() == query.has_value()) {
      node.Fail("expected either \"table\" or \"query\"");
    }
    if (table) {
      if (node.Find("columns"))
        node.Fail("\"columns\" belongs to a query; a table declares its own");
      series.source = TableSource{table->String()};
      series.source_schema = RequireTable(*table).schema;
    } else {
      series.source = QuerySource{query->String()};
      series.source_schema = ReadSchema(node.Get("columns"));
    }
  }

  /// A column that locates a row: it must exist, be present in every row, and not be the label.
  const ColumnSpec& RequireLocator(const SeriesSpec& series, const JsonNode& node) const {
    const ColumnSpec& column =
        RequireColumn(series.source_schema, node, "the source of series \"" + series.name + "\"");
    RequirePresent(column, node);
    RefuseLabel(series.source, node);
    return column;
  }

  void ReadSeries(const std::string& name, const JsonNode& node) {
    node.RequireObject({"table", "query", "columns", "key", "time", "known_at", "delay", "values",
                        "max_staleness", "when_stale"});
    RequirePlainName(name, node);
    SeriesSpec series;
    series.name = name;
    ReadSource(node, series);
    const JsonNode key = node.Get("key");
    for (const JsonNode& column : key.Elements()) {
      if (RequireLocator(series, column).type == ColumnType::kDouble) {
        column.Fail("a double cannot be a key");
      }
    }
    series.key = key.Strings();
    if (series.key.empty()) key.Fail("expected at least one column");
    const JsonNode values = node.Get("values");
    for (const JsonNode& column : values.Elements()) {
      RequireColumn(series.source_schema, column, "the source of series \"" + name + "\"");
      RefuseLabel(series.source, column);
    }
    series.values = values.Strings();
    if (series.values.empty()) values.Fail("expected at least one column");
    ReadVisibility(node, series);
    spec_.series.push_back(std::move(series));
  }

  void ReadVisibility(const JsonNode& node, SeriesSpec& series) {
    if (const auto time = node.Find("time")) {
      RequireTimestamp(RequireLocator(series, *time), *time);
      series.time = time->String();
    }
    for (const std::string_view key : {"known_at", "delay", "max_staleness", "when_stale"}) {
      const auto member = node.Find(key);
      if (member && series.is_static()) member->Fail("a series without time has none");
    }
    const auto known_at = node.Find("known_at");
    const auto delay = node.Find("delay");
    if (known_at && delay) delay->Fail("a series has either known_at or delay");
    if (known_at) {
      RequireTimestamp(RequireLocator(series, *known_at), *known_at);
      series.known_at = known_at->String();
    }
    if (delay) series.delay = ReadDuration(*delay);
    if (!series.is_static()) ReadStaleness(node, series);
  }

  void ReadStaleness(const JsonNode& node, SeriesSpec& series) {
    // Asked for, not defaulted: how old data may be is for whoever writes the pipeline to say.
    const JsonNode most = node.Get("max_staleness");
    if (most.String() == "unlimited") {
      if (const auto rule = node.Find("when_stale")) rule->Fail("nothing is stale when unlimited");
      return;
    }
    series.max_staleness = ReadDuration(most);
    constexpr std::array<std::pair<std::string_view, WhenStale>, 3> kRules{
        {{"serve", WhenStale::kServe}, {"flag", WhenStale::kFlag}, {"refuse", WhenStale::kRefuse}}};
    const JsonNode rule = node.Get("when_stale");
    const std::string chosen = rule.String();
    const auto found = std::ranges::find(kRules, chosen, &decltype(kRules)::value_type::first);
    if (found == kRules.end()) rule.Fail("expected serve, flag or refuse");
    series.when_stale = found->second;
  }

  void ReadRequest(const JsonNode& node) {
    node.RequireObject({"fields", "time"});
    const JsonNode fields = node.Get("fields");
    spec_.request.fields = ReadSchema(fields);
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

  AsOfOp ReadAsOf(const JsonNode& node, ColumnType& type) {
    const JsonNode name = node.Get("series");
    const auto series = std::ranges::find(spec_.series, name.String(), &SeriesSpec::name);
    if (series == spec_.series.end()) name.Fail("no series \"" + name.String() + "\"");
    const JsonNode value = node.Get("value");
    type =
        RequireColumn(series->ValueSchema(), value, "the values of series \"" + series->name + "\"")
            .type;
    const JsonNode key = node.Get("key");
    const std::vector<JsonNode> fields = key.Elements();
    const std::vector<ColumnType> key_types = series->KeyTypes();
    if (fields.size() != key_types.size()) {
      key.Fail("series \"" + series->name + "\" has " + std::to_string(key_types.size()) +
               " key column(s)");
    }
    AsOfOp op{.series = series->name, .value = value.String(), .key = {}};
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const ColumnSpec& field =
          RequireColumn(spec_.request.fields, fields[i], "the request's fields");
      if (field.type != key_types[i]) {
        fields[i].Fail("field is " + std::string(ToString(field.type)) + ", key column \"" +
                       series->key[i] + "\" is " + std::string(ToString(key_types[i])));
      }
      op.key.push_back(field.name);
    }
    return op;
  }

  void ReadFeature(const JsonNode& node) {
    FeatureSpec feature;
    const std::string op = node.Get("op").String();
    if (op == "as_of") {
      node.RequireObject({"name", "op", "series", "value", "key", "missing"});
      feature.op = ReadAsOf(node, feature.type);
    } else if (op == "reached") {
      node.RequireObject({"name", "op", "series", "value", "key", "missing"});
      ColumnType type{};
      ReachedOp reached{ReadAsOf(node, type)};
      if (type != ColumnType::kTimestamp) node.Get("value").Fail("expected a timestamp column");
      feature.op = std::move(reached);
      feature.type = ColumnType::kBool;
    } else if (op == "calendar") {
      node.RequireObject({"name", "op", "part"});
      const auto part = CalendarPartFromString(node.Get("part").String());
      if (!part) node.Get("part").Fail("expected one of " + CalendarPartNames());
      feature.op = CalendarOp{*part};
    } else {
      node.Get("op").Fail("expected as_of, reached or calendar");
    }
    const JsonNode name = node.Get("name");
    feature.name = name.String();
    if (std::ranges::find(spec_.features, feature.name, &FeatureSpec::name) !=
        spec_.features.end()) {
      name.Fail("given twice");
    }
    if (spec_.training && feature.name == spec_.training->label) {
      name.Fail("the label can never be a feature");
    }
    if (const auto missing = node.Find("missing")) ReadMissing(*missing, feature);
    spec_.features.push_back(std::move(feature));
  }

  void ReadMissing(const JsonNode& node, FeatureSpec& feature) const {
    if (node.json().is_string()) {
      if (node.String() != "error") node.Fail("expected \"error\" or {\"value\": ...}");
      return;
    }
    feature.when_missing =
        ReadConstant(node.RequireObject({"value"}).Get("value"), feature.type, spec_.zone);
  }

  void ReadServing(const JsonNode& node) {
    node.RequireObject({"model", "answer"});
    ServingSpec serving;
    serving.model = (folder_ / node.Get("model").String()).lexically_normal();
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

  JsonNode root_;
  const std::filesystem::path& folder_;
  PipelineSpec spec_;
};

}  // namespace

std::vector<ForbiddenColumn> PipelineSpec::ForbiddenColumns() const {
  if (!training) return {};
  return {{.table = training->table, .column = training->label}};
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
    const nlohmann::ordered_json document = ParseJson(json);
    return SpecReader(document, folder).Read();
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
