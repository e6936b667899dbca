#include "data_preprocessing/push/table_facts.hpp"

#include <algorithm>
#include <utility>

#include "data_preprocessing/series/period.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kBatchRows = 8192;

bool Reads(const SeriesSpec& series, const TableSpec& table) {
  const auto* const source = std::get_if<TableSource>(&series.source);
  return source != nullptr && source->table == table.name;
}

/// That of the series that read it, else the first one there is.
std::string TimeOf(const PipelineSpec& spec, const TableSpec& table) {
  for (const SeriesSpec& series : spec.series) {
    if (Reads(series, table) && !series.time.empty()) return series.time;
  }
  for (const ColumnSpec& column : table.schema.columns) {
    if (column.type == ColumnType::kTimestamp) return column.name;
  }
  return {};
}

ordered_json Missing(const SeriesSpec& series, const std::set<PeriodIndex>& periods) {
  const Period period = series.aggregate->period;
  std::size_t count = 0;
  ordered_json first = ordered_json::array();
  std::optional<PeriodIndex> before;
  for (const PeriodIndex index : periods) {
    // One wrong time may be millions of periods away from the others.
    for (PeriodIndex gap = before.value_or(index) + 1;
         gap < index && first.size() < TableFacts::kShownPeriods; ++gap) {
      std::string text;
      AppendPeriodText(gap, period, text);
      first.push_back(std::move(text));
    }
    if (before) count += static_cast<std::size_t>(index - *before - 1);
    before = index;
  }
  return {{"series", series.name},
          {"period", ToString(period)},
          {"count", count},
          {"first", std::move(first)}};
}

}  // namespace

TableFacts::TableFacts(const PipelineSpec& spec) : spec_(spec) {
  for (const TableSpec& table : spec.tables) {
    Known known{.table = &table, .time = TimeOf(spec, table)};
    for (const SeriesSpec& series : spec.series) {
      if (!series.aggregate || !Reads(series, table) || series.time != known.time) continue;
      known.grids.push_back({.series = &series});
    }
    tables_.push_back(std::move(known));
  }
}

Result<ordered_json> TableFacts::Ask(TableDao& dao) {
  ordered_json tables = ordered_json::array();
  for (Known& known : tables_) {
    if (Status read = Refresh(dao, known); !read) {
      known.cursor.reset();
      return std::move(read).error();
    }
    tables.push_back(Describe(known));
  }
  return ordered_json{{"tables", std::move(tables)}};
}

Status TableFacts::Refresh(TableDao& dao, Known& known) const {
  const TableSource table = known.table->Source();
  const Result<std::optional<RowCursor>> cursor = dao.CursorOf(table);
  if (!cursor) return cursor.error();
  bool goes_on = false;
  if (*cursor && known.cursor) {
    const Result<bool> unchanged = dao.IsUnchanged(table, *known.cursor);
    if (!unchanged) return unchanged.error();
    goes_on = *unchanged;
  }
  const auto column = std::ranges::find_if(known.table->schema.columns, [&](const ColumnSpec& one) {
    return known.time.empty() || one.name == known.time;
  });
  const Schema schema{{*column}};
  const auto take = [&](const Table& rows) {
    Take(rows, known);
    return Status();
  };
  if (!goes_on) {
    known.rows = 0;
    known.first.reset();
    known.last.reset();
    for (Grid& grid : known.grids) grid.periods.clear();
    const Status read =
        *cursor ? dao.ReadRows(table, {.first = RowRange::kBegin, .last = (*cursor)->last_row},
                               schema, {}, kBatchRows, take)
                : dao.Read(table, schema, {}, kBatchRows, take);
    if (!read) return read;
  } else if ((*cursor)->last_row > known.cursor->last_row) {
    const RowRange more{.first = known.cursor->last_row + 1, .last = (*cursor)->last_row};
    const Status read = dao.ReadRows(table, more, schema, {}, kBatchRows, take);
    if (!read) return read;
  }
  known.cursor = *cursor;
  return {};
}

void TableFacts::Take(const Table& rows, Known& known) const {
  known.rows += rows.row_count();
  if (known.time.empty()) return;
  const Column& times = rows.column(0);
  for (std::size_t row = 0; row < rows.row_count(); ++row) {
    if (times.IsMissing(row)) continue;
    const Instant time = times.Timestamp(row);
    known.first = std::min(known.first.value_or(time), time);
    known.last = std::max(known.last.value_or(time), time);
    for (Grid& grid : known.grids) {
      grid.periods.insert(PeriodOf(time, grid.series->aggregate->period, spec_.zone));
    }
  }
}

ordered_json TableFacts::Describe(const Known& known) const {
  ordered_json table{{"name", known.table->name}, {"rows", known.rows}};
  if (!known.time.empty()) {
    table["time"] = known.time;
    table["first"] = known.first ? ordered_json(IsoTimestamp(*known.first)) : ordered_json();
    table["last"] = known.last ? ordered_json(IsoTimestamp(*known.last)) : ordered_json();
  }
  if (known.grids.empty()) return table;
  table["missing"] = ordered_json::array();
  for (const Grid& grid : known.grids) {
    table["missing"].push_back(Missing(*grid.series, grid.periods));
  }
  return table;
}

}  // namespace forkcast::preprocessing
