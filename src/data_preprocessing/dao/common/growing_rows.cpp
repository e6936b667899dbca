// What is new in a table that somebody else keeps, by a column whose values grow from row to row.
//
// Values are given before their rows are committed, so a row can come behind one with a greater
// value, and values may be equal. Neither may be overlooked, and neither can be told from the
// column alone. So a cursor stands behind the rows that are settled: those that were there before
// all transactions that wrote at that time had ended (WaitForWriters), and of timestamps, of which
// rows of the same moment may follow, those older than kSettling. What comes late all the same,
// since a transaction takes longer than anybody waits, is seen by a count: that of the kWatchedRows
// rows before the cursor, which an index gives at once. Then all rows are read again.

#include <fmt/format.h>

#include <chrono>

#include "data_preprocessing/dao/common/sql_table_dao.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::chrono::seconds kSettling{1};
constexpr std::int64_t kWatchedRows = 10'000;

}  // namespace

std::string SqlTableDao::PlaceSql(const GrowingColumn& column, std::string_view value) const {
  return column.type == ColumnType::kTimestamp ? dialect_.micros_of(value) : std::string(value);
}

std::string SqlTableDao::LiteralOf(const GrowingColumn& column, std::int64_t place) const {
  return column.type == ColumnType::kTimestamp ? dialect_.moment(FromMicros(place))
                                               : fmt::format("({})", place);
}

std::string SqlTableDao::Within(const TableSource& source, bool grows, const RowRange& rows) const {
  const auto literal = [&](std::int64_t place) {
    return grows ? LiteralOf(*source.grows_by, place) : fmt::format("({})", place);
  };
  const std::string column =
      grows ? dialect_.quote(source.grows_by->name) : std::string(dialect_.place);
  if (rows.first != RowRange::kBegin) {
    return fmt::format("{} BETWEEN {} AND {}", column, literal(rows.first), literal(rows.last));
  }
  if (!grows) return fmt::format("{} <= {}", column, literal(rows.last));
  // A value that is missing would hide its row.
  return fmt::format("({0} <= {1} OR {0} IS NULL)", column, literal(rows.last));
}

Result<bool> SqlTableDao::Grows(const TableSource& source) {
  if (!source.grows_by) return false;
  Result<bool> is_foreign = IsForeign(source.table);
  if (!is_foreign || !*is_foreign) return is_foreign;
  if (Status good = CheckGrowingColumn(source); !good) return good.error();
  return true;
}

/// By reading one row: whether the column is there, and of the declared type.
Status SqlTableDao::CheckGrowingColumn(const TableSource& source) {
  if (known_to_grow_.contains(source.table)) return {};
  const GrowingColumn& column = *source.grows_by;
  const std::string sql = fmt::format("SELECT {} FROM {} LIMIT 1", dialect_.quote(column.name),
                                      dialect_.quote(source.table));
  bool has_row = false;
  Status read = ReadSql(sql, source, {{{.name = column.name, .type = column.type}}}, {}, 1,
                        [&has_row](const Table&) {
                          has_row = true;
                          return Status();
                        });
  if (read && has_row) known_to_grow_.insert(source.table);
  return read;
}

Result<std::optional<RowCursor>> SqlTableDao::GrowingCursor(const TableSource& source) {
  const Result<std::optional<std::int64_t>> last = SettledPlace(source);
  if (!last) return last.error();
  if (!*last) return std::optional<RowCursor>();
  const GrowingColumn& column = *source.grows_by;
  const std::string name = dialect_.quote(column.name);
  const Result<TextRows> watched = Ask(
      fmt::format("SELECT count(*), {} FROM (SELECT {} AS place FROM {} WHERE {} <= {} ORDER BY {} "
                  "DESC LIMIT {}) AS watched",
                  PlaceSql(column, "min(place)"), name, dialect_.quote(source.table), name,
                  LiteralOf(column, **last), name, kWatchedRows),
      {});
  if (!watched) return watched.error();
  const auto& found = watched->front();
  const bool are_all = NumberOf(found[0]) < kWatchedRows;
  Result<std::string> mark =
      GrowingMark(source, are_all ? RowRange::kBegin : NumberOf(found[1]), **last);
  if (!mark) return std::move(mark).error();
  return std::optional(RowCursor{.last_row = **last, .mark = *std::move(mark)});
}

Result<std::optional<std::int64_t>> SqlTableDao::SettledPlace(const TableSource& source) {
  const GrowingColumn& column = *source.grows_by;
  const std::string name = dialect_.quote(column.name);
  const std::string table = dialect_.quote(source.table);
  std::string settled;
  if (column.type == ColumnType::kTimestamp) {
    const Result<TextRows> now = Ask(fmt::format("SELECT {}", dialect_.now), {});
    if (!now) return now.error();
    const std::string bound =
        LiteralOf(column, NumberOf(now->front().front()) - ToMicros(Instant(kSettling)));
    settled = fmt::format(" WHERE {} <= {}", name, bound);
    const Result<TextRows> others =
        Ask(fmt::format("SELECT 1 FROM {} WHERE {} > {} LIMIT 1", table, name, bound), {});
    if (!others) return others.error();
    if (others->empty()) {
      unsettled_.erase(source.table);
    } else {
      unsettled_.insert(source.table);
    }
  }
  const Result<TextRows> last =
      Ask(fmt::format("SELECT {} FROM {}{}", PlaceSql(column, fmt::format("max({})", name)), table,
                      settled),
          {});
  if (!last) return last.error();
  if (!last->front().front()) return std::optional<std::int64_t>();
  if (Status waited = WaitForWriters(); !waited) return waited.error();
  return std::optional(NumberOf(last->front().front()));
}

Result<std::string> SqlTableDao::GrowingMark(const TableSource& source, std::int64_t first,
                                             std::int64_t last) {
  const Result<std::uint64_t> count = CountRows(source, {.first = first, .last = last});
  if (!count) return count.error();
  const Result<std::string> others = OtherChanges(source.table);
  if (!others) return others.error();
  return fmt::format("{} {} {}", first, *count, *others);
}

Result<std::uint64_t> SqlTableDao::CountRows(const TableSource& source, const RowRange& rows) {
  const Result<bool> grows = Grows(source);
  if (!grows) return grows.error();
  if (!*grows) return rows.size();
  const Result<TextRows> count =
      Ask(fmt::format("SELECT count(*) FROM {} WHERE {}", dialect_.quote(source.table),
                      Within(source, true, rows)),
          {});
  if (!count) return count.error();
  return static_cast<std::uint64_t>(NumberOf(count->front().front()));
}

}  // namespace forkcast::preprocessing
