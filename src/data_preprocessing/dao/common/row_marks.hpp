#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "data_preprocessing/dao/table_dao.hpp"

/// What is the same in every store of the marks behind RowCursor: a transaction that adds rows to a
/// table leaves a new mark beside the place of its last row; one that replaces or removes rows
/// takes the marks before away.
namespace forkcast::preprocessing {

/// What a transaction did to a table, the least first.
enum class RowChange { kNone, kAdded, kOthersChanged };

/// So many marks are kept of a table: whoever has not read on for longer reads everything.
inline constexpr std::size_t kKeptMarks = 64;

/// The tables that the transaction at hand has looked after or written.
class ChangedTables {
 public:
  void Note(const std::string& table, RowChange change);
  /// The same for what Append() did.
  void Note(const std::string& table, const AppendCounts& counts);
  void Clear() noexcept { changes_.clear(); }
  [[nodiscard]] const std::map<std::string, RowChange>& changes() const noexcept {
    return changes_;
  }

 private:
  std::map<std::string, RowChange> changes_;
};

/// Sixteen hexadecimal digits that no store has had yet.
[[nodiscard]] std::string NewRowMark();

}  // namespace forkcast::preprocessing
