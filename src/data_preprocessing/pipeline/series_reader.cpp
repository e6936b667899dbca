#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "data_preprocessing/document/choice.hpp"
#include "data_preprocessing/features/named_parts.hpp"
#include "data_preprocessing/pipeline/spec_parts.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr Choices<PartialPeriods, 2> kPartialPeriods{
    {{"drop", PartialPeriods::kDrop}, {"keep", PartialPeriods::kKeep}}};
constexpr Choices<GridBound, 2> kGridBounds{{{"key", GridBound::kKey}, {"all", GridBound::kAll}}};
constexpr std::array<std::pair<std::string_view, GridEnd>, 3> kGridEnds{
    {{"today", GridEnd::kToday},
     {"last_full", GridEnd::kLastFull},
     {"last_row", GridEnd::kLastRow}}};
constexpr Choices<WhenStale, 3> kStalenessRules{
    {{"serve", WhenStale::kServe}, {"flag", WhenStale::kFlag}, {"refuse", WhenStale::kRefuse}}};

class SeriesReader {
 public:
  explicit SeriesReader(const PipelineSpec& pipeline) : pipeline_(pipeline) {}

  SeriesSpec Read(const std::string& name, const JsonNode& node) const {
    node.RequireObject({"table", "query", "columns", "key", "time", "known_at", "delay", "values",
                        "aggregate", "known_in_advance", "max_staleness", "max_age", "when_stale"});
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
    const auto aggregate = node.Find("aggregate");
    const auto values = node.Find("values");
    if (aggregate && values) values->Fail("beside \"aggregate\", which has its own");
    if (aggregate) {
      ReadAggregate(*aggregate, series);
    } else {
      ReadValues(node, series);
    }
    ReadVisibility(node, series);
    return series;
  }

 private:
  void RefuseLabel(const StoredRows& source, const JsonNode& node) const {
    const auto* table = std::get_if<TableSource>(&source);
    if (pipeline_.training && table != nullptr && table->table == pipeline_.training->table &&
        node.String() == pipeline_.training->label) {
      node.Fail("\"" + node.String() + "\" is the label: it can never be a feature");
    }
  }

  void ReadSource(const JsonNode& node, SeriesSpec& series) const {
    const auto table = node.Find("table");
    const auto query = node.Find("query");
    if (table.has_value() == query.has_value()) {
      node.Fail("expected either \"table\" or \"query\"");
    }
    if (table) {
      if (node.Find("columns"))
        node.Fail("\"columns\" belongs to a query; a table declares its own");
      const TableSpec& spec = RequireTable(pipeline_, *table);
      series.source = spec.Source();
      series.source_schema = spec.schema;
    } else {
      series.source = QuerySource{ReadLines(*query)};
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

  void ReadValues(const JsonNode& node, SeriesSpec& series) const {
    const JsonNode values = node.Get("values");
    for (const JsonNode& column : values.Elements()) {
      RequireColumn(series.source_schema, column, "the source of series \"" + series.name + "\"");
      RefuseLabel(series.source, column);
    }
    series.values = values.Strings();
    if (series.values.empty()) values.Fail("expected at least one column");
  }

  void ReadAggregate(const JsonNode& node, SeriesSpec& series) const {
    node.RequireObject({"period", "week_starts", "values", "partial", "from", "to", "until"});
    AggregateSpec aggregate;
    aggregate.period = ReadPeriod(node);
    const JsonNode values = node.Get("values");
    values.EachMember([&](const std::string& name, const JsonNode& value) {
      if (name.empty()) value.Fail("a value needs a name");
      aggregate.values.push_back(ReadAggregateValue(name, value, series));
    });
    if (aggregate.values.empty()) values.Fail("expected at least one value");
    values.EachMember([&](const std::string& name, const JsonNode& value) {
      if (value.Find("censored")) ReadCensored(values, name, aggregate);
    });
    if (const auto partial = node.Find("partial")) {
      aggregate.partial = ReadChoice(*partial, kPartialPeriods);
    }
    if (const auto from = node.Find("from")) aggregate.from = ReadChoice(*from, kGridBounds);
    if (const auto to = node.Find("to")) aggregate.to = ReadChoice(*to, kGridBounds);
    if (const auto until = node.Find("until")) ReadUntil(*until, aggregate);
    series.aggregate = std::move(aggregate);
  }

  static Period ReadPeriod(const JsonNode& node) {
    const JsonNode name = node.Get("period");
    const auto period = PeriodFromString(name.String());
    if (!period) {
      name.Fail("expected hour, half_hour, quarter_hour, day, week, month or quarter");
    }
    const auto starts = node.Find("week_starts");
    if (!starts) return *period;
    if (*period != Period::kWeek) starts->Fail("only a week begins on a day of the week");
    const auto week = WeekStarting(starts->String());
    if (!week) starts->Fail("expected monday, tuesday, ... or sunday");
    return *week;
  }

  void ReadUntil(const JsonNode& node, AggregateSpec& aggregate) const {
    const std::string text = node.String();
    if (const auto word =
            std::ranges::find(kGridEnds, text, &decltype(kGridEnds)::value_type::first);
        word != kGridEnds.end()) {
      aggregate.until = word->second;
      return;
    }
    constexpr std::size_t kDateSize = std::string_view("2024-12-31").size();
    const Result<Instant> day = ParseTimestamp(text, TimeZone());
    if (!day || text.size() != kDateSize) {
      node.Fail("expected a date such as \"2024-12-31\", \"today\", \"last_full\" or \"last_row\"");
    }
    aggregate.until = GridEnd::kDay;
    aggregate.until_day = std::chrono::floor<std::chrono::days>(*day);
  }

  AggregateValue ReadAggregateValue(const std::string& name, const JsonNode& node,
                                    const SeriesSpec& series) const {
    node.RequireObject({"op", "column", "empty", "censored"});
    const JsonNode op = node.Get("op");
    const auto known_op = AggregateOpFromString(op.String());
    if (!known_op) op.Fail("expected one of " + AggregateOpNames());
    AggregateValue value{.name = name, .op = *known_op, .column = {}, .empty = EmptyIsMissing()};
    if (*known_op == AggregateOp::kCount) {
      if (const auto column = node.Find("column")) column->Fail("count reads no column");
    } else {
      const JsonNode column = node.Get("column");
      const ColumnType type = RequireColumn(series.source_schema, column,
                                            "the source of series \"" + series.name + "\"")
                                  .type;
      if (type == ColumnType::kText || type == ColumnType::kTimestamp) {
        column.Fail("column \"" + column.String() + "\" is " + std::string(ToString(type)) +
                    ", expected int64, double or bool");
      }
      RefuseLabel(series.source, column);
      value.column = column.String();
    }
    const JsonNode empty = node.Get("empty");
    if (empty.json().is_number()) {
      value.empty =
          empty.Number(std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max());
    } else if (empty.json() == "previous") {
      value.empty = EmptyIsPrevious();
    } else if (empty.json() != "missing") {
      empty.Fail("expected a number, \"missing\" or \"previous\"");
    }
    return value;
  }

  /// What hides the value `name`: one of the others.
  static void ReadCensored(const JsonNode& values, const std::string& name,
                           AggregateSpec& aggregate) {
    const JsonNode node = values.Get(name).Get("censored");
    const std::string by = node.String();
    const auto other = values.Find(by);
    if (!other || by == name) {
      node.Fail(
          "expected another of these \"values\", such as one that counts the rows of periods "
          "without stock");
    }
    AggregateValue& value = *std::ranges::find(aggregate.values, name, &AggregateValue::name);
    if (std::holds_alternative<EmptyIsPrevious>(value.empty)) {
      node.Fail(
          "a value that repeats the one before it (\"empty\": \"previous\") is never hidden: "
          "expected \"empty\" to be a number or \"missing\"");
    }
    if (other->Find("censored")) {
      node.Fail("\"" + by + "\" is censored itself: what hides others must be known");
    }
    value.censored = by;
  }

  void ReadVisibility(const JsonNode& node, SeriesSpec& series) const {
    if (const auto time = node.Find("time")) {
      RequireTimestamp(RequireLocator(series, *time), *time);
      series.time = time->String();
    }
    for (const std::string_view key : {"known_at", "delay", "aggregate", "known_in_advance",
                                       "max_staleness", "max_age", "when_stale"}) {
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
    if (const auto known = node.Find("known_in_advance")) {
      series.known_in_advance = known->Bool();
      if (series.known_in_advance && known_at && series.aggregate) {
        known_at->Fail(
            "plans that are aggregated are known together; a plan that counts from when it was "
            "announced has \"values\" instead");
      }
      if (series.known_in_advance && delay) delay->Fail("what is known in advance has none");
      CheckEndOfPlans(node, series);
    }
    if (!series.is_static()) ReadStaleness(node, series);
  }

  static void ReadStaleness(const JsonNode& node, SeriesSpec& series) {
    // Asked for, not defaulted: how old data may be is for whoever writes the pipeline to say.
    const JsonNode most = node.Get("max_staleness");
    if (most.String() != "unlimited") series.max_staleness = ReadDuration(most);
    if (const auto age = node.Find("max_age")) {
      if (series.aggregate && series.aggregate->to == GridBound::kAll) {
        age->Fail("every key has the newest period unless \"aggregate\" says \"to\": \"key\"");
      }
      series.max_age = ReadDuration(*age);
    }
    if (!series.max_staleness && !series.max_age) {
      if (const auto rule = node.Find("when_stale")) rule->Fail("nothing is stale when unlimited");
      return;
    }
    series.when_stale = ReadChoice(node.Get("when_stale"), kStalenessRules);
  }

  static void CheckEndOfPlans(const JsonNode& node, const SeriesSpec& series) {
    if (!series.known_in_advance || !series.aggregate) return;
    const GridEnd until = series.aggregate->until;
    if (until == GridEnd::kToday || until == GridEnd::kLastFull) {
      node.Get("aggregate")
          .Get("until")
          .Fail("plans lie behind today: expected a date or last_row");
    }
  }

  const PipelineSpec& pipeline_;
};

}  // namespace

SeriesSpec ReadSeries(const std::string& name, const JsonNode& node, const PipelineSpec& pipeline) {
  return SeriesReader(pipeline).Read(name, node);
}

}  // namespace forkcast::preprocessing
