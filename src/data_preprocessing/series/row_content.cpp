// A row has two times: the one it is about, and the one from which it was known. (Snodgrass & Ahn,
// "A taxonomy of time in databases", SIGMOD 1985: valid time and transaction time.) What was in
// force at an instant is the newest row by the first among those visible by the second, which no
// single order of the rows answers. So it is answered here, once: walking a key's rows in the order
// in which they become visible, each that is newer than all before begins a *step*. A lookup is one
// binary search over steps, and a series without known_at, where both orders agree, needs none.

#include "data_preprocessing/series/row_content.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "data_preprocessing/series/key_codec.hpp"

namespace forkcast::preprocessing {

using snapshot_format::KeyEntry;

void RowContent::Values::Append(const Column& column, std::size_t row) {
  const bool is_missing = column.IsMissing(row);
  if (type == ColumnType::kText) {
    codes.push_back(is_missing ? snapshot_format::kMissingText : texts.NumberOf(column.Text(row)));
    return;
  }
  AppendNumber(type == ColumnType::kDouble ? std::bit_cast<std::int64_t>(column.Double(row))
                                           : column.Int64(row),
               is_missing);
}

void RowContent::Values::Append(const Value& value) {
  struct Appender {
    Values& values;
    void operator()(std::monostate /*missing*/) const {
      if (values.type == ColumnType::kText) {
        values.codes.push_back(snapshot_format::kMissingText);
      } else {
        values.AppendNumber(0, true);
      }
    }
    void operator()(std::string_view text) const {
      values.codes.push_back(values.texts.NumberOf(text));
    }
    void operator()(double number) const {
      values.AppendNumber(std::bit_cast<std::int64_t>(number), false);
    }
    void operator()(std::int64_t number) const { values.AppendNumber(number, false); }
    void operator()(bool flag) const { values.AppendNumber(flag ? 1 : 0, false); }
    void operator()(Instant instant) const { values.AppendNumber(ToMicros(instant), false); }
  };
  std::visit(Appender{*this}, value);
}

void RowContent::Values::AppendNumber(std::int64_t bits, bool is_missing) {
  numbers.push_back(bits);
  if (!is_missing && missing.empty()) return;
  missing.Resize(numbers.size() - 1, 0);
  missing.push_back(is_missing ? 1 : 0);
}

bool RowContent::Values::IsMissing(std::size_t row) const noexcept {
  if (type == ColumnType::kText) return codes[row] == snapshot_format::kMissingText;
  return !missing.empty() && missing[row] != 0;
}

RowContent::RowContent(const SeriesSpec& spec)
    : spec_(spec), values_(spec.ValueSchema().columns.size()) {
  const Schema read = spec.ReadSchema();
  for (const std::string& name : spec.key) key_columns_.push_back(*read.Find(name));
  if (!spec.is_static()) {
    time_column_ = read.Find(spec.time);
    known_column_ = read.Find(spec.known_at);
  }
  key_values_.resize(key_columns_.size());
  const Schema values = spec.ValueSchema();
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const ColumnSpec& column = values.columns[i];
    values_[i].type = column.type;
    values_[i].source = *read.Find(column.name);
    values_[i].is_skipped =
        std::ranges::find(spec.skip_missing, column.name) != spec.skip_missing.end();
  }
}

void RowContent::Add(const Table& batch) {
  const std::size_t first = row_count();
  for (std::size_t row = 0; row < batch.row_count(); ++row) {
    for (std::size_t i = 0; i < key_columns_.size(); ++i) {
      key_values_[i] = ValueAt(batch.column(key_columns_[i]), row);
    }
    key_of_row_.push_back(keys_.NumberOf(EncodeKey(key_values_, key_scratch_)));
    if (time_column_) {
      times_.push_back(ToMicros(batch.column(*time_column_).Timestamp(row)));
    }
    if (known_column_) {
      known_.push_back(ToMicros(batch.column(*known_column_).Timestamp(row)));
    }
    if (time_column_) watermark_us_ = std::max(watermark_us_, KnownFrom(first + row));
  }
  for (Values& values : values_) {
    const Column& column = batch.column(values.source);
    for (std::size_t row = 0; row < batch.row_count(); ++row) values.Append(column, row);
  }
}

void RowContent::Add(const SnapshotFile& file) {
  for (std::size_t key = 0; key < file.key_count(); ++key) {
    const SnapshotFile::KeyRows rows = file.RowsAt(key);
    const std::uint32_t number = keys_.NumberOf(file.KeyBytesAt(key));
    for (std::uint64_t row = rows.row_begin; row < rows.row_begin + rows.row_count; ++row) {
      key_of_row_.push_back(number);
      if (time_column_) times_.push_back(ToMicros(file.TimeAt(row)));
      // Later than the column says where the row was known before its time, which nobody reads.
      if (known_column_) known_.push_back(ToMicros(file.VisibleFrom(row)));
      for (std::size_t i = 0; i < values_.size(); ++i) values_[i].Append(file.ValueAt(i, row));
    }
  }
  if (const auto watermark = file.watermark()) {
    watermark_us_ = std::max(watermark_us_, ToMicros(*watermark));
  }
}

std::int64_t RowContent::TimeOf(std::size_t row) const noexcept {
  return time_column_ ? times_[row] : INT64_MIN;
}

std::int64_t RowContent::KnownFrom(std::size_t row) const noexcept {
  if (known_column_) return known_[row];
  return time_column_ ? times_[row] + spec_.delay.count() : INT64_MIN;
}

std::int64_t RowContent::VisibleFrom(std::size_t row) const noexcept {
  // A row known before its time (a planned price) still says nothing about earlier instants, unless
  // the series is there to be asked for what was planned.
  return spec_.known_in_advance ? KnownFrom(row) : std::max(TimeOf(row), KnownFrom(row));
}

std::int64_t RowContent::InForceFrom(std::uint64_t position) const noexcept {
  const std::uint32_t row = order_[position];
  return std::max(TimeOf(row), VisibleFrom(row));
}

void RowContent::GroupByKey() {
  count_of_key_.Resize(keys_.size(), 0);
  for (const std::uint32_t key : key_of_row_.span()) ++count_of_key_[key];
  GrowingArray<std::uint32_t> next;
  next.Resize(keys_.size(), 0);
  std::exclusive_scan(count_of_key_.span().begin(), count_of_key_.span().end(), next.span().begin(),
                      std::uint32_t{0});
  order_.Resize(row_count(), 0);
  for (std::uint32_t row = 0; row < key_of_row_.size(); ++row) {
    order_[next[key_of_row_[row]]++] = row;
  }
}

std::size_t RowContent::DropOvertaken(std::span<std::uint32_t> group) const {
  // From the last to the first; those kept gather at the end, where they were looked at before.
  std::size_t kept = group.size();
  std::int64_t earliest = INT64_MAX;
  std::int64_t time_behind = 0;
  for (std::size_t i = group.size(); i-- > 0;) {
    const std::uint32_t row = group[i];
    const bool is_last_of_time = i + 1 == group.size() || time_behind != TimeOf(row);
    time_behind = TimeOf(row);
    if (is_last_of_time) earliest = INT64_MAX;
    if (i + 1 < group.size() && VisibleFrom(row) >= earliest) continue;
    earliest = VisibleFrom(row);
    group[--kept] = row;
  }
  for (std::size_t i = kept; i < group.size(); ++i) group[i - kept] = group[i];
  return group.size() - kept;
}

template <typename Visit>
void RowContent::ForEachKey(const Visit& visit) const {
  std::uint64_t begin = 0;
  for (std::size_t key = 0; key < count_of_key_.size(); ++key) {
    visit(key, begin);
    begin += count_of_key_[key];
  }
}

void RowContent::AddSteps(std::vector<std::uint64_t>& positions, Steps& steps) const {
  // Ascending in (time, ingestion), so the row in force is the greatest position visible so far.
  const std::size_t begin = steps.rows.size();
  std::ranges::sort(positions, {}, [this](std::uint64_t position) {
    return std::pair(InForceFrom(position), position);
  });
  for (const std::uint64_t position : positions) {
    const std::int64_t instant = InForceFrom(position);
    const std::size_t count = steps.rows.size();
    const bool first_step = count == begin;
    if (!first_step && position <= steps.rows[count - 1]) continue;
    if (!first_step && steps.instants[count - 1] == instant) {
      steps.rows[count - 1] = position;
    } else {
      steps.instants.push_back(instant);
      steps.rows.push_back(position);
    }
  }
}

void RowContent::Arrange() {
  GroupByKey();
  key_of_row_.Release();
  std::size_t end = 0;  // of those kept
  std::size_t next = 0;
  for (std::uint32_t& count : count_of_key_.span()) {
    const std::span<std::uint32_t> group = order_.span().subspan(next, count);
    next += count;
    const auto time = [this](std::uint32_t row) { return TimeOf(row); };
    if (!std::ranges::is_sorted(group, {}, time)) std::ranges::stable_sort(group, {}, time);
    // One that was overtaken without a value is asked for all the same.
    if (spec_.skip_missing.empty()) count = static_cast<std::uint32_t>(DropOvertaken(group));
    for (std::uint32_t i = 0; i < count; ++i) order_[end++] = group[i];
  }
  order_.Resize(end, 0);
  if (is_uniform()) return;
  std::vector<std::uint64_t> positions;
  ForEachKey([&](std::size_t key, std::uint64_t begin) {
    const std::size_t before = steps_.rows.size();
    positions.resize(count_of_key_[key]);
    std::iota(positions.begin(), positions.end(), begin);
    AddSteps(positions, steps_);
    steps_of_key_.push_back(static_cast<std::uint32_t>(steps_.rows.size() - before));
  });
}

snapshot_format::Header RowContent::header() const {
  using snapshot_format::Visibility;
  return {.key_count = count_of_key_.size(),
          .row_count = order_.size(),
          .step_count = steps_.rows.size(),
          .delay_us = spec_.delay.count(),
          .watermark_us = watermark_us_,
          .visibility = is_uniform() ? Visibility::kUniform : Visibility::kSteps};
}

void RowContent::WriteKeys(SectionWriter& writer) {
  writer.Add(keys_.buckets());
  keys_.ReleaseBuckets();
  std::uint64_t bytes = 0;
  std::uint64_t rows = 0;
  std::uint64_t steps = 0;
  writer.AddEach(keys_.size(), [&](std::size_t key) {
    const KeyEntry entry{.bytes_offset = bytes,
                         .row_begin = rows,
                         .step_begin = steps,
                         .bytes_size = static_cast<std::uint32_t>(keys_.TextAt(key).size()),
                         .row_count = count_of_key_[key],
                         .step_count = steps_of_key_.empty() ? 0 : steps_of_key_[key]};
    bytes += entry.bytes_size;
    rows += entry.row_count;
    steps += entry.step_count;
    return entry;
  });
  writer.Add(keys_.characters());
  keys_ = {};
}

void RowContent::WriteTimes(SectionWriter& writer) {
  const std::size_t count = order_.size();
  writer.AddEach(count, [this](std::size_t position) { return TimeOf(order_[position]); });
  const auto visible_from = [this](std::size_t position) { return VisibleFrom(order_[position]); };
  writer.AddEach(is_uniform() ? 0 : count, visible_from);
  writer.Add(std::as_const(steps_.instants).span());
  writer.Add(std::as_const(steps_.rows).span());
  steps_ = {};
}

void RowContent::WriteTexts(Values& values, SectionWriter& writer) const {
  // A snapshot numbers texts in the order of its rows, of which some were left out.
  GrowingArray<std::uint32_t> number_of;
  number_of.Resize(values.texts.size(), snapshot_format::kMissingText);
  GrowingArray<std::uint32_t> texts;  // the other way round
  writer.AddEach(order_.size(), [&](std::size_t position) {
    const std::uint32_t code = values.codes[order_[position]];
    if (code == snapshot_format::kMissingText) return code;
    if (number_of[code] == snapshot_format::kMissingText) {
      number_of[code] = static_cast<std::uint32_t>(texts.size());
      texts.push_back(code);
    }
    return number_of[code];
  });
  std::uint64_t end = 0;
  writer.AddEach(texts.size(),
                 [&](std::size_t i) { return end += values.texts.TextAt(texts[i]).size(); });
  writer.Begin();
  for (const std::uint32_t text : texts.span()) {
    writer.Write(std::as_bytes(std::span<const char>(values.texts.TextAt(text))));
  }
  writer.End();
}

void RowContent::WriteNumbers(const Values& values, SectionWriter& writer) const {
  const std::size_t count = order_.size();
  writer.AddEach(count, [&](std::size_t position) { return values.numbers[order_[position]]; });
  const auto is_missing = [&](std::size_t position) {
    return static_cast<std::uint8_t>(values.IsMissing(order_[position]));
  };
  const bool is_complete =
      std::ranges::none_of(order_.span(), [&](std::uint32_t row) { return values.IsMissing(row); });
  writer.AddEach(is_complete ? 0 : count, is_missing);
  writer.AddEmpty();
}

void RowContent::WriteColumn(std::size_t column, SectionWriter& writer) {
  Values& values = values_[column];
  if (values.type == ColumnType::kText) {
    WriteTexts(values, writer);
  } else {
    WriteNumbers(values, writer);
  }
  if (!values.is_skipped) values = {};
}

void RowContent::WriteValueSteps(std::size_t column, SectionWriter& writer) {
  const Values& values = values_[column];
  Steps steps;
  std::vector<std::uint64_t> positions;
  if (values.is_skipped) {
    ForEachKey([&](std::size_t key, std::uint64_t begin) {
      positions.clear();
      const std::uint64_t end = begin + count_of_key_[key];
      for (std::uint64_t i = begin; i < end; ++i) {
        if (!values.IsMissing(order_[i])) positions.push_back(i);
      }
      AddSteps(positions, steps);
      // At the places of the key's rows; what is left over never comes.
      steps.instants.Resize(end, snapshot_format::kNoStep);
      steps.rows.Resize(end, 0);
    });
  }
  writer.Add(std::as_const(steps.instants).span());
  writer.Add(std::as_const(steps.rows).span());
}

}  // namespace forkcast::preprocessing
