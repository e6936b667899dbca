#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/series/growing_array.hpp"
#include "data_preprocessing/series/series_spec.hpp"
#include "data_preprocessing/series/snapshot_content.hpp"
#include "data_preprocessing/series/snapshot_file.hpp"
#include "data_preprocessing/series/text_numbers.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::preprocessing {

/// The rows of a series without `aggregate`. Keeps of each its key's number, its times, and of each
/// value the number of its text or 8 bytes; every key and distinct text once.
class RowContent final : public SnapshotContent {
 public:
  /// `spec` must outlive the object.
  explicit RowContent(const SeriesSpec& spec);

  /// Appends rows whose schema is spec.ReadSchema().
  void Add(const Table& batch);
  /// Appends the rows of a file of the series, as if they were ingested now: what was left out of
  /// them would be so again.
  void Add(const SnapshotFile& file);
  [[nodiscard]] std::size_t row_count() const noexcept { return key_of_row_.size(); }
  /// Puts the rows in the order of the file, and leaves out those that can never be read. To be
  /// called once, behind the last row.
  void Arrange();

  [[nodiscard]] snapshot_format::Header header() const override;
  void WriteKeys(SectionWriter& writer) override;
  void WriteTimes(SectionWriter& writer) override;
  void WriteColumn(std::size_t column, SectionWriter& writer) override;
  void WriteValueSteps(std::size_t column, SectionWriter& writer) override;
  [[nodiscard]] const std::string& left_out() const noexcept override { return left_out_; }

 private:
  /// The values of one column by row.
  struct Values {
    ColumnType type = ColumnType::kText;
    std::size_t source = 0;   // position in the schema that is read
    bool is_skipped = false;  // where missing: one of `skip_missing`
    TextNumbers texts;        // of a text column, and
    GrowingArray<std::uint32_t> codes;
    GrowingArray<std::int64_t> numbers;  // of any other: its 8 bytes
    GrowingArray<std::uint8_t> missing;  // empty until one is

    void Append(const Column& column, std::size_t row);
    void Append(const Value& value);
    void AppendNumber(std::int64_t bits, bool is_missing);
    [[nodiscard]] bool IsMissing(std::size_t row) const noexcept;
  };

  /// From which instant on which row is in force: its position.
  struct Steps {
    GrowingArray<std::int64_t> instants;
    GrowingArray<std::uint64_t> rows;
  };

  [[nodiscard]] bool is_uniform() const noexcept { return spec_.known_at.empty(); }
  [[nodiscard]] std::int64_t TimeOf(std::size_t row) const noexcept;
  [[nodiscard]] std::int64_t KnownFrom(std::size_t row) const noexcept;
  [[nodiscard]] std::int64_t VisibleFrom(std::size_t row) const noexcept;
  /// From when the row at a position of the file can be in force.
  [[nodiscard]] std::int64_t InForceFrom(std::uint64_t position) const noexcept;

  /// `order_`: rows by key, within a key as they were ingested; `count_of_key_`: how many each has.
  void GroupByKey();
  /// Drops from `group`, rows of one key ascending in (time, ingestion), those that can never be
  /// read: of the same time, overtaken by a later ingested row that was visible no later. The
  /// number of those that are left, in front.
  std::size_t DropOvertaken(std::span<std::uint32_t> group) const;
  /// Calls `visit(key, first position)` for each key in turn.
  template <typename Visit>
  void ForEachKey(const Visit& visit) const;
  /// Adds a step for each instant at which another of the rows at `positions`, ascending, comes
  /// into force.
  void AddSteps(std::vector<std::uint64_t>& positions, Steps& steps) const;
  void WriteTexts(Values& values, SectionWriter& writer) const;
  void WriteNumbers(const Values& values, SectionWriter& writer) const;

  const SeriesSpec& spec_;
  std::vector<std::size_t> key_columns_;
  std::optional<std::size_t> time_column_;
  std::optional<std::size_t> known_column_;
  std::vector<Value> key_values_;  // of the row at hand
  std::string key_scratch_;

  TextNumbers keys_;
  GrowingArray<std::uint32_t> key_of_row_;
  GrowingArray<std::int64_t> times_;  // none of a static series
  GrowingArray<std::int64_t> known_;  // where a column says so
  std::vector<Values> values_;
  std::int64_t watermark_us_ = snapshot_format::kNoWatermark;
  std::string left_out_;  // nothing

  GrowingArray<std::uint32_t> order_;  // rows by position in the file
  GrowingArray<std::uint32_t> count_of_key_;
  GrowingArray<std::uint32_t> steps_of_key_;
  Steps steps_;  // unless is_uniform()
};

}  // namespace forkcast::preprocessing
