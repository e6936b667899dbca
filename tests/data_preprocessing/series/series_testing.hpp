#pragma once

#include <gtest/gtest.h>

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/series/key_codec.hpp"
#include "data_preprocessing/series/series_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"
#include "data_preprocessing/series/snapshot_builder.hpp"
#include "support/test_files.hpp"

namespace forkcast::preprocessing {

/// Values of one row as a CSV file would have them, in the order of a schema; "-" is a missing one.
using RowTexts = std::vector<std::string>;

inline void AppendRow(const RowTexts& texts, Table& table, const TimeZone& zone = TimeZone()) {
  ASSERT_EQ(texts.size(), table.column_count());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i] == "-") {
      table.column(i).AppendMissing();
    } else {
      const Status parsed = AppendParsed(texts[i], zone, table.column(i));
      ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    }
  }
}

inline Instant At(std::string_view text) {
  const Result<Instant> instant = ParseTimestamp(text, TimeZone());
  EXPECT_TRUE(instant.ok()) << text;
  return instant.ok() ? *instant : Instant();
}

/// `level` of each `sku` over time, the series that most tests read.
inline SeriesSpec Levels() {
  return {.name = "levels",
          .source = TableSource{"levels"},
          .source_schema = {{{.name = "sku", .type = ColumnType::kText},
                             {.name = "at", .type = ColumnType::kTimestamp},
                             {.name = "known", .type = ColumnType::kTimestamp},
                             {.name = "level", .type = ColumnType::kInt64, .nullable = true}}},
          .key = {"sku"},
          .values = {"level"},
          .time = "at",
          .known_at = {},
          .max_staleness = {},
          .when_stale = WhenStale::kServe};
}

inline SeriesSpec LevelsKnownLater(std::chrono::microseconds delay) {
  SeriesSpec spec = Levels();
  spec.delay = delay;
  return spec;
}

/// Rows are sku, at, known, level.
inline SeriesSpec LevelsWithKnownAt() {
  SeriesSpec spec = Levels();
  spec.known_at = "known";
  return spec;
}

/// Rows are sku, level.
inline SeriesSpec StaticLevels() {
  SeriesSpec spec = Levels();
  spec.time.clear();
  return spec;
}

inline std::string DefinitionInUtc(const SeriesSpec& spec) { return DefinitionOf(spec, "UTC"); }

/// Publishes `rows` (of spec.ReadSchema()) under `path`.
inline SnapshotReport Publish(const SeriesSpec& spec, const Table& rows,
                              const std::filesystem::path& path,
                              const TimeZone& zone = TimeZone()) {
  SnapshotBuilder builder(spec, zone);
  const Status added = builder.Add(rows);
  EXPECT_TRUE(added.ok());
  const Result<SnapshotReport> report = builder.Publish(path);
  EXPECT_TRUE(report.ok()) << report.error().message;
  return report.ok() ? *report : SnapshotReport();
}

inline Table RowsOf(const SeriesSpec& spec, const std::vector<RowTexts>& rows,
                    const TimeZone& zone = TimeZone()) {
  Table table(spec.ReadSchema());
  for (const RowTexts& row : rows) AppendRow(row, table, zone);
  return table;
}

/// Opens and verifies; the test ends here when that fails.
inline Snapshot OpenVerified(const SeriesSpec& spec, const std::filesystem::path& path,
                             const TimeZone& zone = TimeZone()) {
  Result<Snapshot> snapshot =
      Snapshot::Open(path, DefinitionOf(spec, zone.name()), spec.ValueSchema());
  if (!snapshot) throw std::runtime_error(snapshot.error().message);
  if (const Status verified = snapshot->Verify(); !verified) {
    throw std::runtime_error(verified.error().message);
  }
  return std::move(*snapshot);
}

inline Snapshot PublishAndOpen(const SeriesSpec& spec, const Table& rows, const TempFolder& folder,
                               const TimeZone& zone = TimeZone()) {
  const std::filesystem::path path = folder.path() / "series.snapshot";
  Publish(spec, rows, path, zone);
  return OpenVerified(spec, path, zone);
}

/// The value of `column` in force for `key` at `time`, as Show() writes it; "none" without a row.
inline std::string ValueAsOf(const Snapshot& snapshot, std::span<const Value> key, Instant time,
                             std::size_t column = 0) {
  std::string scratch;
  const auto rows = snapshot.Find(EncodeKey(key, scratch));
  if (!rows) return "none";
  const auto row = snapshot.AsOf(*rows, time);
  return row ? Show(snapshot.ValueAt(column, *row)) : "none";
}
inline std::string ValueAsOf(const Snapshot& snapshot, std::string_view key, Instant time,
                             std::size_t column = 0) {
  const Value text = key;
  return ValueAsOf(snapshot, std::span(&text, 1), time, column);
}

}  // namespace forkcast::preprocessing
