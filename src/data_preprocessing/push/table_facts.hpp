#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"

namespace forkcast::preprocessing {

/// What the store has of each table of a pipeline: rows, the first and the last time, and, where a
/// series makes a grid of it (`aggregate`), the periods in between of which it has no row at all.
/// Each row is read once: the next question reads those that came, where the store can tell them
/// (RowCursor). The pipeline outlives it. Not thread-safe.
class TableFacts {
 public:
  static constexpr std::size_t kShownPeriods = 24;

  explicit TableFacts(const PipelineSpec& spec);

  /// {"tables": [{"name": "sales", "rows": 3, "time": "day", "first": ..., "last": ...,
  ///   "missing": [{"series": "daily", "period": "day", "count": 1, "first": ["2024-01-02"]}]}]}
  Result<nlohmann::ordered_json> Ask(TableDao& dao);

 private:
  /// A series that makes a grid of the table.
  struct Grid {
    const SeriesSpec* series = nullptr;
    std::set<PeriodIndex> periods{};  // that have a row
  };
  struct Known {
    const TableSpec* table = nullptr;
    std::string time{};  // the column of rows' time; empty: none
    std::optional<RowCursor> cursor{};
    std::size_t rows = 0;
    std::optional<Instant> first{};
    std::optional<Instant> last{};
    std::vector<Grid> grids{};
  };

  Status Refresh(TableDao& dao, Known& known) const;
  void Take(const Table& rows, Known& known) const;
  [[nodiscard]] nlohmann::ordered_json Describe(const Known& known) const;

  const PipelineSpec& spec_;
  std::vector<Known> tables_;
};

}  // namespace forkcast::preprocessing
