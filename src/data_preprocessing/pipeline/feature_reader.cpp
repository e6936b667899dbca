#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "data_preprocessing/pipeline/spec_parts.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

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

bool IsNumber(ColumnType type) noexcept {
  return type == ColumnType::kInt64 || type == ColumnType::kDouble;
}

/// One element of `features`.
class FeatureReader {
 public:
  FeatureReader(const JsonNode& node, const PipelineSpec& pipeline)
      : node_(node), pipeline_(pipeline) {}

  FeatureSpec Read() {
    ReadOp();
    const JsonNode name = node_.Get("name");
    feature_.name = name.String();
    if (std::ranges::find(pipeline_.features, feature_.name, &FeatureSpec::name) !=
        pipeline_.features.end()) {
      name.Fail("given twice");
    }
    if (pipeline_.training && feature_.name == pipeline_.training->label) {
      name.Fail("the label can never be a feature");
    }
    if (const auto missing = node_.Find("missing")) ReadMissing(*missing);
    return std::move(feature_);
  }

 private:
  using Read_ = void (FeatureReader::*)(const std::string& op);

  void ReadOp() {
    static constexpr std::array<std::pair<std::string_view, Read_>, 16> kOps{{
        {"as_of", &FeatureReader::ReadAsOf},
        {"reached", &FeatureReader::ReadReached},
        {"calendar", &FeatureReader::ReadCalendar},
        {"field", &FeatureReader::ReadField},
        {"lag", &FeatureReader::ReadLag},
        {"difference", &FeatureReader::ReadDifference},
        {"seasonal_lag", &FeatureReader::ReadSeasonalLag},
        {"rolling", &FeatureReader::ReadRolling},
        {"nonzero_share", &FeatureReader::ReadRolling},
        {"periods_since", &FeatureReader::ReadPeriodsSince},
        {"periods_until", &FeatureReader::ReadPeriodsUntil},
        {"time_since", &FeatureReader::ReadTimeDistance},
        {"time_until", &FeatureReader::ReadTimeDistance},
        {"subtract", &FeatureReader::ReadArithmetic},
        {"divide", &FeatureReader::ReadArithmetic},
        {"multiply", &FeatureReader::ReadArithmetic},
    }};
    const std::string op = node_.Get("op").String();
    const auto known = std::ranges::find(kOps, op, &decltype(kOps)::value_type::first);
    if (known != kOps.end()) return (this->*known->second)(op);
    std::string names;
    for (const auto& [name, read] : kOps) names += (names.empty() ? "" : ", ") + std::string(name);
    node_.Get("op").Fail("expected one of " + names);
  }

  void ReadAsOf(const std::string&) {
    node_.RequireObject({"name", "op", "series", "value", "key", "at", "missing"});
    feature_.op = AsOfOp{ReadSeriesValue()};
    feature_.type = value_type_;
  }

  void ReadReached(const std::string&) {
    node_.RequireObject({"name", "op", "series", "value", "key", "at", "missing"});
    feature_.op = ReachedOp{ReadInstantValue()};
    feature_.type = ColumnType::kBool;
  }

  void ReadTimeDistance(const std::string& op) {
    using Direction = TimeDistanceOp::Direction;
    node_.RequireObject({"name", "op", "series", "value", "key", "unit", "at", "missing"});
    TimeDistanceOp distance{.instant = ReadInstantValue(),
                            .direction = op == "time_since" ? Direction::kSince : Direction::kUntil,
                            .unit = std::chrono::hours(1)};
    const JsonNode unit = node_.Get("unit");
    if (unit.String() == "d") {
      distance.unit = std::chrono::days(1);
    } else if (unit.String() != "h") {
      unit.Fail("expected h or d");
    }
    feature_.op = std::move(distance);
    feature_.type = ColumnType::kDouble;
  }

  void ReadCalendar(const std::string&) {
    node_.RequireObject({"name", "op", "part", "at"});
    feature_.op = CalendarOp{.part = ReadPart(node_.Get("part")), .at = ReadMoment()};
    feature_.type = ColumnType::kInt64;
  }

  void ReadField(const std::string&) {
    node_.RequireObject({"name", "op", "field", "missing"});
    const JsonNode field = node_.Get("field");
    feature_.type = RequireColumn(pipeline_.request.fields, field, "the request's fields").type;
    feature_.op = FieldOp{field.String()};
  }

  void ReadLag(const std::string&) {
    node_.RequireObject({"name", "op", "series", "value", "key", "periods", "at", "missing"});
    feature_.op = LagOp{.read = ReadGridValue(), .periods = Periods("periods", {})};
    feature_.type = ColumnType::kDouble;
  }

  void ReadDifference(const std::string&) {
    node_.RequireObject(
        {"name", "op", "series", "value", "key", "periods", "lag", "at", "missing"});
    feature_.op = DifferenceOp{
        .read = ReadGridValue(), .periods = Periods("periods", {}), .lag = Periods("lag", 1)};
    feature_.type = ColumnType::kDouble;
  }

  void ReadSeasonalLag(const std::string&) {
    node_.RequireObject({"name", "op", "series", "value", "key", "season", "seasons", "missing"});
    feature_.op = SeasonalLagOp{
        .read = ReadGridValue(), .season = Periods("season", {}), .seasons = Periods("seasons", 1)};
    feature_.type = ColumnType::kDouble;
  }

  void ReadRolling(const std::string& op) {
    if (op == "rolling") {
      node_.RequireObject({"name", "op", "series", "value", "key", "statistic", "window", "lag",
                           "min_count", "match", "at", "missing"});
    } else {
      node_.RequireObject({"name", "op", "series", "value", "key", "window", "lag", "min_count",
                           "match", "at", "missing"});
    }
    RollingOp rolling{.read = ReadGridValue(),
                      .statistic = RollingStatistic::kNonzeroShare,
                      .window = Periods("window", {}),
                      .lag = Periods("lag", 1),
                      .min_count = 1,
                      .match = {}};
    if (op == "rolling") {
      const JsonNode statistic = node_.Get("statistic");
      const auto known = RollingStatisticFromString(statistic.String());
      if (!known) statistic.Fail("expected mean, std, min, max, median or sum");
      rolling.statistic = *known;
    }
    if (const auto match = node_.Find("match")) ReadMatches(*match, rolling);
    rolling.min_count = rolling.match.empty() ? rolling.window : 1;
    if (const auto count = node_.Find("min_count")) {
      rolling.min_count = static_cast<int>(count->Integer(1, rolling.window));
    }
    feature_.op = std::move(rolling);
    feature_.type = ColumnType::kDouble;
  }

  void ReadMatches(const JsonNode& node, RollingOp& rolling) {
    for (const JsonNode& one : node.Elements()) {
      if (one.json().is_string()) {
        const CalendarPart part = ReadPart(one);
        if (part == CalendarPart::kHour) one.Fail("periods have no hour");
        rolling.match.emplace_back(part);
        continue;
      }
      one.RequireObject({"series", "value", "key"});
      const SeriesSpec& plan = RequireSeries(pipeline_, one.Get("series"));
      const Period period = pipeline_.SeriesNamed(rolling.read.series).aggregate->period;
      if (!plan.known_in_advance || !plan.aggregate || plan.aggregate->period != period) {
        one.Get("series").Fail("expected a series that is known in advance and aggregated by " +
                               std::string(ToString(period)));
      }
      const JsonNode value = one.Get("value");
      RequireColumn(plan.ValueSchema(), value, "the values of series \"" + plan.name + "\"");
      rolling.match.emplace_back(
          SeriesValue{.series = plan.name,
                      .value = value.String(),
                      .key = ReadKeyFields(one.Get("key"), plan, pipeline_.request),
                      .at = ReadAt::kTarget});
    }
    if (rolling.match.empty()) node.Fail("expected at least one element");
  }

  void ReadPeriodsSince(const std::string&) {
    node_.RequireObject({"name", "op", "series", "value", "key", "limit", "at", "missing"});
    feature_.op = PeriodsSinceOp{.read = ReadGridValue(), .limit = Periods("limit", {})};
    feature_.type = ColumnType::kDouble;
  }

  void ReadPeriodsUntil(const std::string&) {
    node_.RequireObject({"name", "op", "series", "value", "key", "limit", "missing"});
    const JsonNode series = node_.Get("series");
    RequireKnownInAdvance(RequireSeries(pipeline_, series), series);
    SeriesValue read = ReadGridValue();
    read.at = ReadAt::kTarget;
    feature_.op = PeriodsUntilOp{.read = std::move(read), .limit = Periods("limit", {})};
    feature_.type = ColumnType::kDouble;
  }

  void ReadArithmetic(const std::string& op) {
    using Kind = ArithmeticOp::Kind;
    node_.RequireObject({"name", "op", "left", "right", "missing"});
    const Kind kind = op == "subtract" ? Kind::kSubtract
                      : op == "divide" ? Kind::kDivide
                                       : Kind::kMultiply;
    feature_.op = ArithmeticOp{.kind = kind,
                               .left = ReadNumberFeature(node_.Get("left")),
                               .right = ReadNumberFeature(node_.Get("right"))};
    feature_.type = ColumnType::kDouble;
  }

  [[nodiscard]] std::string ReadNumberFeature(const JsonNode& node) const {
    const auto feature = std::ranges::find(pipeline_.features, node.String(), &FeatureSpec::name);
    if (feature == pipeline_.features.end()) {
      node.Fail("no feature \"" + node.String() + "\" before this one");
    }
    if (!IsNumber(feature->type)) {
      node.Fail("feature \"" + feature->name + "\" is " + std::string(ToString(feature->type)) +
                ", expected int64 or double");
    }
    return feature->name;
  }

  [[nodiscard]] static CalendarPart ReadPart(const JsonNode& node) {
    const auto part = CalendarPartFromString(node.String());
    if (!part) node.Fail("expected one of " + CalendarPartNames());
    return *part;
  }

  [[nodiscard]] int Periods(std::string_view name, std::optional<int> fallback) const {
    const auto node = node_.Find(name);
    if (!node && fallback) return *fallback;
    return static_cast<int>(node_.Get(name).Integer(1, kMaxPeriods));
  }

  [[nodiscard]] ReadAt ReadMoment() const {
    const auto at = node_.Find("at");
    if (!at) return ReadAt::kOrigin;
    const std::string chosen = at->String();
    if (chosen != "origin" && chosen != "target") at->Fail("expected origin or target");
    if (!pipeline_.forecast) at->Fail("a pipeline without \"forecast\" has no target");
    return chosen == "origin" ? ReadAt::kOrigin : ReadAt::kTarget;
  }

  static void RequireKnownInAdvance(const SeriesSpec& series, const JsonNode& node) {
    if (series.known_in_advance || series.is_static()) return;
    node.Fail("series \"" + series.name +
              "\" is not known in advance: nothing of it can be read at the target");
  }

  /// Sets value_type_ as well.
  SeriesValue ReadSeriesValue() {
    const SeriesSpec& series = RequireSeries(pipeline_, node_.Get("series"));
    const JsonNode value = node_.Get("value");
    value_type_ =
        RequireColumn(series.ValueSchema(), value, "the values of series \"" + series.name + "\"")
            .type;
    SeriesValue read{.series = series.name,
                     .value = value.String(),
                     .key = ReadKeyFields(node_.Get("key"), series, pipeline_.request),
                     .at = ReadMoment()};
    if (read.at == ReadAt::kTarget) RequireKnownInAdvance(series, node_.Get("at"));
    return read;
  }

  SeriesValue ReadInstantValue() {
    SeriesValue read = ReadSeriesValue();
    if (value_type_ != ColumnType::kTimestamp) {
      node_.Get("value").Fail("expected a timestamp column");
    }
    return read;
  }

  SeriesValue ReadGridValue() {
    const JsonNode series = node_.Get("series");
    if (!RequireSeries(pipeline_, series).aggregate) {
      series.Fail("series \"" + series.String() + "\" has no \"aggregate\", so it has no periods");
    }
    return ReadSeriesValue();
  }

  void ReadMissing(const JsonNode& node) {
    if (node.json().is_string()) {
      const std::string rule = node.String();
      if (rule != "error" && rule != "keep") {
        node.Fail("expected \"error\", \"keep\" or {\"value\": ...}");
      }
      feature_.keeps_missing = rule == "keep";
      return;
    }
    feature_.when_missing =
        ReadConstant(node.RequireObject({"value"}).Get("value"), feature_.type, pipeline_.zone);
  }

  const JsonNode& node_;
  const PipelineSpec& pipeline_;
  FeatureSpec feature_;
  ColumnType value_type_ = ColumnType::kText;
};

}  // namespace

FeatureSpec ReadFeature(const JsonNode& node, const PipelineSpec& pipeline) {
  return FeatureReader(node, pipeline).Read();
}

ForecastSpec ReadForecast(const JsonNode& node, const PipelineSpec& pipeline) {
  constexpr int kMaxHorizon = 1000;
  node.RequireObject({"series", "value", "key", "horizon", "strategy"});
  const SeriesSpec& series = RequireSeries(pipeline, node.Get("series"));
  if (!series.aggregate) {
    node.Get("series").Fail("series \"" + series.name +
                            "\" has no \"aggregate\", so it has no periods");
  }
  const JsonNode value = node.Get("value");
  RequireColumn(series.ValueSchema(), value, "the values of series \"" + series.name + "\"");
  const JsonNode strategy = node.Get("strategy");
  const auto known = ForecastStrategyFromString(strategy.String());
  if (!known) strategy.Fail("expected direct, shared or recursive");
  return {.series = series.name,
          .value = value.String(),
          .key = ReadKeyFields(node.Get("key"), series, pipeline.request),
          .horizon = static_cast<int>(node.Get("horizon").Integer(1, kMaxHorizon)),
          .strategy = *known};
}

}  // namespace forkcast::preprocessing
