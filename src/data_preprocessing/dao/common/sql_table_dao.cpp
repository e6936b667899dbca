#include "data_preprocessing/dao/common/sql_table_dao.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "data_preprocessing/dao/common/table_rules.hpp"

namespace forkcast::preprocessing {
namespace {

std::optional<std::string> Given(std::string_view text) { return std::string(text); }

}  // namespace

std::int64_t SqlTableDao::NumberOf(const std::optional<std::string>& text) noexcept {
  std::int64_t number = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

Status SqlTableDao::Atomically(const std::function<Status()>& change) {
  Status done = CheckMayWrite();
  if (!done) return done;
  if (in_transaction()) return change();
  done = Begin();
  if (!done) return done;
  done = change();
  if (done) done = Commit();
  if (!done) Rollback();
  return done;
}

Result<bool> SqlTableDao::IsForeign(const std::string& table) {
  const Result<bool> exists = Exists(table);
  if (!exists || !*exists) return exists;
  const Result<std::optional<std::string>> spec = Kept("forkcast_tables", "spec", table);
  if (!spec) return spec.error();
  return !spec->has_value();
}

Result<std::optional<std::vector<std::size_t>>> SqlTableDao::ColumnsToAdd(const TableSpec& spec) {
  const Result<bool> exists = Exists(spec.name);
  if (!exists) return exists.error();
  if (!*exists) return std::optional<std::vector<std::size_t>>();
  const Result<std::optional<std::string>> kept = Kept("forkcast_tables", "spec", spec.name);
  if (!kept) return kept.error();
  if (!*kept) return NotOurs(spec);
  Result<std::vector<std::size_t>> columns = NewColumns(spec, **kept);
  if (!columns) return std::move(columns).error();
  return std::optional(*std::move(columns));
}

Status SqlTableDao::EnsureTable(const TableSpec& spec) {
  Status good = CheckDeclaration(spec);
  if (!good) return good;
  const Result<std::optional<std::vector<std::size_t>>> missing = ColumnsToAdd(spec);
  if (!missing) return missing.error();
  if (in_transaction()) changed_.Note(spec.name, RowChange::kNone);
  if (*missing && (*missing)->empty()) return {};
  return Atomically([&]() -> Status {
    // Again, since another program may have been first.
    const Result<std::optional<std::vector<std::size_t>>> lacking = ColumnsToAdd(spec);
    if (!lacking) return lacking.error();
    Status done = EnsureBookkeeping();
    if (done && !*lacking) done = CreateTable(spec);
    for (const std::size_t column : lacking->value_or(std::vector<std::size_t>())) {
      if (done) done = AddColumn(spec, spec.schema.columns[column]);
    }
    if (!done) return done;
    changed_.Note(spec.name, RowChange::kNone);
    return Keep("forkcast_tables", {{"table_name", KeyOf(spec.name)}}, {{"spec", SpecText(spec)}});
  });
}

Status SqlTableDao::Keep(std::string_view own_table, const std::vector<Assignment>& key,
                         const std::vector<Assignment>& values) {
  std::string set;
  std::string where;
  std::string names;
  std::string marks;
  std::vector<Parameter> keys;
  std::vector<Parameter> all;
  const auto add = [&](const Assignment& one, std::string& list, std::string_view separator) {
    list += fmt::format("{}{} = ?", list.empty() ? "" : separator, one.column);
    names += fmt::format("{}{}", names.empty() ? "" : ", ", one.column);
    marks += marks.empty() ? "?" : ", ?";
    all.push_back(one.value);
  };
  for (const Assignment& one : values) add(one, set, ", ");
  for (const Assignment& one : key) add(one, where, " AND ");
  for (const Assignment& one : key) keys.push_back(one.value);
  const Result<TextRows> found =
      Ask(fmt::format("SELECT 1 FROM {} WHERE {}", own_table, where), keys);
  if (!found) return found.error();
  const Result<TextRows> kept =
      Ask(found->empty() ? fmt::format("INSERT INTO {} ({}) VALUES ({})", own_table, names, marks)
                         : fmt::format("UPDATE {} SET {} WHERE {}", own_table, set, where),
          all);
  return kept ? Status() : kept.error();
}

Result<std::optional<std::string>> SqlTableDao::Kept(std::string_view own_table,
                                                     std::string_view column,
                                                     std::string_view table) {
  const Result<bool> exists = Exists(own_table);
  if (!exists) return exists.error();
  if (!*exists) return std::optional<std::string>();
  const Result<TextRows> found =
      Ask(fmt::format("SELECT {} FROM {} WHERE table_name = ?", column, own_table),
          std::array{Given(KeyOf(table))});
  if (!found) return found.error();
  return found->empty() ? std::optional<std::string>() : found->front().front();
}

Result<std::optional<KnownFile>> SqlTableDao::FindFile(std::string_view table,
                                                       std::string_view content_hash) {
  const Result<std::vector<RecordedFile>> files = FilesBy(table, "content_hash", content_hash);
  if (!files) return files.error();
  if (files->empty()) return std::optional<KnownFile>();
  return std::optional(files->front().file);
}

Result<std::vector<RecordedFile>> SqlTableDao::FilesNamed(std::string_view table,
                                                          std::string_view file_name) {
  return FilesBy(table, "file_name", file_name);
}

Result<std::vector<RecordedFile>> SqlTableDao::FilesBy(std::string_view table,
                                                       std::string_view column,
                                                       std::string_view value) {
  std::vector<RecordedFile> files;
  const Result<bool> exists = Exists("forkcast_files");
  if (!exists) return exists.error();
  if (!*exists) return files;
  const Result<std::string> columns = FileColumns();
  if (!columns) return columns.error();
  const Result<TextRows> found =
      Ask(fmt::format("SELECT content_hash, {} FROM forkcast_files WHERE table_name = ? AND {} = ? "
                      "ORDER BY {}",
                      *columns, column, dialect_.recorded),
          std::array{Given(KeyOf(table)), Given(value)});
  if (!found) return found.error();
  for (const auto& row : *found) {
    RecordedFile file{.content_hash = row[0].value_or(""),
                      .file = {.rejected = static_cast<std::size_t>(NumberOf(row[1]))}};
    if (row[2]) file.file.rows = {.first = NumberOf(row[2]), .last = NumberOf(row[3])};
    files.push_back(std::move(file));
  }
  return files;
}

Status SqlTableDao::RecordFile(std::string_view table, std::string_view content_hash,
                               std::string_view file_name, const KnownFile& file) {
  const auto place = [&file](std::int64_t RowRange::*of) {
    return file.rows ? Parameter(std::to_string((*file.rows).*of)) : Parameter();
  };
  return Atomically([&]() -> Status {
    Status kept = EnsureBookkeeping();
    if (!kept) return kept;
    return Keep("forkcast_files",
                {{"table_name", KeyOf(table)}, {"content_hash", Given(content_hash)}},
                {{"file_name", Given(file_name)},
                 {"rejected", std::to_string(file.rejected)},
                 {"first_row", place(&RowRange::first)},
                 {"last_row", place(&RowRange::last)}});
  });
}

Status SqlTableDao::RemoveFile(std::string_view table, const RecordedFile& file) {
  return Atomically([&]() -> Status {
    const Result<TextRows> rows =
        Ask(fmt::format("DELETE FROM {} WHERE {} BETWEEN {} AND {}", dialect_.quote(table),
                        dialect_.place, file.file.rows->first, file.file.rows->last),
            {});
    if (!rows) return rows.error();
    changed_.Note(std::string(table), RowChange::kOthersChanged);
    const Result<TextRows> record =
        Ask("DELETE FROM forkcast_files WHERE table_name = ? AND content_hash = ?",
            std::array{Given(KeyOf(table)), Given(file.content_hash)});
    return record ? Status() : record.error();
  });
}

Result<std::int64_t> SqlTableDao::LastRow(std::string_view table) {
  const Result<TextRows> found =
      Ask(fmt::format("SELECT max({}) FROM {}", dialect_.place, dialect_.quote(table)), {});
  if (!found) return found.error();
  return NumberOf(found->front().front());
}

Result<std::optional<std::string>> SqlTableDao::ZoneOf(std::string_view table) {
  return Kept("forkcast_zones", "zone", table);
}

Status SqlTableDao::RecordZone(std::string_view table, std::string_view zone) {
  return Atomically([&]() -> Status {
    Status kept = EnsureBookkeeping();
    if (!kept) return kept;
    return Keep("forkcast_zones", {{"table_name", KeyOf(table)}}, {{"zone", Given(zone)}});
  });
}

Status SqlTableDao::LeaveMarks() {
  Status left;
  if (!CheckMayWrite()) changed_.Clear();
  for (const auto& [table, change] : changed_.changes()) {
    if (left) left = LeaveMark(table, change);
  }
  changed_.Clear();
  return left;
}

Status SqlTableDao::LeaveMark(const std::string& table, RowChange change) {
  Status kept = EnsureBookkeeping();
  if (!kept) return kept;
  const Result<TextRows> marks = MarksOf(table);
  if (!marks) return marks.error();
  if (change == RowChange::kNone && !marks->empty()) return {};
  const std::size_t keeps = change == RowChange::kOthersChanged ? 0 : kKeptMarks - 1;
  if (marks->size() > keeps) {
    const Result<TextRows> forgotten =
        Ask(fmt::format("DELETE FROM forkcast_marks WHERE table_name = ? AND {} <= {}",
                        dialect_.recorded, NumberOf((*marks)[keeps][2])),
            std::array{Given(KeyOf(table))});
    if (!forgotten) return forgotten.error();
  }
  const Result<std::int64_t> last = LastRow(table);
  if (!last) return last.error();
  const Result<TextRows> left =
      Ask(fmt::format("INSERT INTO forkcast_marks (table_name, mark, last_row) VALUES (?, ?, {})",
                      *last),
          std::array{Given(KeyOf(table)), Given(NewRowMark())});
  return left ? Status() : left.error();
}

Result<SqlTableDao::TextRows> SqlTableDao::MarksOf(std::string_view table) {
  const Result<bool> kept = Exists("forkcast_marks");
  if (!kept) return kept.error();
  if (!*kept) return TextRows();
  return Ask(fmt::format("SELECT mark, last_row, {0} FROM forkcast_marks WHERE table_name = ? "
                         "ORDER BY {0} DESC",
                         dialect_.recorded),
             std::array{Given(KeyOf(table))});
}

Result<std::optional<RowCursor>> SqlTableDao::CursorOf(const TableSource& source) {
  const Result<bool> grows = Grows(source);
  if (!grows) return grows.error();
  if (*grows) return GrowingCursor(source);
  const Result<TextRows> marks = MarksOf(source.table);
  if (!marks) return marks.error();
  if (marks->empty()) return std::optional<RowCursor>();
  const Result<std::int64_t> last = LastRow(source.table);
  if (!last) return last.error();
  return std::optional(RowCursor{.last_row = *last, .mark = marks->front()[0].value_or("")});
}

Result<bool> SqlTableDao::IsUnchanged(const TableSource& source, const RowCursor& cursor) {
  const Result<bool> grows = Grows(source);
  if (!grows) return grows.error();
  if (*grows) {
    const Result<std::string> mark = GrowingMark(
        source, NumberOf(cursor.mark.substr(0, cursor.mark.find(' '))), cursor.last_row);
    if (!mark) return mark.error();
    return *mark == cursor.mark;
  }
  const Result<TextRows> marks = MarksOf(source.table);
  if (!marks) return marks.error();
  for (const auto& mark : *marks) {
    if (mark[0] != cursor.mark || NumberOf(mark[1]) > cursor.last_row) continue;
    const Result<std::int64_t> last = LastRow(source.table);
    if (!last) return last.error();
    return *last >= cursor.last_row;
  }
  return false;
}

Status SqlTableDao::ReadRows(const TableSource& source, const RowRange& rows, const Schema& schema,
                             const std::vector<ForbiddenColumn>& forbidden, std::size_t batch_rows,
                             const std::function<Status(const Table&)>& sink) {
  if (Status good = CheckTableName(source.table); !good) return good;
  const Result<bool> grows = Grows(source);
  if (!grows) return grows.error();
  std::string names;
  for (const ColumnSpec& column : schema.columns) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", dialect_.quote(column.name));
  }
  const std::string order =
      *grows ? fmt::format("{}, {}", dialect_.quote(source.grows_by->name), OrderOfValues(schema))
             : std::string(dialect_.place);
  return ReadSql(fmt::format("SELECT {} FROM {} WHERE {} ORDER BY {}", names,
                             dialect_.quote(source.table), Within(source, *grows, rows), order),
                 source, schema, forbidden, batch_rows, sink);
}

Result<std::string> SqlTableDao::ChangeMark() {
  Result<std::string> mark = StoreMark();
  if (!mark) return mark;
  // Rows that were there and not settled are, by the next look, though nothing else has changed.
  if (!unsettled_.empty()) ++unsettled_looks_;
  return fmt::format("{} {}", *mark, unsettled_looks_);
}

Result<std::optional<std::string>> SqlTableDao::BookmarkOf(std::string_view table,
                                                           std::string_view source) {
  const Result<bool> kept = Exists("forkcast_bookmarks");
  if (!kept) return kept.error();
  if (!*kept) return std::optional<std::string>();
  const Result<TextRows> found =
      Ask("SELECT position FROM forkcast_bookmarks WHERE table_name = ? AND source = ?",
          std::array{Given(KeyOf(table)), Given(source)});
  if (!found) return found.error();
  return found->empty() ? std::optional<std::string>() : found->front().front();
}

Result<bool> SqlTableDao::MoveBookmark(std::string_view table, std::string_view source,
                                       const std::optional<std::string>& expected,
                                       std::string_view position) {
  bool moved = false;
  // Nobody else writes meanwhile: each store has one writer at a time, which sees all that those
  // before it have committed.
  const Status done = Atomically([&]() -> Status {
    Status kept = EnsureBookkeeping();
    if (!kept) return kept;
    const Result<std::optional<std::string>> stands = BookmarkOf(table, source);
    if (!stands) return stands.error();
    moved = *stands == expected;
    if (!moved) return {};
    return Keep("forkcast_bookmarks", {{"table_name", KeyOf(table)}, {"source", Given(source)}},
                {{"position", Given(position)}});
  });
  if (!done) return done.error();
  return moved;
}

}  // namespace forkcast::preprocessing
