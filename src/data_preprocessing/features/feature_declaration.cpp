#include "data_preprocessing/features/feature_declaration.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "data_preprocessing/document/choice.hpp"
#include "data_preprocessing/features/named_parts.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr Choices<ReadAt, 2> kMoments{{{"origin", ReadAt::kOrigin}, {"target", ReadAt::kTarget}}};

bool IsNumber(ColumnType type) noexcept {
  return type == ColumnType::kInt64 || type == ColumnType::kDouble;
}

void RequireKnownInAdvance(const SeriesSpec& series, const JsonNode& node) {
  if (series.known_in_advance || series.is_static()) return;
  node.Fail("series \"" + series.name +
            "\" is not known in advance: nothing of it can be read at the target");
}

/// The place of `read` in `reads`, where it is put when it is not there yet.
std::size_t PlaceOf(const SeriesRead& read, std::vector<SeriesRead>& reads) {
  const auto found = std::ranges::find(reads, read);
  const auto place = static_cast<std::size_t>(found - reads.begin());
  if (found == reads.end()) reads.push_back(read);
  return place;
}

}  // namespace

FeatureDeclaration::KeyedColumn FeatureDeclaration::ReadColumn(const JsonNode& node,
                                                               const SeriesSpec& series) const {
  KeyedColumn column;
  column.column = RequireValue(series, node.Get("value"));
  column.key = ReadKeyFields(node.Get("key"), series, before_.request);
  return column;
}

SeriesValue FeatureDeclaration::Read(const SeriesRead& read, std::size_t column,
                                     const SeriesSpec& series) {
  PlaceOf(read, reads_);
  return {.from = {.read = PlaceOf(read, known_reads_), .column = column},
          .series = series,
          .type = series.ValueSchema().columns[column].type,
          .at = read.at};
}

bool FeatureDeclaration::RowSwitch(std::string_view name, const SeriesSpec& series) const {
  const auto node = node_.Find(name);
  if (!node || !node->Bool()) return false;
  if (series.is_static()) node->Fail("series \"" + series.name + "\" has no time");
  if (series.aggregate) {
    node->Fail("series \"" + series.name +
               "\" has periods: what one without rows holds is said by \"empty\" in its aggregate");
  }
  return true;
}

SeriesValue FeatureDeclaration::Value() {
  const SeriesSpec& series = RequireSeries(before_.series, node_.Get("series"));
  KeyedColumn column = ReadColumn(node_, series);
  SeriesRead read{.series = series.name, .key = std::move(column.key), .at = Moment()};
  if (read.at == ReadAt::kTarget) RequireKnownInAdvance(series, node_.Get("at"));
  read.strict = RowSwitch("strict", series);
  if (RowSwitch("skip_missing", series)) {
    if (read.at == ReadAt::kTarget) {
      node_.Get("skip_missing").Fail("of plans at the target a missing value is one, too");
    }
    read.skip_missing = series.ValueSchema().columns[column.column].name;
  }
  return Read(read, column.column, series);
}

SeriesValue FeatureDeclaration::InstantValue() {
  SeriesValue value = Value();
  if (value.type != ColumnType::kTimestamp) node_.Get("value").Fail("expected a timestamp column");
  return value;
}

SeriesValue FeatureDeclaration::GridValue() {
  static_cast<void>(RequireGrid(before_.series, node_.Get("series")));
  return Value();
}

SeriesValue FeatureDeclaration::ReadPlan(const JsonNode& node, const SeriesSpec& plan) {
  KeyedColumn column = ReadColumn(node, plan);
  return Read({.series = plan.name, .key = std::move(column.key), .at = ReadAt::kTarget},
              column.column, plan);
}

SeriesValue FeatureDeclaration::PlannedValue() {
  const JsonNode name = node_.Get("series");
  RequireKnownInAdvance(RequireSeries(before_.series, name), name);
  const SeriesSpec& plan = RequireGrid(before_.series, name);
  return ReadPlan(node_, plan);
}

SeriesValue FeatureDeclaration::PlannedValue(const JsonNode& node, Period period) {
  const JsonNode name = node.Get("series");
  const SeriesSpec& plan = RequireSeries(before_.series, name);
  if (!plan.known_in_advance || !plan.aggregate || plan.aggregate->period != period) {
    const std::string_view day = StartOfWeek(period);
    name.Fail("expected a series that is known in advance and aggregated by " +
              std::string(ToString(period)) +
              (day.empty() ? "" : ", which begins on " + std::string(day)));
  }
  return ReadPlan(node, plan);
}

RequestField FeatureDeclaration::Field() const {
  const JsonNode name = node_.Get("field");
  const Schema& fields = before_.request.fields;
  const ColumnSpec& field = RequireColumn(fields, name, "the request's fields");
  return {.column = *fields.Find(field.name), .type = field.type};
}

std::size_t FeatureDeclaration::NumberFeature(std::string_view member) const {
  const JsonNode name = node_.Get(member);
  const auto feature = std::ranges::find(before_.features, name.String(), &FeatureSpec::name);
  if (feature == before_.features.end()) {
    name.Fail("no feature \"" + name.String() + "\" before this one");
  }
  if (!IsNumber(feature->type)) {
    name.Fail("feature \"" + feature->name + "\" is " + std::string(ToString(feature->type)) +
              ", expected int64 or double");
  }
  return static_cast<std::size_t>(feature - before_.features.begin());
}

int FeatureDeclaration::Periods(std::string_view member, std::optional<int> fallback) const {
  const auto node = node_.Find(member);
  if (!node && fallback) return *fallback;
  return static_cast<int>(node_.Get(member).Integer(1, kMaxPeriods));
}

ReadAt FeatureDeclaration::Moment() const {
  const auto at = node_.Find("at");
  if (!at) return ReadAt::kOrigin;
  const ReadAt chosen = ReadChoice(*at, kMoments);
  if (!before_.forecasts) at->Fail("a pipeline without \"forecast\" has no target");
  return chosen;
}

}  // namespace forkcast::preprocessing
