// Rows that come at any time become one number a period, on a grid without gaps: a lag is then a
// distance in memory, and an operator reads a span of doubles. A period in which nothing was sold
// is a fact (0, if the pipeline says so), not a hole, and that makes demand intermittent (Croston,
// "Forecasting and stock control for intermittent demands", 1972). The first and the last period of
// the data are dropped unless full: half a week looks like half the sales. Sums add in the order of
// ingestion and nothing else, so that equal rows give equal files on every machine.

#include "data_preprocessing/series/grid_aggregator.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data_preprocessing/series/accumulator.hpp"
#include "data_preprocessing/series/key_codec.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

using std::chrono::sys_days;

constexpr double kMissingNumber = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMaxRows = 0xFFFFFFFE;  // row numbers have 32 bits
constexpr sys_days kYear1{std::chrono::year(1) / 1 / 1};
constexpr sys_days kYear10000{std::chrono::year(10000) / 1 / 1};

/// From when on rows do not count, as `until` says; none: all count.
std::optional<Instant> EndOf(const SeriesSpec& spec, const TimeZone& zone,
                             const std::optional<Instant>& now) {
  const AggregateSpec& aggregate = *spec.aggregate;
  switch (aggregate.until) {
    case GridEnd::kLastRow:
      return std::nullopt;
    case GridEnd::kDay:
      return zone.StartOfDay(aggregate.until_day + std::chrono::days(1));
    case GridEnd::kToday:
      if (!now) return std::nullopt;
      return StartOf(PeriodOf(*now, aggregate.period, zone), aggregate.period, zone);
    case GridEnd::kJudged:
    case GridEnd::kLastFull:
      if (!now || spec.known_in_advance) return std::nullopt;
      return StartOf(PeriodOf(*now, aggregate.period, zone) + 1, aggregate.period, zone);
  }
  return std::nullopt;
}

std::string_view Rows(std::size_t count) noexcept { return count == 1 ? "row" : "rows"; }

double NumberAt(const Column& column, std::size_t row) noexcept {
  if (column.IsMissing(row)) return kMissingNumber;
  return column.type() == ColumnType::kDouble ? column.Double(row)
                                              : static_cast<double>(column.Int64(row));
}

void FillEmpty(const EmptyRule& rule, const Grid& grid, std::vector<double>& cells) {
  if (std::holds_alternative<EmptyIsMissing>(rule)) return;
  const auto* constant = std::get_if<double>(&rule);
  for (const snapshot_format::KeyEntry& key : grid.keys) {
    double stand_in = constant != nullptr ? *constant : kMissingNumber;
    for (double& cell : std::span(cells).subspan(key.row_begin, key.row_count)) {
      if (std::isnan(cell)) {
        cell = stand_in;
      } else if (constant == nullptr) {
        stand_in = cell;
      }
    }
  }
}

}  // namespace

std::size_t KeyBytesHash::operator()(std::string_view bytes) const noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

GridAggregator::GridAggregator(const SeriesSpec& spec, const TimeZone& zone,
                               std::optional<Instant> now)
    : spec_(spec),
      aggregate_(*spec.aggregate),
      zone_(zone),
      end_(EndOf(spec, zone, now)),
      key_types_(spec.KeyTypes()) {
  const Schema schema = spec.ReadSchema();
  for (const std::string& column : spec.key) key_columns_.push_back(*schema.Find(column));
  time_column_ = *schema.Find(spec.time);
  known_column_ = schema.Find(spec.known_at);
  for (const AggregateValue& value : aggregate_.values) {
    source_of_value_.push_back(0);
    if (value.op == AggregateOp::kCount) continue;
    const std::size_t column = *schema.Find(value.column);
    const auto known = std::ranges::find(source_columns_, column);
    source_of_value_.back() = static_cast<std::size_t>(known - source_columns_.begin());
    if (known == source_columns_.end()) source_columns_.push_back(column);
    keeps_times_ =
        keeps_times_ || value.op == AggregateOp::kFirst || value.op == AggregateOp::kLast;
  }
  numbers_of_source_.resize(source_columns_.size());
}

std::string GridAggregator::KeyName(std::string_view key) const {
  std::vector<Value> values(key_types_.size());
  DecodeKey(key, key_types_, values);
  return KeyText(spec_.key, values);
}

std::string GridAggregator::Describe(std::string_view key, PeriodIndex period) const {
  return fmt::format("{}, {} of {}", KeyName(key), ToString(aggregate_.period), TextOf(period));
}

std::string GridAggregator::TextOf(PeriodIndex period) const {
  std::string text;
  AppendPeriodText(period, aggregate_.period, text);
  return text;
}

GridAggregator::KeyRange GridAggregator::RangeOfAll() const {
  KeyRange all;
  for (const KeyRange& one : ranges_) {
    all.first = std::min(all.first, one.first);
    all.last = std::max(all.last, one.last);
  }
  return all;
}

std::uint32_t GridAggregator::NumberOf(std::string_view key) {
  if (const auto known = numbers_.find(key); known != numbers_.end()) return known->second;
  const auto number = static_cast<std::uint32_t>(keys_.size());
  keys_.push_back(numbers_.emplace(key, number).first->first);
  ranges_.emplace_back();
  return number;
}

Status GridAggregator::Add(const Table& batch) {
  if (batch.row_count() > kMaxRows - key_of_row_.size()) {
    return Error{ErrorCode::kRefusedData, "a series reads at most 2^32 - 2 rows", spec_.name};
  }
  key_values_.resize(key_columns_.size());
  for (std::size_t row = 0; row < batch.row_count(); ++row) {
    for (std::size_t i = 0; i < key_columns_.size(); ++i) {
      key_values_[i] = ValueAt(batch.column(key_columns_[i]), row);
    }
    const Instant time = batch.column(time_column_).Timestamp(row);
    if (end_ && time >= *end_) {
      LeaveOut(time);
      continue;
    }
    // A day less than what the calendar has, so that no zone leads out of it.
    if (time < kYear1 + std::chrono::days(1) || time >= kYear10000 - std::chrono::days(1)) {
      return Error{
          ErrorCode::kRefusedData,
          fmt::format("{}: \"{}\" is {}, and no {} can begin or end there: if it stands for "
                      "\"no end\", leave such rows out with a query or by \"until\"",
                      KeyText(spec_.key, key_values_), spec_.time, IsoTimestamp(time),
                      ToString(aggregate_.period)),
          spec_.time};
    }
    const std::uint32_t key = NumberOf(EncodeKey(key_values_, key_scratch_));
    const CivilTime civil = zone_.ToCivil(time);
    const sys_days day = DayOf(civil);
    const PeriodIndex period = PeriodOf(time, civil, aggregate_.period);
    first_day_ = std::min(first_day_, day);
    last_day_ = std::max(last_day_, day);
    if (IsLongerThanADay(aggregate_.period)) {
      sys_days& last_in_period = last_day_in_.try_emplace(period, day).first->second;
      last_in_period = std::max(last_in_period, day);
    }
    ranges_[key].first = std::min(ranges_[key].first, period);
    ranges_[key].last = std::max(ranges_[key].last, period);
    key_of_row_.push_back(key);
    period_of_row_.push_back(static_cast<std::int32_t>(period));
    if (keeps_times_) time_of_row_.push_back(ToMicros(time));
    if (known_column_) {
      known_of_row_.push_back(ToMicros(batch.column(*known_column_).Timestamp(row)));
    }
    Status added = AddNumbers(batch, row);
    if (!added)
      return Error{ErrorCode::kRefusedData,
                   Describe(keys_[key], period) + ": " + added.error().message,
                   added.error().field};
  }
  return {};
}

Status GridAggregator::AddNumbers(const Table& batch, std::size_t row) {
  for (std::size_t i = 0; i < source_columns_.size(); ++i) {
    const Column& column = batch.column(source_columns_[i]);
    const double number = NumberAt(column, row);
    if (!column.IsMissing(row) && !std::isfinite(number)) {
      const std::string& name = batch.schema().columns[source_columns_[i]].name;
      return Error{ErrorCode::kRefusedData, "\"" + name + "\" is not a finite number", name};
    }
    numbers_of_source_[i].push_back(number);
  }
  return {};
}

void GridAggregator::LeaveOut(Instant time) {
  if (behind_.count++ == 0) behind_.first_key = KeyText(spec_.key, key_values_);
  behind_.first = std::min(behind_.first, time);
  behind_.last = std::max(behind_.last, time);
}

std::vector<FilledPeriod> GridAggregator::FilledPeriods() const {
  const auto [first, last] = RangeOfAll();
  // The keys of all rows, by period.
  std::vector<std::size_t> ends(static_cast<std::size_t>(last - first + 2));
  for (const std::int32_t period : period_of_row_)
    ++ends[static_cast<std::size_t>(period - first) + 1];
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<std::uint32_t> keys(period_of_row_.size());
  for (std::size_t row = 0; row < keys.size(); ++row) {
    keys[ends[static_cast<std::size_t>(period_of_row_[row] - first)]++] = key_of_row_[row];
  }
  // By now ends[i] is where the rows of period `first` + i end.
  std::vector<FilledPeriod> filled;
  std::vector<std::int64_t> counted_in(keys_.size(), first - 1);
  std::size_t begin = 0;
  for (PeriodIndex period = first; period <= last; ++period) {
    const std::size_t end = ends[static_cast<std::size_t>(period - first)];
    if (end > begin) filled.push_back({.period = period});
    for (; begin < end; ++begin) {
      std::int64_t& counted = counted_in[keys[begin]];
      filled.back().keys += counted == period ? 0 : 1;
      counted = period;
    }
  }
  return filled;
}

Error GridAggregator::MostlyHole(std::span<const FilledPeriod> filled, const GridHole& hole) const {
  const PeriodIndex behind = filled[hole.behind].period;
  const auto is_behind = [&](std::int32_t period) { return period >= behind; };
  const auto after = static_cast<std::size_t>(std::ranges::count_if(period_of_row_, is_behind));
  const bool few_are_behind = after * 2 <= period_of_row_.size();
  const auto row =
      static_cast<std::size_t>(std::ranges::find_if(period_of_row_,
                                                    [&](std::int32_t period) {
                                                      return is_behind(period) == few_are_behind;
                                                    }) -
                               period_of_row_.begin());
  const std::size_t few = few_are_behind ? after : period_of_row_.size() - after;
  return {
      ErrorCode::kRefusedData,
      fmt::format("no row of any key lies in the {} periods before the {} of {}, more than all "
                  "others together: is the time of the {} {} {} it wrong ({})? Correct it, leave "
                  "it out with a query{}, or count it all the same with \"until\": \"last_row\"",
                  hole.length, ToString(aggregate_.period), TextOf(behind), few, Rows(few),
                  few_are_behind ? "behind" : "before",
                  Describe(keys_[key_of_row_[row]], period_of_row_[row]),
                  few_are_behind ? " or \"until\": a date" : ""),
      spec_.time};
}

Result<GridAggregator::Extent> GridAggregator::ExtentOf() const {
  const Period period = aggregate_.period;
  Extent extent;
  if (period_of_row_.empty()) return extent;
  const bool drops = aggregate_.partial == PartialPeriods::kDrop && IsLongerThanADay(period);
  const KeyRange all = RangeOfAll();
  extent.first = all.first;
  extent.last = all.last;
  if (drops && FirstDayOf(extent.first, period) != first_day_) ++extent.first;
  const auto is_begun = [&](PeriodIndex index, sys_days last_row) {
    return drops && FirstDayOf(index + 1, period) != last_row + std::chrono::days(1);
  };
  const bool last_is_begun = is_begun(extent.last, last_day_);
  if (aggregate_.until != GridEnd::kLastRow) {
    const std::vector<FilledPeriod> filled = FilledPeriods();
    const std::size_t body = JudgesEnd() ? CountBeforeThinEnd(filled, period) : filled.size();
    const std::span<const FilledPeriod> kept(filled.data(), body);
    if (const auto hole = FindExcessiveHole(kept, period)) return MostlyHole(kept, *hole);
    const PeriodIndex end = kept.back().period;
    // The period that has just begun has rows of few keys as often as not, and is dropped anyway.
    const bool just_begun = last_is_begun && end + 1 == extent.last;
    if (body < filled.size() && !just_begun) {
      extent.last = is_begun(end, LastDayIn(end)) ? end - 1 : end;
      extent.thin_from = filled[body].period;
      extent.thin_keys = filled[body].keys;
      return extent;
    }
  }
  if (last_is_begun) --extent.last;
  return extent;
}

bool GridAggregator::JudgesEnd() const noexcept {
  const bool may = aggregate_.until == GridEnd::kJudged || aggregate_.until == GridEnd::kLastFull;
  return may && aggregate_.to == GridBound::kAll && !spec_.known_in_advance;
}

sys_days GridAggregator::LastDayIn(PeriodIndex period) const {
  if (!IsLongerThanADay(aggregate_.period)) return FirstDayOf(period, aggregate_.period);
  return last_day_in_.at(period);
}

std::string GridAggregator::LeftOutText(const Extent& extent, const Grid& grid) const {
  std::string text;
  const auto add = [&text](std::string_view reason) {
    text += text.empty() ? "" : "; ";
    text += reason;
  };
  if (behind_.count > 0) {
    add(fmt::format("{} {} from {} to {} (the first of {}) lie{} after {}", behind_.count,
                    Rows(behind_.count), IsoTimestamp(behind_.first), IsoTimestamp(behind_.last),
                    behind_.first_key, behind_.count == 1 ? "s" : "",
                    aggregate_.until == GridEnd::kDay ? DateText(aggregate_.until_day) : "today"));
  }
  const std::string period(ToString(aggregate_.period));
  if (extent.thin_from) {
    const auto is_thin = [&](std::int32_t index) { return index >= *extent.thin_from; };
    const auto count = static_cast<std::size_t>(std::ranges::count_if(period_of_row_, is_thin));
    const auto row = static_cast<std::size_t>(std::ranges::find_if(period_of_row_, is_thin) -
                                              period_of_row_.begin());
    add(fmt::format(
        "{} {} (the first of {}) from the {} of {} on {} of too few keys ({} of {}) for "
        "the others to have had nothing",
        count, Rows(count), KeyName(keys_[key_of_row_[row]]), period, TextOf(*extent.thin_from),
        count == 1 ? "is" : "are", extent.thin_keys, keys_.size()));
  }
  if (!text.empty() && aggregate_.until == GridEnd::kJudged) {
    text +=
        ". Correct such rows, or say in \"aggregate\" where the data end: \"until\": \"last_full\" "
        "leaves them out, \"last_row\" counts them, a date or \"today\" ends the data there";
  }
  if (grid.keys.empty() && !period_of_row_.empty()) {
    add(
        fmt::format("all {} {}, from {} to {}, lie in the first or the last {}, which they do not "
                    "fill: \"partial\": \"keep\" counts such",
                    period_of_row_.size(), Rows(period_of_row_.size()), DateText(first_day_),
                    DateText(last_day_), period));
  }
  return text;
}

Result<Grid> GridAggregator::LayOut(const Extent& extent) const {
  Grid grid;
  if (key_of_row_.empty()) return grid;
  const Period period = aggregate_.period;
  const PeriodIndex first = extent.first;
  const PeriodIndex last = extent.last;
  std::int64_t cells = 0;
  for (std::size_t number = 0; number < keys_.size(); ++number) {
    const KeyRange& range = ranges_[number];
    const PeriodIndex begin =
        aggregate_.from == GridBound::kAll ? first : std::max(first, range.first);
    const PeriodIndex end = aggregate_.to == GridBound::kAll ? last : std::min(last, range.last);
    snapshot_format::KeyEntry entry{.bytes_offset = grid.key_bytes.size(),
                                    .row_begin = static_cast<std::uint64_t>(cells),
                                    .bytes_size = static_cast<std::uint32_t>(keys_[number].size()),
                                    .first_period = static_cast<std::int32_t>(begin)};
    if (begin <= end) {
      cells += end - begin + 1;
      entry.row_count = static_cast<std::uint32_t>(end - begin + 1);
    }
    if (cells > kMaxGridRows) {
      return Error{ErrorCode::kRefusedData,
                   "the grid of " + std::to_string(keys_.size()) + " key(s) from " +
                       DateText(first_day_) + " to " + DateText(last_day_) + " has more than " +
                       std::to_string(kMaxGridRows) + " periods; is a time wrong?",
                   spec_.time};
    }
    grid.key_bytes.append(keys_[number]);
    grid.keys.push_back(entry);
  }
  std::vector<std::int64_t> starts;  // of `first` and all up to the one behind `last`
  for (PeriodIndex index = first; index <= last + 1; ++index) {
    starts.push_back(ToMicros(StartOf(index, period, zone_)));
  }
  grid.times.reserve(static_cast<std::size_t>(cells));
  grid.visible_from.reserve(static_cast<std::size_t>(cells));
  for (const snapshot_format::KeyEntry& key : grid.keys) {
    for (std::uint32_t i = 0; i < key.row_count; ++i) {
      const auto start = static_cast<std::size_t>(key.first_period - first) + i;
      grid.times.push_back(starts[start]);
      grid.visible_from.push_back(starts[start + 1] + spec_.delay.count());
    }
  }
  return grid;
}

Status GridAggregator::Fill(std::size_t position, const Grid& grid,
                            std::vector<double>& cells) const {
  const AggregateValue& value = aggregate_.values[position];
  Accumulator accumulator(value.op, grid.times.size());
  const std::vector<double>* source =
      value.op == AggregateOp::kCount ? nullptr : &numbers_of_source_[source_of_value_[position]];
  for (std::size_t row = 0; row < key_of_row_.size(); ++row) {
    const snapshot_format::KeyEntry& key = grid.keys[key_of_row_[row]];
    const std::int64_t offset = std::int64_t{period_of_row_[row]} - key.first_period;
    if (offset < 0 || offset >= key.row_count) continue;  // in a partial period
    const std::size_t cell = key.row_begin + static_cast<std::size_t>(offset);
    if (value.op == AggregateOp::kOnly && accumulator.count(cell) != 0) {
      return Error{ErrorCode::kRefusedData,
                   Describe(keys_[key_of_row_[row]], period_of_row_[row]) + ": two rows with \"" +
                       value.column + "\", expected one",
                   value.column};
    }
    accumulator.Take(cell, source == nullptr ? 0 : (*source)[row],
                     keeps_times_ ? time_of_row_[row] : 0);
  }
  cells = std::move(accumulator).TakeResult();
  for (const snapshot_format::KeyEntry& key : grid.keys) {
    for (std::uint32_t i = 0; i < key.row_count; ++i) {
      if (!std::isinf(cells[key.row_begin + i])) continue;
      const std::string_view bytes =
          std::string_view(grid.key_bytes).substr(key.bytes_offset, key.bytes_size);
      return Error{ErrorCode::kRefusedData,
                   Describe(bytes, std::int64_t{key.first_period} + i) + ": the " +
                       std::string(ToString(value.op)) + " of \"" + value.column +
                       "\" is too large for a double",
                   value.column};
    }
  }
  FillEmpty(value.empty, grid, cells);
  return {};
}

void GridAggregator::AddRevisions(Grid& grid) const {
  std::vector<RevisedColumn> columns;
  for (std::size_t i = 0; i < aggregate_.values.size(); ++i) {
    const AggregateValue& value = aggregate_.values[i];
    const bool counts = value.op == AggregateOp::kCount;
    columns.push_back(
        {.op = value.op,
         .empty = &value.empty,
         .numbers = counts ? std::span<const double>() : numbers_of_source_[source_of_value_[i]]});
  }
  std::vector<std::vector<RevisedRow>> rows_of_key(grid.keys.size());
  for (std::uint32_t row = 0; row < key_of_row_.size(); ++row) {
    const snapshot_format::KeyEntry& key = grid.keys[key_of_row_[row]];
    const std::int64_t offset = std::int64_t{period_of_row_[row]} - key.first_period;
    if (offset < 0 || offset >= key.row_count) continue;
    rows_of_key[key_of_row_[row]].push_back({.period = static_cast<std::uint32_t>(offset),
                                             .row = row,
                                             .known = known_of_row_[row],
                                             .time = keeps_times_ ? time_of_row_[row] : 0});
  }
  grid.revisions.before.resize(columns.size());
  for (std::size_t number = 0; number < grid.keys.size(); ++number) {
    snapshot_format::KeyEntry& key = grid.keys[number];
    const std::span<const std::int64_t> visible_from =
        std::span<const std::int64_t>(grid.visible_from).subspan(key.row_begin, key.row_count);
    key.step_begin = grid.revisions.instants.size();
    AppendRevisions(rows_of_key[number], columns, visible_from, key.row_begin, grid.revisions);
    key.step_count = static_cast<std::uint32_t>(grid.revisions.instants.size() - key.step_begin);
  }
}

Result<Grid> GridAggregator::Finish() const {
  const Result<Extent> extent = ExtentOf();
  if (!extent) return extent.error();
  Result<Grid> grid = LayOut(*extent);
  if (!grid) return grid;
  grid->columns.resize(aggregate_.values.size());
  for (std::size_t i = 0; i < grid->columns.size(); ++i) {
    if (Status filled = Fill(i, *grid, grid->columns[i]); !filled) return std::move(filled).error();
  }
  if (known_column_) AddRevisions(*grid);
  // A key whose rows all lie in partial periods has nothing to read.
  std::erase_if(grid->keys, [](const auto& key) { return key.row_count == 0; });
  grid->left_out = LeftOutText(*extent, *grid);
  return grid;
}

}  // namespace forkcast::preprocessing
