// A row has two times: the one it is about, and the one from which it was known. (Snodgrass & Ahn,
// "A taxonomy of time in databases", SIGMOD 1985: valid time and transaction time.) What was in
// force at an instant is the newest row by the first among those visible by the second, which no
// single order of the rows answers. So it is answered here, once: walking a key's rows in the order
// in which they become visible, each that is newer than all before begins a *step*. A lookup is one
// binary search over steps, and a series without known_at, where both orders agree, needs none.

#include "data_preprocessing/series/snapshot_builder.hpp"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <numeric>
#include <span>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/base/mapped_file.hpp"
#include "data_preprocessing/series/key_codec.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "data_preprocessing/series/snapshot_format.hpp"

namespace forkcast::preprocessing {
namespace {

using snapshot_format::Header;
using snapshot_format::KeyEntry;
using snapshot_format::Section;
using snapshot_format::Visibility;

constexpr std::size_t kMaxRows = 0xFFFFFFFE;  // key numbers and dictionary codes have 32 bits

struct TextHash {
  std::size_t operator()(std::string_view text) const noexcept {
    return XXH3_64bits(text.data(), text.size());
  }
};
using TextNumbers = std::unordered_map<std::string_view, std::uint32_t, TextHash>;

/// Writes aligned sections one behind the other and remembers where they are.
class SectionWriter {
 public:
  SectionWriter(AtomicFile& file, std::size_t section_count) : file_(file) {
    sections_.reserve(section_count);
    end_ = sizeof(Header) + section_count * sizeof(Section);
    file_.Write(std::string(end_, '\0'));  // filled in by Finish()
  }

  template <typename T>
  void Add(std::span<const T> elements) {
    const std::uint64_t aligned = (end_ + snapshot_format::kAlignment - 1) /
                                  snapshot_format::kAlignment * snapshot_format::kAlignment;
    file_.Write(std::string(aligned - end_, '\0'));
    file_.Write(std::as_bytes(elements));
    sections_.push_back({.offset = aligned, .size = elements.size_bytes()});
    end_ = aligned + elements.size_bytes();
  }
  void Add(std::string_view text) { Add(std::span<const char>(text)); }
  void AddEmpty() { Add(std::string_view()); }

  /// Writes header and section table, then the checksum over all.
  void Finish(Header header) {
    header.file_size = end_;
    file_.WriteAt(0, std::as_bytes(std::span(&header, 1)));
    file_.WriteAt(sizeof header, std::as_bytes(std::span(sections_)));
    header.checksum = snapshot_format::ComputeChecksum(MappedFile(file_.temporary_path()).bytes());
    file_.WriteAt(0, std::as_bytes(std::span(&header, 1)));
  }

 private:
  AtomicFile& file_;
  std::vector<Section> sections_;
  std::uint64_t end_ = 0;
};

/// From which instant on which row is in force: its position.
struct Steps {
  std::vector<std::int64_t> instants;
  std::vector<std::uint64_t> rows;
};

/// The rows of a series in the order in which the file holds them.
struct Arrangement {
  Visibility visibility = Visibility::kUniform;
  std::vector<std::uint32_t> rows;  // row numbers of the input table; not of a grid
  std::vector<std::int64_t> times;
  std::vector<std::int64_t> visible_from;
  Steps steps;  // of positions in `rows`
  std::vector<KeyEntry> keys;
  std::string key_bytes;
  std::int64_t watermark_us = snapshot_format::kNoWatermark;
  std::string left_out;
  /// By value column: the steps among the rows with a value (ValueSteps); empty where nobody asks.
  std::vector<Steps> value_steps;
};

/// Instants of the input's rows: their time, when they were known, and from when they count.
struct RowInstants {
  std::vector<std::int64_t> time;
  std::vector<std::int64_t> known;
  std::vector<std::int64_t> visible_from;
};

RowInstants InstantsOf(const SeriesSpec& spec, const Table& rows) {
  const std::size_t count = rows.row_count();
  RowInstants instants;
  if (spec.is_static()) {
    instants.time.assign(count, INT64_MIN);
    instants.visible_from = instants.known = instants.time;
    return instants;
  }
  const Column& time = rows.column(*rows.schema().Find(spec.time));
  const auto known_column = rows.schema().Find(spec.known_at);
  for (std::size_t row = 0; row < count; ++row) {
    const std::int64_t at = ToMicros(time.Timestamp(row));
    const std::int64_t known = known_column ? ToMicros(rows.column(*known_column).Timestamp(row))
                                            : at + spec.delay.count();
    instants.time.push_back(at);
    instants.known.push_back(known);
    // A row known before its time (a planned price) still says nothing about earlier instants,
    // unless the series is there to be asked for what was planned.
    instants.visible_from.push_back(spec.known_in_advance ? known : std::max(at, known));
  }
  return instants;
}

/// Drops from `group`, rows of one key ascending in (time, ingestion), those that can never be
/// read: of the same time, overtaken by a later ingested row that was visible no later.
void DropOvertaken(const RowInstants& instants, std::vector<std::uint32_t>& group) {
  std::vector<std::uint32_t> kept;  // from last to first
  std::int64_t earliest = INT64_MAX;
  for (std::size_t i = group.size(); i-- > 0;) {
    const std::uint32_t row = group[i];
    if (i + 1 == group.size() || instants.time[group[i + 1]] != instants.time[row]) {
      earliest = INT64_MAX;
    }
    if (i + 1 < group.size() && instants.visible_from[row] >= earliest) continue;
    earliest = instants.visible_from[row];
    kept.push_back(row);
  }
  group.assign(kept.rbegin(), kept.rend());
}

/// For each instant at which another row comes into force: the instant and that row. `order`:
/// positions, which are ascending in (time, ingestion), so the row in force is the greatest
/// position visible so far; it is sorted anew.
template <typename InForceFrom>
void AddSteps(std::span<std::uint64_t> order, InForceFrom in_force_from, Steps& steps) {
  const std::size_t begin = steps.rows.size();
  std::ranges::sort(order, {}, [&in_force_from](std::uint64_t position) {
    return std::pair(in_force_from(position), position);
  });
  for (const std::uint64_t position : order) {
    const std::int64_t instant = in_force_from(position);
    const bool first_step = steps.rows.size() == begin;
    if (!first_step && position <= steps.rows.back()) continue;
    if (!first_step && steps.instants.back() == instant) {
      steps.rows.back() = position;
    } else {
      steps.instants.push_back(instant);
      steps.rows.push_back(position);
    }
  }
}

/// The steps of each key among its rows with a value of `column`, at the places of its rows; what
/// they leave over never comes.
Steps ValueSteps(const Column& column, const Arrangement& arranged,
                 std::span<const std::int64_t> in_force_from) {
  Steps steps;
  for (const KeyEntry& key : arranged.keys) {
    std::vector<std::uint64_t> order;
    for (std::uint64_t i = key.row_begin; i < key.row_begin + key.row_count; ++i) {
      if (!column.IsMissing(arranged.rows[i])) order.push_back(i);
    }
    Steps of_key;
    AddSteps(
        order, [&](std::uint64_t i) { return in_force_from[i]; }, of_key);
    of_key.instants.resize(key.row_count, snapshot_format::kNoStep);
    of_key.rows.resize(key.row_count);
    steps.instants.insert(steps.instants.end(), of_key.instants.begin(), of_key.instants.end());
    steps.rows.insert(steps.rows.end(), of_key.rows.begin(), of_key.rows.end());
  }
  return steps;
}

/// Numbers the distinct keys in order of appearance and groups the rows by them.
class KeyGrouper {
 public:
  KeyGrouper(const SeriesSpec& spec, const Table& rows) : rows_(rows) {
    for (const std::string& name : spec.key) columns_.push_back(*rows.schema().Find(name));
  }

  void Run() {
    const std::size_t count = rows_.row_count();
    std::vector<std::uint32_t> key_of_row(count);
    EncodeAll();
    for (std::size_t row = 0; row < count; ++row) {
      const auto [entry, is_new] =
          numbers_.try_emplace(EncodedKey(row), static_cast<std::uint32_t>(keys_.size()));
      if (is_new) {
        keys_.push_back(entry->first);
        counts_.push_back(0);
      }
      key_of_row[row] = entry->second;
      ++counts_[entry->second];
    }
    std::vector<std::size_t> next(counts_.size());
    std::exclusive_scan(counts_.begin(), counts_.end(), next.begin(), std::size_t{0});
    grouped_.resize(count);
    for (std::size_t row = 0; row < count; ++row) {
      grouped_[next[key_of_row[row]]++] = static_cast<std::uint32_t>(row);
    }
  }

  [[nodiscard]] const std::vector<std::string_view>& keys() const noexcept { return keys_; }
  [[nodiscard]] const std::vector<std::size_t>& counts() const noexcept { return counts_; }
  /// In order of key number, and of ingestion within a key.
  [[nodiscard]] std::span<const std::uint32_t> grouped() const noexcept { return grouped_; }

 private:
  [[nodiscard]] bool IsPlainText() const {
    return columns_.size() == 1 && rows_.column(columns_[0]).type() == ColumnType::kText;
  }
  void EncodeAll() {
    if (IsPlainText()) return;
    std::vector<Value> values(columns_.size());
    std::string scratch;
    for (std::size_t row = 0; row < rows_.row_count(); ++row) {
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        values[i] = ValueAt(rows_.column(columns_[i]), row);
      }
      encoded_.append(EncodeKey(values, scratch));
      encoded_ends_.push_back(encoded_.size());
    }
  }
  [[nodiscard]] std::string_view EncodedKey(std::size_t row) const {
    if (IsPlainText()) return rows_.column(columns_[0]).Text(row);
    const std::size_t begin = row == 0 ? 0 : encoded_ends_[row - 1];
    return std::string_view(encoded_).substr(begin, encoded_ends_[row] - begin);
  }

  const Table& rows_;
  std::vector<std::size_t> columns_;
  std::string encoded_;
  std::vector<std::size_t> encoded_ends_;
  TextNumbers numbers_;
  std::vector<std::string_view> keys_;
  std::vector<std::size_t> counts_;
  std::vector<std::uint32_t> grouped_;
};

Arrangement ArrangeGrid(Grid grid) {
  Arrangement arranged;
  arranged.visibility = Visibility::kGrid;
  arranged.times = std::move(grid.times);
  arranged.visible_from = std::move(grid.visible_from);
  arranged.keys = std::move(grid.keys);
  arranged.key_bytes = std::move(grid.key_bytes);
  arranged.left_out = std::move(grid.left_out);
  if (!arranged.visible_from.empty()) {
    arranged.watermark_us = std::ranges::max(arranged.visible_from);
  }
  return arranged;
}

Arrangement Arrange(const SeriesSpec& spec, const Table& rows) {
  const RowInstants instants = InstantsOf(spec, rows);
  KeyGrouper grouper(spec, rows);
  grouper.Run();
  Arrangement arranged;
  const bool uniform = spec.known_at.empty();
  arranged.visibility = uniform ? Visibility::kUniform : Visibility::kSteps;
  std::vector<std::int64_t> in_force_from;  // by position
  std::size_t next = 0;
  for (std::size_t number = 0; number < grouper.keys().size(); ++number) {
    const auto members = grouper.grouped().subspan(next, grouper.counts()[number]);
    next += members.size();
    std::vector<std::uint32_t> group(members.begin(), members.end());
    std::ranges::stable_sort(group, {}, [&](std::uint32_t row) { return instants.time[row]; });
    // One that was overtaken without a value is asked for all the same.
    if (spec.skip_missing.empty()) DropOvertaken(instants, group);

    KeyEntry entry{.bytes_offset = arranged.key_bytes.size(),
                   .row_begin = arranged.rows.size(),
                   .step_begin = arranged.steps.rows.size(),
                   .bytes_size = static_cast<std::uint32_t>(grouper.keys()[number].size()),
                   .row_count = static_cast<std::uint32_t>(group.size())};
    arranged.key_bytes.append(grouper.keys()[number]);
    for (const std::uint32_t row : group) {
      arranged.rows.push_back(row);
      arranged.times.push_back(instants.time[row]);
      in_force_from.push_back(std::max(instants.time[row], instants.visible_from[row]));
      if (!uniform) arranged.visible_from.push_back(instants.visible_from[row]);
    }
    if (!uniform) {
      std::vector<std::uint64_t> order(group.size());
      std::iota(order.begin(), order.end(), entry.row_begin);
      AddSteps(
          order, [&](std::uint64_t i) { return in_force_from[i]; }, arranged.steps);
    }
    entry.step_count = static_cast<std::uint32_t>(arranged.steps.rows.size() - entry.step_begin);
    arranged.keys.push_back(entry);
  }
  if (!spec.is_static() && !instants.known.empty()) {
    arranged.watermark_us = std::ranges::max(instants.known);
  }
  for (const ColumnSpec& value : spec.ValueSchema().columns) {
    const bool skips = std::ranges::find(spec.skip_missing, value.name) != spec.skip_missing.end();
    arranged.value_steps.push_back(
        skips ? ValueSteps(rows.column(*rows.schema().Find(value.name)), arranged, in_force_from)
              : Steps());
  }
  return arranged;
}

std::vector<std::uint64_t> MakeBuckets(const std::vector<KeyEntry>& keys,
                                       std::string_view key_bytes) {
  std::vector<std::uint64_t> buckets(std::bit_ceil(keys.size() * 2 + 1));
  const std::size_t mask = buckets.size() - 1;
  for (std::size_t number = 0; number < keys.size(); ++number) {
    const std::uint64_t hash =
        XXH3_64bits(key_bytes.data() + keys[number].bytes_offset, keys[number].bytes_size);
    std::size_t slot = hash & mask;
    while (buckets[slot] != 0) slot = (slot + 1) & mask;
    buckets[slot] = snapshot_format::MakeBucket(hash, number);
  }
  return buckets;
}

void WriteTextColumn(const Column& column, std::span<const std::uint32_t> rows,
                     SectionWriter& writer) {
  TextNumbers numbers;
  std::vector<std::uint32_t> codes;
  std::vector<std::uint64_t> ends;
  std::string dictionary;
  codes.reserve(rows.size());
  for (const std::uint32_t row : rows) {
    if (column.IsMissing(row)) {
      codes.push_back(snapshot_format::kMissingText);
      continue;
    }
    const auto [entry, is_new] =
        numbers.try_emplace(column.Text(row), static_cast<std::uint32_t>(ends.size()));
    if (is_new) {
      dictionary.append(entry->first);
      ends.push_back(dictionary.size());
    }
    codes.push_back(entry->second);
  }
  writer.Add(std::span<const std::uint32_t>(codes));
  writer.Add(std::span<const std::uint64_t>(ends));
  writer.Add(dictionary);
}

template <typename T, typename Get>
void WriteNumberColumn(const Column& column, std::span<const std::uint32_t> rows, Get get,
                       SectionWriter& writer) {
  std::vector<T> values;
  std::vector<std::uint8_t> missing;
  values.reserve(rows.size());
  missing.reserve(rows.size());
  for (const std::uint32_t row : rows) {
    values.push_back(get(row));
    missing.push_back(column.IsMissing(row) ? 1 : 0);
  }
  writer.Add(std::span<const T>(values));
  const bool complete = std::ranges::find(missing, 1) == missing.end();
  writer.Add(complete ? std::span<const std::uint8_t>() : std::span<const std::uint8_t>(missing));
  writer.AddEmpty();
}

void WriteColumn(const Column& column, std::span<const std::uint32_t> rows, SectionWriter& writer) {
  switch (column.type()) {
    case ColumnType::kText:
      return WriteTextColumn(column, rows, writer);
    case ColumnType::kDouble:
      return WriteNumberColumn<double>(
          column, rows, [&column](std::size_t row) { return column.Double(row); }, writer);
    case ColumnType::kInt64:
    case ColumnType::kBool:
    case ColumnType::kTimestamp:
      return WriteNumberColumn<std::int64_t>(
          column, rows, [&column](std::size_t row) { return column.Int64(row); }, writer);
  }
}

/// A missing value is a NaN besides, so that whoever reads a span of periods asks for nothing else.
void WriteGridColumn(std::span<const double> values, SectionWriter& writer) {
  std::vector<std::uint8_t> missing(values.size());
  std::ranges::transform(values, missing.begin(),
                         [](double value) { return static_cast<std::uint8_t>(std::isnan(value)); });
  writer.Add(values);
  const bool complete = std::ranges::find(missing, 1) == missing.end();
  writer.Add(complete ? std::span<const std::uint8_t>() : std::span<const std::uint8_t>(missing));
  writer.AddEmpty();
}

/// The sections behind those of the columns.
void WriteMore(const Arrangement& arranged, bool tells, std::size_t columns,
               SectionWriter& writer) {
  writer.Add(tells ? std::string_view(arranged.left_out) : std::string_view());
  for (std::size_t i = 0; i < columns; ++i) {
    const Steps steps = i < arranged.value_steps.size() ? arranged.value_steps[i] : Steps();
    writer.Add(std::span<const std::int64_t>(steps.instants));
    writer.Add(std::span<const std::uint64_t>(steps.rows));
  }
}

/// Writes, verifies and publishes what is arranged; `write_column(i, writer)` adds the sections of
/// the i-th value.
template <typename WriteColumnAt>
Result<WrittenSnapshot> WriteFile(const SeriesSpec& spec, const std::string& zone_name,
                                  const std::filesystem::path& path, const Arrangement& arranged,
                                  WriteColumnAt write_column) {
  const Schema values = spec.ValueSchema();
  const std::string definition = DefinitionOf(spec, zone_name);
  // What somebody asked for was left out on purpose, and nobody has to hear of it later.
  const bool tells = !arranged.left_out.empty() && spec.aggregate->until == GridEnd::kJudged;
  const bool has_more = tells || !spec.skip_missing.empty();
  std::size_t sections =
      snapshot_format::kFixedSections + values.columns.size() * snapshot_format::kSectionsPerColumn;
  if (has_more) {
    sections += snapshot_format::kLeftOutSections +
                values.columns.size() * snapshot_format::kValueStepSectionsPerColumn;
  }
  try {
    auto file = std::make_unique<AtomicFile>(path);
    SectionWriter writer(*file, sections);
    writer.Add(definition);
    writer.Add(std::span<const std::uint64_t>(MakeBuckets(arranged.keys, arranged.key_bytes)));
    writer.Add(std::span<const KeyEntry>(arranged.keys));
    writer.Add(arranged.key_bytes);
    writer.Add(std::span<const std::int64_t>(arranged.times));
    writer.Add(std::span<const std::int64_t>(arranged.visible_from));
    writer.Add(std::span<const std::int64_t>(arranged.steps.instants));
    writer.Add(std::span<const std::uint64_t>(arranged.steps.rows));
    for (std::size_t i = 0; i < values.columns.size(); ++i) write_column(i, writer);
    if (has_more) WriteMore(arranged, tells, values.columns.size(), writer);
    writer.Finish(
        {.version = has_more ? snapshot_format::kVersionWithMore : snapshot_format::kVersion,
         .column_count = static_cast<std::uint32_t>(values.columns.size()),
         .key_count = arranged.keys.size(),
         .row_count = arranged.times.size(),
         .step_count = arranged.steps.rows.size(),
         .delay_us = spec.delay.count(),
         .watermark_us = arranged.watermark_us,
         .visibility = arranged.visibility});

    const Result<Snapshot> written = Snapshot::Open(file->temporary_path(), definition, values);
    if (!written) return written.error();
    if (const Status verified = written->Verify(); !verified) return verified.error();
    return WrittenSnapshot(std::move(file), {.keys = written->key_count(),
                                             .rows = written->row_count(),
                                             .bytes = written->bytes().size(),
                                             .watermark = written->watermark(),
                                             .left_out = arranged.left_out});
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
}

}  // namespace

Status WrittenSnapshot::Publish() {
  try {
    file_->Commit();
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
  return {};
}

SnapshotBuilder::SnapshotBuilder(const SeriesSpec& spec, const TimeZone& zone,
                                 std::optional<Instant> now)
    : spec_(spec), zone_(zone), rows_(spec.ReadSchema()) {
  if (spec.aggregate) grid_.emplace(spec, zone, now);
}

Status SnapshotBuilder::Add(const Table& batch) {
  if (grid_) return grid_->Add(batch);
  if (batch.row_count() > kMaxRows - rows_.row_count()) {
    return Error{ErrorCode::kRefusedData, "a series holds at most 2^32 - 2 rows", spec_.name};
  }
  rows_.Append(batch);
  return {};
}

Result<WrittenSnapshot> SnapshotBuilder::Write(const std::filesystem::path& path) const {
  if (grid_) {
    Result<Grid> grid = grid_->Finish();
    if (!grid) return std::move(grid).error();
    const std::vector<std::vector<double>> columns = std::move(grid->columns);
    const Arrangement arranged = ArrangeGrid(std::move(*grid));
    return WriteFile(spec_, zone_.name(), path, arranged,
                     [&](std::size_t i, SectionWriter& to) { WriteGridColumn(columns[i], to); });
  }
  const Arrangement arranged = Arrange(spec_, rows_);
  const Schema values = spec_.ValueSchema();
  return WriteFile(spec_, zone_.name(), path, arranged, [&](std::size_t i, SectionWriter& to) {
    WriteColumn(rows_.column(*rows_.schema().Find(values.columns[i].name)), arranged.rows, to);
  });
}

Result<SnapshotReport> SnapshotBuilder::Publish(const std::filesystem::path& path) const {
  Result<WrittenSnapshot> written = Write(path);
  if (!written) return std::move(written).error();
  if (Status published = written->Publish(); !published) return std::move(published).error();
  return written->report();
}

}  // namespace forkcast::preprocessing
