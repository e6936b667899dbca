#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "data_preprocessing/series/section_writer.hpp"
#include "data_preprocessing/series/snapshot_format.hpp"

namespace forkcast::preprocessing {

/// What a snapshot is written of: rows, or the periods of a grid. The functions are called once
/// each, in their order, those of columns for one value behind the other; what is written is not
/// needed any more, and its memory given back.
class SnapshotContent {
 public:
  virtual ~SnapshotContent() = default;

  /// Everything but file_size, version and checksum.
  [[nodiscard]] virtual snapshot_format::Header header() const = 0;
  /// Buckets, entries and bytes of the keys.
  virtual void WriteKeys(SectionWriter& writer) = 0;
  /// Times, from when rows are visible, and the steps made of that.
  virtual void WriteTimes(SectionWriter& writer) = 0;
  /// The sections of the value at `column`.
  virtual void WriteColumn(std::size_t column, SectionWriter& writer) = 0;
  /// The steps among the rows that have the value at `column`; empty sections where nobody asks.
  virtual void WriteValueSteps(std::size_t column, SectionWriter& writer) = 0;
  /// Which rows are not in it, and why (Grid::left_out).
  [[nodiscard]] virtual const std::string& left_out() const noexcept = 0;
};

}  // namespace forkcast::preprocessing
