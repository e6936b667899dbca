#include "data_preprocessing/series/snapshot_file.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <system_error>
#include <utility>

namespace forkcast::preprocessing {
namespace {

using snapshot_format::Header;
using snapshot_format::KeyEntry;
using snapshot_format::Section;
using snapshot_format::Visibility;

SnapshotFile::KeyRows RowsOf(const KeyEntry& entry) noexcept {
  return {.row_begin = entry.row_begin,
          .step_begin = entry.step_begin,
          .row_count = entry.row_count,
          .step_count = entry.step_count,
          .first_period = entry.first_period};
}

/// The row of the last of the steps that is not after `now`.
std::optional<std::uint64_t> LastStep(std::span<const std::int64_t> instants,
                                      std::span<const std::uint64_t> rows,
                                      std::int64_t now) noexcept {
  const auto after = std::ranges::upper_bound(instants, now);
  if (after == instants.begin()) return std::nullopt;
  return rows[static_cast<std::size_t>(after - instants.begin()) - 1];
}

/// Sections of a file with this header.
std::uint64_t SectionCount(const Header& header) noexcept {
  std::uint64_t per_column = snapshot_format::kSectionsPerColumn;
  std::uint64_t others = snapshot_format::kFixedSections;
  if (header.version == snapshot_format::kVersionWithMore) {
    per_column += snapshot_format::kValueStepSectionsPerColumn;
    others += snapshot_format::kLeftOutSections;
  }
  return others + header.column_count * per_column;
}

}  // namespace

/// Cuts typed sections out of the mapped bytes, remembering whether any did not fit.
class SnapshotFile::SectionReader {
 public:
  SectionReader(std::span<const std::byte> file, std::span<const Section> sections) noexcept
      : file_(file), sections_(sections) {}

  /// `count` elements of T, or none at all where `optional` allows an empty section.
  template <typename T>
  std::span<const T> Take(std::uint32_t index, std::uint64_t count,
                          bool optional = false) noexcept {
    const Section& section = sections_[index];
    if (optional && section.size == 0) return {};
    if (count > file_.size() / sizeof(T) || section.size != count * sizeof(T)) {
      fits_ = false;
      return {};
    }
    const std::span<const std::byte> bytes = Bytes(section);
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
  /// The whole section, of whatever size, as elements of T.
  template <typename T>
  std::span<const T> TakeAll(std::uint32_t index) noexcept {
    return Take<T>(index, sections_[index].size / sizeof(T));
  }
  std::string_view TakeText(std::uint32_t index) noexcept {
    const std::span<const char> characters = TakeAll<char>(index);
    return {characters.data(), characters.size()};
  }
  [[nodiscard]] bool fits() const noexcept { return fits_; }

 private:
  std::span<const std::byte> Bytes(const Section& section) noexcept {
    if (section.offset % snapshot_format::kAlignment != 0 || section.offset > file_.size() ||
        section.size > file_.size() - section.offset) {
      fits_ = false;
      return {};
    }
    return file_.subspan(section.offset, section.size);
  }

  std::span<const std::byte> file_;
  std::span<const Section> sections_;
  bool fits_ = true;
};

SnapshotFile::SnapshotFile(MappedFile file)
    : file_(std::make_shared<const MappedFile>(std::move(file))),
      header_(reinterpret_cast<const Header*>(file_->bytes().data())) {}

Result<SnapshotFile> SnapshotFile::Open(const std::filesystem::path& path,
                                        std::string_view definition, const Schema& values) {
  const auto named = [&path](Error error) {
    error.message = path.string() + ": " + error.message;
    return error;
  };
  try {
    SnapshotFile snapshot{MappedFile(path)};
    if (Status mapped = snapshot.MapSections(definition, values); !mapped) {
      return named(std::move(mapped).error());
    }
    return snapshot;
  } catch (const std::system_error& error) {
    const bool absent = error.code() == std::errc::no_such_file_or_directory;
    return Error{absent ? ErrorCode::kNotFound : ErrorCode::kIo, error.what()};
  }
}

Status SnapshotFile::CheckHeader() const {
  const std::span<const std::byte> file = file_->bytes();
  if (file.size() < sizeof(Header) || header().magic != snapshot_format::kMagic) {
    return Corrupt("not a snapshot file");
  }
  const Header& head = header();
  if (head.version != snapshot_format::kVersion &&
      head.version != snapshot_format::kVersionWithMore) {
    return Corrupt("snapshot version " + std::to_string(head.version) + ", expected " +
                   std::to_string(snapshot_format::kVersion) + " or " +
                   std::to_string(snapshot_format::kVersionWithMore) +
                   ": publish it again with ingest");
  }
  if (head.file_size != file.size()) {
    return Corrupt("cut short: " + std::to_string(file.size()) + " of " +
                   std::to_string(head.file_size) + " bytes");
  }
  if (SectionCount(head) > (file.size() - sizeof(Header)) / sizeof(Section) ||
      head.visibility > Visibility::kGrid || head.delay_us < 0 ||
      head.delay_us > snapshot_format::kMaxDelayUs) {
    return Corrupt("damaged header");
  }
  return {};
}

Status SnapshotFile::MapSections(std::string_view definition, const Schema& values) {
  if (Status good = CheckHeader(); !good) return good;
  const std::span<const std::byte> file = file_->bytes();
  const Header& head = header();
  SectionReader reader(
      file, {reinterpret_cast<const Section*>(file.data() + sizeof(Header)), SectionCount(head)});
  if (reader.TakeText(snapshot_format::kDefinition) != definition ||
      head.column_count != values.columns.size()) {
    return Corrupt("published for another definition of this series: publish it again with ingest");
  }
  buckets_ = reader.TakeAll<std::uint64_t>(snapshot_format::kBuckets);
  keys_ = reader.Take<KeyEntry>(snapshot_format::kKeyEntries, head.key_count);
  key_bytes_ = reader.TakeText(snapshot_format::kKeyBytes);
  times_ = reader.Take<std::int64_t>(snapshot_format::kTimes, head.row_count);
  if (head.visibility != Visibility::kUniform) {
    visible_from_ = reader.Take<std::int64_t>(snapshot_format::kVisibleFrom, head.row_count);
  }
  if (head.visibility != Visibility::kUniform) {
    step_instants_ = reader.Take<std::int64_t>(snapshot_format::kStepInstants, head.step_count);
    step_rows_ = reader.Take<std::uint64_t>(snapshot_format::kStepRows, head.step_count);
  }
  std::uint32_t section = snapshot_format::kFixedSections;
  for (const ColumnSpec& spec : values.columns) {
    columns_.push_back(MapColumn(reader, section, spec.type));
    section += snapshot_format::kSectionsPerColumn;
  }
  if (head.version == snapshot_format::kVersionWithMore) {
    left_out_ = reader.TakeText(section);
    section += snapshot_format::kLeftOutSections;
    for (ColumnView& column : columns_) {
      column.value_step_instants = reader.Take<std::int64_t>(
          section + snapshot_format::kValueStepInstants, head.row_count, /*optional=*/true);
      column.value_step_rows = reader.Take<std::uint64_t>(section + snapshot_format::kValueStepRows,
                                                          head.row_count, /*optional=*/true);
      section += snapshot_format::kValueStepSectionsPerColumn;
    }
  }
  if (!reader.fits() || !std::has_single_bit(buckets_.size()) || buckets_.size() <= keys_.size()) {
    return Corrupt("damaged: a section lies out of bounds");
  }
  return {};
}

SnapshotFile::ColumnView SnapshotFile::MapColumn(SectionReader& reader, std::uint32_t section,
                                                 ColumnType type) const noexcept {
  const std::uint64_t rows = header().row_count;
  ColumnView column;
  column.type = type;
  if (type == ColumnType::kText) {
    column.codes = reader.Take<std::uint32_t>(section + snapshot_format::kValues, rows);
    column.ends = reader.TakeAll<std::uint64_t>(section + snapshot_format::kMissingOrEnds);
    column.dictionary = reader.TakeText(section + snapshot_format::kDictionary);
    return column;
  }
  column.missing = reader.Take<std::uint8_t>(section + snapshot_format::kMissingOrEnds, rows,
                                             /*optional=*/true);
  if (type == ColumnType::kDouble) {
    column.doubles = reader.Take<double>(section + snapshot_format::kValues, rows);
    if (header().visibility == Visibility::kGrid) {
      column.before_steps =
          reader.Take<double>(section + snapshot_format::kBeforeSteps, header().step_count);
    }
  } else {
    column.integers = reader.Take<std::int64_t>(section + snapshot_format::kValues, rows);
  }
  return column;
}

Status SnapshotFile::Verify() const {
  if (snapshot_format::ChecksumOf(*file_) != header().checksum) {
    return Corrupt("checksum mismatch: the file is damaged");
  }
  if (Status keys = VerifyKeys(); !keys) return keys;
  if (Status columns = VerifyColumns(); !columns) return columns;
  file_->DropPages();
  return {};
}

Status SnapshotFile::VerifyKeys() const {
  const auto within = [](std::uint64_t begin, std::uint64_t count, std::uint64_t size) {
    return begin <= size && count <= size - begin;
  };
  for (const std::uint64_t bucket : buckets_) {
    const std::uint64_t key = bucket & 0xFFFFFFFF;  // counted from 1
    if (bucket != 0 && (key == 0 || key > keys_.size())) {
      return Corrupt("damaged: a bucket has no key");
    }
  }
  if (std::ranges::find(buckets_, 0U) == buckets_.end()) {
    return Corrupt("damaged: no bucket is free, so a search would not end");
  }
  for (const KeyEntry& key : keys_) {
    if (!within(key.bytes_offset, key.bytes_size, key_bytes_.size()) ||
        !within(key.row_begin, key.row_count, times_.size()) ||
        !within(key.step_begin, key.step_count, step_rows_.size())) {
      return Corrupt("damaged: a key lies out of bounds");
    }
  }
  const auto inside = [this](std::uint64_t row) { return row < times_.size(); };
  if (!std::ranges::all_of(step_rows_, inside)) return Corrupt("damaged: a step has no row");
  return {};
}

Status SnapshotFile::VerifyColumns() const {
  const auto inside = [this](std::uint64_t row) { return row < times_.size(); };
  for (const ColumnView& column : columns_) {
    if (column.value_step_instants.size() != column.value_step_rows.size() ||
        !std::ranges::all_of(column.value_step_rows, inside)) {
      return Corrupt("damaged: a value's step has no row");
    }
    if (column.type != ColumnType::kText) continue;
    const bool ordered = std::ranges::is_sorted(column.ends) &&
                         (column.ends.empty() || column.ends.back() <= column.dictionary.size());
    const bool known = std::ranges::all_of(column.codes, [&column](std::uint32_t code) {
      return code < column.ends.size() || code == snapshot_format::kMissingText;
    });
    if (!ordered || !known) return Corrupt("damaged: a text lies out of bounds");
  }
  return {};
}

std::uint64_t SnapshotFile::HashOf(std::string_view key) noexcept {
  return XXH3_64bits(key.data(), key.size());
}

std::optional<std::size_t> SnapshotFile::FindNumber(std::string_view key,
                                                    std::uint64_t hash) const noexcept {
  const std::size_t mask = buckets_.size() - 1;
  // At most half of the buckets are taken, so a free one ends the search.
  for (std::size_t slot = hash & mask;; slot = (slot + 1) & mask) {
    const std::uint64_t bucket = buckets_[slot];
    if (bucket == 0) return std::nullopt;
    if ((bucket ^ hash) >> 32 != 0) continue;
    const std::size_t number = (bucket & 0xFFFFFFFF) - 1;
    if (KeyBytesAt(number) == key) return number;
  }
}

std::string_view SnapshotFile::KeyBytesAt(std::size_t number) const noexcept {
  return key_bytes_.substr(keys_[number].bytes_offset, keys_[number].bytes_size);
}

SnapshotFile::KeyRows SnapshotFile::RowsAt(std::size_t number) const noexcept {
  return RowsOf(keys_[number]);
}

std::optional<std::uint64_t> SnapshotFile::AsOf(const KeyRows& rows, Instant time) const noexcept {
  const std::int64_t now = ToMicros(time);
  if (header().visibility != Visibility::kSteps) {
    const bool is_grid = header().visibility == Visibility::kGrid;
    const auto from = (is_grid ? visible_from_ : times_).subspan(rows.row_begin, rows.row_count);
    // Compared as now - delay, which cannot overflow: a static row's time is the least integer, and
    // a delay is at most kMaxDelayUs.
    const auto after = std::ranges::upper_bound(from, is_grid ? now : now - header().delay_us);
    if (after == from.begin()) return std::nullopt;
    return rows.row_begin + static_cast<std::uint64_t>(after - from.begin()) - 1;
  }
  return LastStep(step_instants_.subspan(rows.step_begin, rows.step_count),
                  step_rows_.subspan(rows.step_begin, rows.step_count), now);
}

std::optional<std::uint64_t> SnapshotFile::AsOfValue(const KeyRows& rows, std::size_t column,
                                                     Instant time) const noexcept {
  const ColumnView& view = columns_[column];
  if (view.value_step_instants.empty()) return std::nullopt;  // the series has no rows
  return LastStep(view.value_step_instants.subspan(rows.row_begin, rows.row_count),
                  view.value_step_rows.subspan(rows.row_begin, rows.row_count), ToMicros(time));
}

void SnapshotFile::DoublesAsOf(const KeyRows& rows, std::size_t column, std::uint64_t count,
                               Instant time, std::vector<double>& values) const {
  const std::span<const double> now = Doubles(rows, column).first(count);
  values.assign(now.begin(), now.end());
  const std::span<const double> before = columns_[column].before_steps;
  if (before.empty()) return;
  for (std::uint64_t i = rows.step_begin + rows.step_count; i > rows.step_begin; --i) {
    if (step_instants_[i - 1] <= ToMicros(time)) return;
    const std::uint64_t period = step_rows_[i - 1] - rows.row_begin;
    if (period < count) values[period] = before[i - 1];
  }
}

Instant SnapshotFile::AgesFrom(std::uint64_t row) const noexcept {
  if (header().visibility == Visibility::kGrid) return FromMicros(visible_from_[row]);
  return FromMicros(times_[row] + header().delay_us);
}

std::optional<std::uint64_t> SnapshotFile::Planned(const KeyRows& rows, Instant origin,
                                                   Instant target) const noexcept {
  const auto times = times_.subspan(rows.row_begin, rows.row_count);
  const auto after = std::ranges::upper_bound(times, ToMicros(target));
  for (auto row = rows.row_begin + static_cast<std::uint64_t>(after - times.begin());
       row > rows.row_begin; --row) {
    if (visible_from_.empty() || visible_from_[row - 1] <= ToMicros(origin)) return row - 1;
  }
  return std::nullopt;
}

Value SnapshotFile::ValueAt(std::size_t column, std::uint64_t row) const noexcept {
  const ColumnView& view = columns_[column];
  if (!view.missing.empty() && view.missing[row] != 0) return {};
  switch (view.type) {
    case ColumnType::kText: {
      const std::uint32_t code = view.codes[row];
      if (code == snapshot_format::kMissingText) return {};
      const std::uint64_t begin = code == 0 ? 0 : view.ends[code - 1];
      return view.dictionary.substr(begin, view.ends[code] - begin);
    }
    case ColumnType::kInt64:
      return view.integers[row];
    case ColumnType::kDouble:
      return view.doubles[row];
    case ColumnType::kBool:
      return view.integers[row] != 0;
    case ColumnType::kTimestamp:
      return FromMicros(view.integers[row]);
  }
  return {};
}

std::optional<Instant> SnapshotFile::watermark() const noexcept {
  if (header().watermark_us == snapshot_format::kNoWatermark) return std::nullopt;
  return FromMicros(header().watermark_us);
}

std::optional<Instant> SnapshotFile::WatermarkBy(Instant time) const noexcept {
  const std::optional<Instant> newest = watermark();
  if (!newest || *newest <= time) return newest;
  const bool is_uniform = header().visibility == Visibility::kUniform;
  const std::int64_t delay = is_uniform ? header().delay_us : 0;
  const std::int64_t latest = ToMicros(time) - delay;
  std::int64_t found = snapshot_format::kNoWatermark;
  for (const std::int64_t known : is_uniform ? times_ : visible_from_) {
    if (known <= latest) found = std::max(found, known);
  }
  if (found == snapshot_format::kNoWatermark) return std::nullopt;
  return FromMicros(found + delay);
}

}  // namespace forkcast::preprocessing
