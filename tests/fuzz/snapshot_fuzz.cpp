// The first line names one of the snapshots below, the others are changes to its bytes
// (byte_changes.hpp). Then the file gets the checksum that fits: without it, nothing but the
// checksum would be tested.
//
// A snapshot that was not changed is taken. One that was is either refused, as kCorrupt with its
// reasons, or every accessor stays inside it, whatever key, row, column and time it is asked for.

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/series/series_testing.hpp"
#include "data_preprocessing/series/snapshot_format.hpp"
#include "fuzz/byte_changes.hpp"
#include "fuzz/memory_file.hpp"
#include "fuzz/poisoned_tail.hpp"
#include "fuzz/require.hpp"

namespace {

using forkcast::ErrorCode;
using forkcast::Instant;
using forkcast::Result;
using forkcast::Status;
using forkcast::fuzz::ApplyChanges;
using forkcast::fuzz::MemoryFile;
using forkcast::fuzz::Overwrite;
using forkcast::fuzz::PoisonedTail;
using forkcast::fuzz::Require;
using forkcast::fuzz::TakeLine;
using namespace forkcast::preprocessing;

// ---- snapshots ----

SeriesSpec Uniform() {
  using enum ColumnType;
  return {.name = "stock",
          .source = TableSource{"stock"},
          .source_schema = {{{.name = "sku", .type = kText},
                             {.name = "at", .type = kTimestamp},
                             {.name = "known", .type = kTimestamp},
                             {.name = "note", .type = kText, .nullable = true},
                             {.name = "n", .type = kInt64, .nullable = true},
                             {.name = "x", .type = kDouble, .nullable = true},
                             {.name = "b", .type = kBool},
                             {.name = "t", .type = kTimestamp, .nullable = true}}},
          .key = {"sku"},
          .values = {"note", "n", "x", "b", "t"},
          .time = "at",
          .known_at = {},
          .delay = std::chrono::hours(1),
          .max_staleness = {},
          .when_stale = WhenStale::kServe};
}

SeriesSpec Steps() {
  SeriesSpec spec = Uniform();
  spec.delay = {};
  spec.known_at = "known";
  return spec;
}

SeriesSpec Skipping() {
  SeriesSpec spec = Steps();
  spec.skip_missing = {"note", "x"};
  return spec;
}

SeriesSpec Static() {
  SeriesSpec spec = Uniform();
  spec.delay = {};
  spec.time.clear();
  return spec;
}

SeriesSpec Grid() {
  SeriesSpec spec = Uniform();
  spec.values.clear();
  spec.aggregate =
      AggregateSpec{.period = Period::kDay,
                    .values = {{.name = "n", .op = AggregateOp::kSum, .column = "n", .empty = {}}}};
  return spec;
}

/// A series and the file that its rows make.
struct Published {
  SeriesSpec spec;
  std::string bytes;
};

Published PublishOnce(const SeriesSpec& spec) {
  const std::map<std::string, std::array<const char*, 3>> rows{
      {"sku", {"00123", "mug", "mug"}},
      {"at", {"2024-01-01", "2024-01-01", "2024-01-03"}},
      {"known", {"2024-01-02", "2024-01-09", "2024-01-03"}},
      {"note", {"-", "blue", "green"}},
      {"n", {"1", "-", "3"}},
      {"x", {"0.5", "1.5", "-"}},
      {"b", {"true", "false", "true"}},
      {"t", {"2024-01-01", "-", "2024-02-01"}}};
  Table table(spec.ReadSchema());
  for (std::size_t row = 0; row < 3; ++row) {
    RowTexts texts;
    for (const ColumnSpec& column : table.schema().columns) {
      texts.emplace_back(rows.at(column.name)[row]);
    }
    AppendRow(texts, table);
  }
  const TempFolder folder;
  Publish(spec, table, folder.path() / "s.snapshot");
  return {spec, ReadWhole(folder.path() / "s.snapshot")};
}

const Published* SnapshotNamed(std::string_view name) {
  static const std::map<std::string, Published, std::less<>> kAll{
      {"uniform", PublishOnce(Uniform())},
      {"steps", PublishOnce(Steps())},
      {"skipping", PublishOnce(Skipping())},
      {"static", PublishOnce(Static())},
      {"grid", PublishOnce(Grid())}};
  const auto found = kAll.find(name);
  return found == kAll.end() ? nullptr : &found->second;
}

void Seal(std::string& bytes) {
  if (bytes.size() < sizeof(snapshot_format::Header)) return;
  const std::uint64_t checksum = snapshot_format::ComputeChecksum(std::as_bytes(std::span(bytes)));
  Overwrite<std::uint64_t>(offsetof(snapshot_format::Header, checksum), checksum, bytes);
}

// ---- every accessor ----

void RequireInside(std::string_view text, std::string_view file) {
  Require(text.data() == nullptr || (text.data() >= file.data() && text.size() <= file.size() &&
                                     text.data() + text.size() <= file.data() + file.size()));
}

void ReadRow(const Snapshot& snapshot, const Schema& values, std::uint64_t row) {
  Require(row < snapshot.row_count());
  (void)snapshot.TimeAt(row);
  for (std::size_t column = 0; column < values.columns.size(); ++column) {
    const Value value = snapshot.ValueAt(column, row);
    const auto* text = std::get_if<std::string_view>(&value);
    if (text != nullptr) RequireInside(*text, snapshot.base().bytes());
  }
}

void ReadAsOf(const Snapshot& snapshot, const Schema& values, const Snapshot::KeyRows& rows) {
  // From the first instant of a timestamp to the last: the years 1 to 9999.
  for (const char* const text : {"0001-01-01", "2024-01-01", "2024-01-03 01:00:00", "9999-12-31"}) {
    const Instant time = At(text);
    if (const auto row = snapshot.AsOf(rows, time)) ReadRow(snapshot, values, *row);
    for (std::size_t column = 0; column < values.columns.size(); ++column) {
      const auto row = snapshot.AsOfValue(rows, column, time);
      if (row) ReadRow(snapshot, values, *row);
    }
    if (const auto row = snapshot.Planned(rows, At("2024-01-02"), time)) {
      ReadRow(snapshot, values, *row);
    }
  }
}

/// As if the key had a text, a number and a text again.
void ReadKey(std::string_view bytes) {
  constexpr std::array kTypes{ColumnType::kText, ColumnType::kInt64, ColumnType::kText};
  std::array<Value, kTypes.size()> values;
  DecodeKey(bytes, kTypes, values);
  RequireInside(std::get<std::string_view>(values[0]), bytes);
  RequireInside(std::get<std::string_view>(values[2]), bytes);
}

void ReadEverything(const Snapshot& snapshot, const SeriesSpec& spec) {
  const Schema values = spec.ValueSchema();
  (void)snapshot.watermark();
  (void)snapshot.Find("");
  (void)snapshot.Find("never seen");
  for (std::size_t key = 0; key < snapshot.key_count(); ++key) {
    const std::string_view bytes = snapshot.KeyBytesAt(key);
    RequireInside(bytes, snapshot.base().bytes());
    ReadKey(bytes);
    const auto found = snapshot.FindNumber(bytes);
    if (found) Require(snapshot.KeyBytesAt(*found) == bytes);
    const Snapshot::KeyRows rows = snapshot.RowsAt(key);
    ReadAsOf(snapshot, values, rows);
    for (std::size_t column = 0; column < values.columns.size(); ++column) {
      if (values.columns[column].type != ColumnType::kDouble) continue;
      double sum = 0;
      for (const double value : snapshot.Doubles(rows, column)) {
        sum += value;
      }
      std::vector<double> was;
      if (spec.aggregate) {
        snapshot.DoublesAsOf(rows, column, rows.row_count, At("0001-01-01"), was);
      }
      Require(sum == sum || sum != sum);  // so that the reads are not left out
    }
  }
  for (std::uint64_t row = 0; row < snapshot.row_count(); ++row) ReadRow(snapshot, values, row);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  GTEST_FLAG_SET(break_on_failure, true);  // what series_testing.hpp expects is required here
  std::string_view changes(reinterpret_cast<const char*>(data), size);
  const Published* const published = SnapshotNamed(TakeLine(changes));
  if (published == nullptr) return 0;
  const SeriesSpec& spec = published->spec;

  std::string bytes = published->bytes;
  ApplyChanges(changes, bytes);
  Seal(bytes);

  const MemoryFile file(bytes);
  const Result<Snapshot> snapshot =
      Snapshot::Open(file.path(), DefinitionInUtc(spec), spec.ValueSchema());
  const std::optional<PoisonedTail> tail =
      snapshot ? std::optional<PoisonedTail>(std::in_place, snapshot->base().bytes())
               : std::nullopt;
  const Status taken = snapshot ? snapshot->Verify() : Status(snapshot.error());
  Require(taken.ok() || bytes != published->bytes);
  if (taken.ok()) {
    ReadEverything(*snapshot, spec);
  } else {
    Require(taken.error().code == ErrorCode::kCorrupt && !taken.error().message.empty());
  }
  return 0;
}
