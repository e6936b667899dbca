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
#include <limits>

#include "data_preprocessing/series/key_codec.hpp"
#include "data_preprocessing/series/merge_cells.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

using std::chrono::sys_days;

constexpr double kMissingNumber = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMaxRows = 0xFFFFFFFE;  // row numbers have 32 bits
constexpr sys_days kYear1{std::chrono::year(1) / 1 / 1};
constexpr sys_days kYear10000{std::chrono::year(10000) / 1 / 1};

/// The first period whose rows do not count yet, as `until` says; none: there is no such end.
std::optional<PeriodIndex> EndPeriodOf(const SeriesSpec& spec, const TimeZone& zone,
                                       const std::optional<Instant>& now) {
  const AggregateSpec& aggregate = *spec.aggregate;
  if (!now) return std::nullopt;
  switch (aggregate.until) {
    case GridEnd::kLastRow:
    case GridEnd::kDay:
      return std::nullopt;
    case GridEnd::kToday:
      return PeriodOf(*now, aggregate.period, zone);
    case GridEnd::kJudged:
    case GridEnd::kLastFull:
      if (spec.known_in_advance) return std::nullopt;
      return PeriodOf(*now, aggregate.period, zone) + 1;
  }
  return std::nullopt;
}

std::string_view Rows(std::uint64_t count) noexcept { return count == 1 ? "row" : "rows"; }

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
      sources_(SourcesOf(spec)),
      end_period_(EndPeriodOf(spec, zone, now)),
      key_types_(spec.KeyTypes()),
      keeps_times_(KeepsTimes(aggregate_)),
      cells_(spec) {
  if (aggregate_.until == GridEnd::kDay) {
    fixed_end_ = zone.StartOfDay(aggregate_.until_day + std::chrono::days(1));
  }
  const Schema schema = spec.ReadSchema();
  for (const std::string& column : spec.key) key_columns_.push_back(*schema.Find(column));
  time_column_ = *schema.Find(spec.time);
  known_column_ = schema.Find(spec.known_at);
  rows_.numbers.resize(sources_.columns.size());
}

void GridAggregator::GoOnFrom(GridCells cells) {
  cells_ = std::move(cells);
  for (std::size_t key = 0; key < cells_.key_count(); ++key) NumberOf(cells_.KeyAt(key));
  for (const PeriodRows& tally : cells_.tallies) tallies_.emplace(tally.period, tally);
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

std::uint32_t GridAggregator::NumberOf(std::string_view key) {
  if (const auto known = numbers_.find(key); known != numbers_.end()) return known->second;
  const auto number = static_cast<std::uint32_t>(keys_.size());
  keys_.push_back(numbers_.emplace(key, number).first->first);
  return number;
}

Status GridAggregator::Add(const Table& batch) {
  if (batch.row_count() > kMaxRows - cells_.row_count) {
    return Error{ErrorCode::kRefusedData, "a series reads at most 2^32 - 2 rows", spec_.name};
  }
  key_values_.resize(key_columns_.size());
  for (std::size_t row = 0; row < batch.row_count(); ++row, ++cells_.row_count) {
    for (std::size_t i = 0; i < key_columns_.size(); ++i) {
      key_values_[i] = ValueAt(batch.column(key_columns_[i]), row);
    }
    const Instant time = batch.column(time_column_).Timestamp(row);
    if (fixed_end_ && time >= *fixed_end_) {
      LeaveOut(time);
      continue;
    }
    // A day less than what the calendar has, so that no zone leads out of it.
    if (time < kYear1 + std::chrono::days(1) || time >= kYear10000 - std::chrono::days(1)) {
      if (!end_period_ || time < kYear10000 - std::chrono::days(1)) return NoSuchTime(time);
      can_go_on_ = false;
      LeaveOut(time);
      continue;
    }
    const CivilTime civil = zone_.ToCivil(time);
    const PeriodIndex period = PeriodOf(time, civil, aggregate_.period);
    if (const auto source = FindNotFinite(batch, row)) {
      if (Counts(period)) {
        return NotFinite(period, batch.schema().columns[sources_.columns[*source]].name);
      }
      can_go_on_ = false;  // it is refused when it counts, and a cell would have forgotten it
      LeaveOut(time);
      continue;
    }
    Take(batch, row, time, civil, period);
  }
  return {};
}

Error GridAggregator::NoSuchTime(Instant time) const {
  return {ErrorCode::kRefusedData,
          fmt::format("{}: \"{}\" is {}, and no {} can begin or end there: if it stands for "
                      "\"no end\", leave such rows out with a query or by \"until\"",
                      KeyText(spec_.key, key_values_), spec_.time, IsoTimestamp(time),
                      ToString(aggregate_.period)),
          spec_.time};
}

Error GridAggregator::NotFinite(PeriodIndex period, const std::string& column) const {
  return {
      ErrorCode::kRefusedData,
      fmt::format("{}, {} of {}: \"{}\" is not a finite number", KeyText(spec_.key, key_values_),
                  ToString(aggregate_.period), TextOf(period), column),
      column};
}

std::optional<std::size_t> GridAggregator::FindNotFinite(const Table& batch,
                                                         std::size_t row) const {
  for (std::size_t i = 0; i < sources_.columns.size(); ++i) {
    const Column& column = batch.column(sources_.columns[i]);
    if (!column.IsMissing(row) && !std::isfinite(NumberAt(column, row))) return i;
  }
  return std::nullopt;
}

void GridAggregator::Take(const Table& batch, std::size_t row, Instant time, const CivilTime& civil,
                          PeriodIndex period) {
  const std::uint32_t key = NumberOf(EncodeKey(key_values_, key_scratch_));
  Tally(time, DayOf(civil), period, key);
  rows_.keys.push_back(key);
  rows_.periods.push_back(static_cast<std::int32_t>(period));
  rows_.numbers_in_source.push_back(static_cast<std::uint32_t>(cells_.row_count));
  if (keeps_times_) rows_.times.push_back(ToMicros(time));
  if (known_column_) {
    rows_.known.push_back(ToMicros(batch.column(*known_column_).Timestamp(row)));
  }
  for (std::size_t i = 0; i < sources_.columns.size(); ++i) {
    rows_.numbers[i].push_back(NumberAt(batch.column(sources_.columns[i]), row));
  }
}

void GridAggregator::Tally(Instant time, sys_days day, PeriodIndex period, std::uint32_t key) {
  const std::int64_t at = ToMicros(time);
  const std::int64_t on = day.time_since_epoch().count();
  const auto [found, is_new] = tallies_.try_emplace(period);
  PeriodRows& tally = found->second;
  if (is_new) {
    const Instant end = StartOf(period + 1, aggregate_.period, zone_);
    tally = {.period = period,
             .first_day = on,
             .last_day = on,
             .first_time = at,
             .last_time = at,
             .visible_from = ToMicros(end) + spec_.delay.count(),
             .first_key = key,
             .first_row = static_cast<std::uint32_t>(cells_.row_count)};
  }
  ++tally.rows;
  tally.first_day = std::min(tally.first_day, on);
  tally.last_day = std::max(tally.last_day, on);
  tally.first_time = std::min(tally.first_time, at);
  tally.last_time = std::max(tally.last_time, at);
}

void GridAggregator::LeaveOut(Instant time) {
  RowsBehind& behind = cells_.behind;
  if (behind.count++ == 0) {
    cells_.behind_key = KeyText(spec_.key, key_values_);
    behind.first_row = cells_.row_count;
  }
  behind.first_time = std::min(behind.first_time, ToMicros(time));
  behind.last_time = std::max(behind.last_time, ToMicros(time));
}

void GridAggregator::MergeRows() {
  GridCells after(spec_);
  after.behind = cells_.behind;
  after.behind_key = cells_.behind_key;
  after.row_count = cells_.row_count;
  for (const std::string_view key : keys_) {
    after.key_bytes += key;
    after.key_ends.push_back(after.key_bytes.size());
  }
  for (const auto& [period, tally] : tallies_) after.tallies.push_back(tally);
  std::ranges::sort(after.tallies, {}, &PeriodRows::period);
  MergeCells(cells_, rows_, sources_, after);
  rows_ = {};
  cells_ = std::move(after);
}

std::span<const PeriodRows> GridAggregator::CountedTallies() const {
  const auto end = std::ranges::partition_point(
      cells_.tallies, [this](const PeriodRows& one) { return Counts(one.period); });
  return std::span(cells_.tallies).first(static_cast<std::size_t>(end - cells_.tallies.begin()));
}

std::vector<GridAggregator::CountedKey> GridAggregator::CountedKeys() const {
  std::vector<CountedKey> keys;
  for (std::size_t key = 0; key < cells_.key_count(); ++key) {
    CountedKey one{.number = static_cast<std::uint32_t>(key),
                   .first_row = std::numeric_limits<std::uint32_t>::max(),
                   .begin = cells_.CellsBegin(key)};
    for (one.end = one.begin; one.end < cells_.cell_ends[key] && Counts(cells_.periods[one.end]);
         ++one.end) {
      one.first_row = std::min(one.first_row, cells_.first_rows[one.end]);
    }
    if (one.begin < one.end) keys.push_back(one);
  }
  std::ranges::sort(keys, {}, &CountedKey::first_row);
  return keys;
}

Error GridAggregator::MostlyHole(std::span<const FilledPeriod> filled, const GridHole& hole) const {
  const PeriodIndex behind = filled[hole.behind].period;
  std::uint64_t after = 0;
  std::uint64_t all = 0;
  for (const PeriodRows& one : CountedTallies()) {
    all += one.rows;
    if (one.period >= behind) after += one.rows;
  }
  const bool few_are_behind = after * 2 <= all;
  const PeriodRows* first = nullptr;
  for (const PeriodRows& one : CountedTallies()) {
    if ((one.period >= behind) != few_are_behind) continue;
    if (first == nullptr || one.first_row < first->first_row) first = &one;
  }
  const std::uint64_t few = few_are_behind ? after : all - after;
  return {
      ErrorCode::kRefusedData,
      fmt::format("no row of any key lies in the {} periods before the {} of {}, more than all "
                  "others together: is the time of the {} {} {} it wrong ({})? Correct it, leave "
                  "it out with a query{}, or count it all the same with \"until\": \"last_row\"",
                  hole.length, ToString(aggregate_.period), TextOf(behind), few, Rows(few),
                  few_are_behind ? "behind" : "before",
                  Describe(cells_.KeyAt(first->first_key), first->period),
                  few_are_behind ? " or \"until\": a date" : ""),
      spec_.time};
}

Result<GridAggregator::Extent> GridAggregator::ExtentOf() const {
  const Period period = aggregate_.period;
  const std::span<const PeriodRows> tallies = CountedTallies();
  Extent extent;
  if (tallies.empty()) return extent;
  const bool drops = aggregate_.partial == PartialPeriods::kDrop && IsLongerThanADay(period);
  extent.first = tallies.front().period;
  extent.last = tallies.back().period;
  const auto first_of = [period](PeriodIndex index) {
    return FirstDayOf(index, period).time_since_epoch().count();
  };
  if (drops && first_of(extent.first) != tallies.front().first_day) ++extent.first;
  const auto is_begun = [&](const PeriodRows& one) {
    return drops && first_of(one.period + 1) != one.last_day + 1;
  };
  const bool last_is_begun = is_begun(tallies.back());
  if (aggregate_.until != GridEnd::kLastRow) {
    std::vector<FilledPeriod> filled;
    for (const PeriodRows& one : tallies) filled.push_back({one.period, one.keys});
    const std::size_t body = JudgesEnd() ? CountBeforeThinEnd(filled, period) : filled.size();
    const std::span<const FilledPeriod> kept(filled.data(), body);
    if (const auto hole = FindExcessiveHole(kept, period)) return MostlyHole(kept, *hole);
    const PeriodIndex end = kept.back().period;
    // The period that has just begun has rows of few keys as often as not, and is dropped anyway.
    const bool just_begun = last_is_begun && end + 1 == extent.last;
    if (body < filled.size() && !just_begun) {
      extent.last = is_begun(tallies[body - 1]) ? end - 1 : end;
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

sys_days GridAggregator::FirstDay() const {
  const auto first = std::ranges::min(CountedTallies(), {}, &PeriodRows::first_day);
  return sys_days(std::chrono::days(first.first_day));
}

sys_days GridAggregator::LastDay() const {
  const auto last = std::ranges::max(CountedTallies(), {}, &PeriodRows::last_day);
  return sys_days(std::chrono::days(last.last_day));
}

std::string GridAggregator::BehindText() const {
  RowsBehind behind = cells_.behind;
  std::string first_key = cells_.behind_key;
  for (const PeriodRows& one : cells_.tallies) {
    if (Counts(one.period)) continue;
    if (behind.count == 0 || one.first_row < behind.first_row) {
      behind.first_row = one.first_row;
      first_key = KeyName(cells_.KeyAt(one.first_key));
    }
    behind.count += one.rows;
    behind.first_time = std::min(behind.first_time, one.first_time);
    behind.last_time = std::max(behind.last_time, one.last_time);
  }
  if (behind.count == 0) return {};
  return fmt::format("{} {} from {} to {} (the first of {}) lie{} after {}", behind.count,
                     Rows(behind.count), IsoTimestamp(FromMicros(behind.first_time)),
                     IsoTimestamp(FromMicros(behind.last_time)), first_key,
                     behind.count == 1 ? "s" : "",
                     aggregate_.until == GridEnd::kDay ? DateText(aggregate_.until_day) : "today");
}

std::string GridAggregator::ThinText(const Extent& extent) const {
  if (!extent.thin_from) return {};
  std::uint64_t count = 0;
  const PeriodRows* first = nullptr;
  for (const PeriodRows& one : CountedTallies()) {
    if (one.period < *extent.thin_from) continue;
    count += one.rows;
    if (first == nullptr || one.first_row < first->first_row) first = &one;
  }
  return fmt::format(
      "{} {} (the first of {}) from the {} of {} on {} of too few keys ({} of {}) for the others "
      "to have had nothing",
      count, Rows(count), KeyName(cells_.KeyAt(first->first_key)), ToString(aggregate_.period),
      TextOf(*extent.thin_from), count == 1 ? "is" : "are", extent.thin_keys, counted_keys_.size());
}

std::string GridAggregator::LeftOutText(const Extent& extent, const Grid& grid) const {
  std::string text;
  const auto add = [&text](std::string_view reason) {
    if (reason.empty()) return;
    text += text.empty() ? "" : "; ";
    text += reason;
  };
  add(BehindText());
  add(ThinText(extent));
  if (!text.empty() && aggregate_.until == GridEnd::kJudged) {
    text +=
        ". Correct such rows, or say in \"aggregate\" where the data end: \"until\": \"last_full\" "
        "leaves them out, \"last_row\" counts them, a date or \"today\" ends the data there";
  }
  const std::span<const PeriodRows> tallies = CountedTallies();
  if (grid.keys.empty() && !tallies.empty()) {
    std::uint64_t rows = 0;
    for (const PeriodRows& one : tallies) rows += one.rows;
    add(fmt::format(
        "all {} {}, from {} to {}, lie in the first or the last {}, which they do not "
        "fill: \"partial\": \"keep\" counts such",
        rows, Rows(rows), DateText(FirstDay()), DateText(LastDay()), ToString(aggregate_.period)));
  }
  return text;
}

Result<Grid> GridAggregator::LayOut(const Extent& extent) const {
  Grid grid;
  if (counted_keys_.empty()) return grid;
  const Period period = aggregate_.period;
  const PeriodIndex first = extent.first;
  const PeriodIndex last = extent.last;
  std::int64_t cells = 0;
  for (const CountedKey& counted : counted_keys_) {
    const PeriodIndex of_first = cells_.periods[counted.begin];
    const PeriodIndex of_last = cells_.periods[counted.end - 1];
    const PeriodIndex begin =
        aggregate_.from == GridBound::kAll ? first : std::max(first, of_first);
    const PeriodIndex end = aggregate_.to == GridBound::kAll ? last : std::min(last, of_last);
    const std::string_view key = cells_.KeyAt(counted.number);
    snapshot_format::KeyEntry entry{.bytes_offset = grid.key_bytes.size(),
                                    .row_begin = static_cast<std::uint64_t>(cells),
                                    .bytes_size = static_cast<std::uint32_t>(key.size()),
                                    .first_period = static_cast<std::int32_t>(begin)};
    if (begin <= end) {
      cells += end - begin + 1;
      entry.row_count = static_cast<std::uint32_t>(end - begin + 1);
    }
    if (cells > kMaxGridRows) {
      return Error{ErrorCode::kRefusedData,
                   "the grid of " + std::to_string(counted_keys_.size()) + " key(s) from " +
                       DateText(FirstDay()) + " to " + DateText(LastDay()) + " has more than " +
                       std::to_string(kMaxGridRows) + " periods; is a time wrong?",
                   spec_.time};
    }
    grid.key_bytes.append(key);
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

RevisedCells GridAggregator::CellsOf(const CountedKey& counted,
                                     const snapshot_format::KeyEntry& entry) const noexcept {
  const std::span<const std::int32_t> periods =
      std::span(cells_.periods).subspan(counted.begin, counted.end - counted.begin);
  const std::int64_t behind = std::int64_t{entry.first_period} + entry.row_count;
  const auto first = std::ranges::lower_bound(periods, entry.first_period);
  const auto last = std::ranges::lower_bound(first, periods.end(), behind);
  return {.begin = counted.begin + static_cast<std::size_t>(first - periods.begin()),
          .end = counted.begin + static_cast<std::size_t>(last - periods.begin()),
          .first_period = entry.first_period,
          .row_begin = entry.row_begin};
}

Status GridAggregator::CheckCell(std::size_t position, std::size_t cell,
                                 std::string_view key) const {
  const AggregateValue& value = aggregate_.values[position];
  const Accumulator& accumulator = cells_.values[position];
  if (value.op == AggregateOp::kOnly && accumulator.count(cell) > 1) {
    return Error{ErrorCode::kRefusedData,
                 fmt::format("{}: two rows with \"{}\", expected one",
                             Describe(key, cells_.periods[cell]), value.column),
                 value.column};
  }
  if (!std::isinf(accumulator.ValueAt(cell))) return {};
  return Error{ErrorCode::kRefusedData,
               fmt::format("{}: the {} of \"{}\" is too large for a double",
                           Describe(key, cells_.periods[cell]), ToString(value.op), value.column),
               value.column};
}

Status GridAggregator::Fill(std::size_t position, const Grid& grid,
                            std::vector<double>& cells) const {
  const Accumulator& accumulator = cells_.values[position];
  cells.assign(grid.times.size(), kMissingNumber);
  for (std::size_t i = 0; i < counted_keys_.size(); ++i) {
    const RevisedCells of_key = CellsOf(counted_keys_[i], grid.keys[i]);
    for (std::size_t cell = of_key.begin; cell < of_key.end; ++cell) {
      Status good = CheckCell(position, cell, cells_.KeyAt(counted_keys_[i].number));
      if (!good) return good;
      const auto offset = static_cast<std::size_t>(cells_.periods[cell] - of_key.first_period);
      cells[of_key.row_begin + offset] = accumulator.ValueAt(cell);
    }
  }
  FillEmpty(aggregate_.values[position].empty, grid, cells);
  return {};
}

void GridAggregator::HideCensored(Grid& grid) const {
  for (std::size_t i = 0; i < aggregate_.values.size(); ++i) {
    const std::optional<std::size_t> by = aggregate_.CensoredBy(i);
    if (!by) continue;
    for (std::size_t row = 0; row < grid.times.size(); ++row) {
      if (IsCensoring(grid.columns[*by][row])) grid.columns[i][row] = kMissingNumber;
    }
  }
}

void GridAggregator::AddRevisions(Grid& grid) const {
  std::vector<RevisedColumn> columns;
  for (std::size_t i = 0; i < aggregate_.values.size(); ++i) {
    const AggregateValue& value = aggregate_.values[i];
    columns.push_back({.op = value.op,
                       .empty = &value.empty,
                       .source = sources_.of_value[i],
                       .censored_by = aggregate_.CensoredBy(i)});
  }
  grid.revisions.before.resize(columns.size());
  for (std::size_t i = 0; i < counted_keys_.size(); ++i) {
    snapshot_format::KeyEntry& key = grid.keys[i];
    const std::span<const std::int64_t> visible_from =
        std::span<const std::int64_t>(grid.visible_from).subspan(key.row_begin, key.row_count);
    key.step_begin = grid.revisions.instants.size();
    AppendRevisions(cells_, CellsOf(counted_keys_[i], key), columns, visible_from, grid.revisions);
    key.step_count = static_cast<std::uint32_t>(grid.revisions.instants.size() - key.step_begin);
  }
}

Result<Grid> GridAggregator::Finish() {
  MergeRows();
  counted_keys_ = CountedKeys();
  const Result<Extent> extent = ExtentOf();
  if (!extent) return extent.error();
  Result<Grid> grid = LayOut(*extent);
  if (!grid) return grid;
  grid->columns.resize(aggregate_.values.size());
  for (std::size_t i = 0; i < grid->columns.size(); ++i) {
    if (Status filled = Fill(i, *grid, grid->columns[i]); !filled) return std::move(filled).error();
  }
  HideCensored(*grid);
  if (known_column_) AddRevisions(*grid);
  // A key whose rows all lie in partial periods has nothing to read.
  std::erase_if(grid->keys, [](const auto& key) { return key.row_count == 0; });
  grid->left_out = LeftOutText(*extent, *grid);
  return grid;
}

std::optional<GridCells> GridAggregator::TakeCells() {
  if (!can_go_on_) return std::nullopt;
  return std::move(cells_);
}

}  // namespace forkcast::preprocessing
