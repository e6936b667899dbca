#include "data_preprocessing/dao/sqlite/sqlite_connection.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <system_error>
#include <utility>

#include "data_preprocessing/dao/common/table_rules.hpp"

namespace forkcast::preprocessing {
namespace {

/// While it lives, `database` prepares nothing but reading, and no reading of forbidden columns.
/// SQLite asks when it resolves names, so views, subqueries and `*` are already taken apart. It
/// does not ask for columns that NATURAL and USING join by: see NamesJoinColumns().
class ReadGuard {
 public:
  ReadGuard(sqlite3* database, const std::vector<ForbiddenColumn>& forbidden) noexcept
      : database_(database), forbidden_(forbidden) {
    sqlite3_set_authorizer(database_, &ReadGuard::Authorize, this);
  }
  ReadGuard(const ReadGuard&) = delete;
  ReadGuard& operator=(const ReadGuard&) = delete;
  ~ReadGuard() { sqlite3_set_authorizer(database_, nullptr, nullptr); }

  /// Why something was refused; empty when nothing was.
  [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }
  /// The tables and views that were read, those within views too.
  [[nodiscard]] const std::set<std::string>& sources() const noexcept { return sources_; }

 private:
  // Arguments 3 and 4 depend on the action: for SQLITE_READ a table and a column.
  static int Authorize(void* self, int action, const char* table, const char* column,
                       const char* /*database*/, const char* view) {
    auto* const guard = static_cast<ReadGuard*>(self);
    // A view of which no column is read is known only as what asks for its parts.
    if (view != nullptr) guard->sources_.emplace(view);
    return guard->Decide(action, table, column);
  }

  int Decide(int action, const char* table, const char* column) {
    switch (action) {
      case SQLITE_SELECT:
      case SQLITE_FUNCTION:  // extensions, which could do more than compute, cannot be loaded
      case SQLITE_RECURSIVE:
        return SQLITE_OK;
      case SQLITE_READ:
        sources_.emplace(table);
        for (const ForbiddenColumn& forbidden : forbidden_) {
          if (sqlite3_stricmp(table, forbidden.table.c_str()) == 0 &&
              sqlite3_stricmp(column, forbidden.column.c_str()) == 0) {
            refusal_ = ReadsForbidden(forbidden).message;
            return SQLITE_DENY;
          }
        }
        return SQLITE_OK;
      default:
        refusal_ = "it does more than read: expected one SELECT";
        return SQLITE_DENY;
    }
  }

  sqlite3* database_;
  const std::vector<ForbiddenColumn>& forbidden_;
  std::string refusal_;
  std::set<std::string> sources_;
};

/// Where the token that begins at `at` ends: a quoted name or text, a comment, a word, or one
/// character.
std::size_t EndOfToken(std::string_view sql, std::size_t at) {
  const auto after = [&](std::string_view end, std::size_t from) {
    const std::size_t found = sql.find(end, from);
    return found == std::string_view::npos ? sql.size() : found + end.size();
  };
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  const char first = sql[at];
  if (first == '\'' || first == '"' || first == '`') return after(sql.substr(at, 1), at + 1);
  if (first == '[') return after("]", at + 1);
  if (sql.substr(at).starts_with("--")) return after("\n", at);
  if (sql.substr(at).starts_with("/*")) return after("*/", at + 2);
  if (!is_word(first)) return at + 1;
  while (at < sql.size() && is_word(sql[at])) ++at;
  return at;
}

/// Whether a query joins by NATURAL or USING, which read columns without SQLite asking.
bool NamesJoinColumns(std::string_view sql) {
  for (std::size_t at = 0; at < sql.size();) {
    const std::size_t end = EndOfToken(sql, at);
    const std::string token(sql.substr(at, end - at));
    if (sqlite3_stricmp(token.c_str(), "natural") == 0 ||
        sqlite3_stricmp(token.c_str(), "using") == 0) {
      return true;
    }
    at = end;
  }
  return false;
}

Error QueryError(std::string why) { return {ErrorCode::kInvalidArgument, std::move(why)}; }

std::string_view NameOfType(int sqlite_type) noexcept {
  switch (sqlite_type) {
    case SQLITE_INTEGER:
      return "an integer";
    case SQLITE_FLOAT:
      return "a real number";
    case SQLITE_TEXT:
      return "a text";
    case SQLITE_BLOB:
      return "a blob";
    default:
      return "nothing";
  }
}

}  // namespace

std::string QuoteIdentifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += c;
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

void SqliteStatement::Bind(std::size_t parameter, const Value& value) {
  sqlite3_stmt* const statement = statement_.get();
  const int index = static_cast<int>(parameter) + 1;
  struct Binder {
    sqlite3_stmt* statement;
    int index;
    int operator()(std::monostate) const { return sqlite3_bind_null(statement, index); }
    int operator()(std::string_view text) const {
      // A null pointer would be NULL, where an empty text is meant.
      return sqlite3_bind_text64(statement, index, text.data() == nullptr ? "" : text.data(),
                                 text.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    int operator()(std::int64_t number) const {
      return sqlite3_bind_int64(statement, index, number);
    }
    int operator()(double number) const { return sqlite3_bind_double(statement, index, number); }
    int operator()(bool flag) const { return sqlite3_bind_int64(statement, index, flag ? 1 : 0); }
    int operator()(Instant instant) const {
      return sqlite3_bind_int64(statement, index, ToMicros(instant));
    }
  };
  const int code = std::visit(Binder{statement, index}, value);
  if (code != SQLITE_OK) bind_code_ = code;
}

Result<bool> SqliteStatement::Step() {
  if (bind_code_ != SQLITE_OK) return connection_->ErrorOf(bind_code_);
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return connection_->ErrorOf(code);
}

void SqliteStatement::Reset() noexcept {
  sqlite3_reset(statement_.get());
  bind_code_ = SQLITE_OK;
}

std::size_t SqliteStatement::column_count() const noexcept {
  return static_cast<std::size_t>(sqlite3_column_count(statement_.get()));
}

std::string_view SqliteStatement::ColumnName(std::size_t column) const noexcept {
  const char* const name = sqlite3_column_name(statement_.get(), static_cast<int>(column));
  return name == nullptr ? std::string_view() : name;
}

bool SqliteStatement::IsNull(std::size_t column) const noexcept {
  return sqlite3_column_type(statement_.get(), static_cast<int>(column)) == SQLITE_NULL;
}

std::int64_t SqliteStatement::Int64(std::size_t column) const noexcept {
  return sqlite3_column_int64(statement_.get(), static_cast<int>(column));
}

std::string_view SqliteStatement::Text(std::size_t column) const noexcept {
  const int index = static_cast<int>(column);
  const unsigned char* const text = sqlite3_column_text(statement_.get(), index);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), index))};
}

Status SqliteStatement::AppendTo(std::size_t column, const ColumnSpec& spec, Column& out) const {
  const int index = static_cast<int>(column);
  const int type = sqlite3_column_type(statement_.get(), index);
  if (type == SQLITE_NULL && spec.nullable) {
    out.AppendMissing();
    return {};
  }
  switch (spec.type) {
    case ColumnType::kText:
      if (type != SQLITE_TEXT) break;
      out.AppendText(Text(column));
      return {};
    case ColumnType::kInt64:
      if (type != SQLITE_INTEGER) break;
      out.AppendInt64(Int64(column));
      return {};
    case ColumnType::kDouble:
      if (type != SQLITE_FLOAT && type != SQLITE_INTEGER) break;
      out.AppendDouble(sqlite3_column_double(statement_.get(), index));
      return {};
    case ColumnType::kBool:
      if (type != SQLITE_INTEGER || (Int64(column) != 0 && Int64(column) != 1)) break;
      out.AppendBool(Int64(column) == 1);
      return {};
    case ColumnType::kTimestamp:
      if (type != SQLITE_INTEGER) break;
      out.AppendTimestamp(FromMicros(Int64(column)));
      return {};
  }
  std::string got(NameOfType(type));
  if (type == SQLITE_INTEGER) got += " (" + std::to_string(Int64(column)) + ")";
  return NotAsDeclared(spec, got);
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(
    const std::filesystem::path& path, StoreAccess access, std::chrono::milliseconds busy_timeout) {
  // An absolute name is never one of SQLite's special names (":memory:").
  std::error_code failed;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
  const auto refuse = [&path](std::string_view why) {
    return Error{ErrorCode::kIo, path.string() + ": " + std::string(why)};
  };
  if (failed) return refuse(failed.message());
  if (std::filesystem::is_directory(absolute, failed)) return refuse("is a folder, not a store");
  if (!std::filesystem::is_directory(absolute.parent_path(), failed)) {
    return refuse("the folder for this store does not exist");
  }
  if (access == StoreAccess::kReadOnly && !std::filesystem::exists(absolute, failed)) {
    return refuse("there is no such store");
  }

  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(path.string(), access));
  connection->busy_timeout_ = busy_timeout;
  // A reader opens for writing too where it can, since the journal of a killed writer must be
  // undone before anything can be read; query_only then refuses every change of its own.
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (access == StoreAccess::kReadWriteCreate) {
    flags |= SQLITE_OPEN_CREATE;
    if (!std::filesystem::exists(absolute, failed)) connection->created_ = absolute;
  }
  const int code = sqlite3_open_v2(absolute.c_str(), &connection->database_, flags, nullptr);
  if (code != SQLITE_OK) return connection->ErrorOf(code);
  sqlite3_busy_timeout(connection->database_, static_cast<int>(busy_timeout.count()));
  if (access == StoreAccess::kReadWriteCreate &&
      sqlite3_db_readonly(connection->database_, "main") == 1) {
    return refuse("may not be written");
  }
  // Without these a misspelt column in double quotes would silently be a text.
  for (const int option : {SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL}) {
    sqlite3_db_config(connection->database_, option, 0, nullptr);
  }
  // The first statement reads the file: whether it is locked or no database shows here. Rows with
  // keys in random order touch all of an index; 64 MiB keep more of it at hand than the usual 2. As
  // much is sorted at a time where an index is made, and a second thread sorts it.
  for (const std::string_view sql :
       {"PRAGMA schema_version", "PRAGMA cache_size = -65536", "PRAGMA threads = 1"}) {
    const Status done = connection->Execute(sql);
    if (!done) return done.error();
  }
  if (access == StoreAccess::kReadOnly) {
    const Status done = connection->Execute("PRAGMA query_only = ON");
    if (!done) return done.error();
  }
  return connection;
}

SqliteConnection::~SqliteConnection() {
  if (database_ != nullptr && !created_.empty()) RemoveUnlessCommitted();
  sqlite3_close(database_);
}

void SqliteConnection::RemoveUnlessCommitted() noexcept {
  if (in_transaction()) static_cast<void>(Execute("ROLLBACK"));
  // With the lock, no other program is about to commit to the file that both of us opened. What was
  // never committed to is empty: SQLite truncates what it had written when it rolls back.
  if (!Execute("BEGIN EXCLUSIVE")) return;
  std::error_code unknown;
  if (std::filesystem::file_size(created_, unknown) == 0) {
    std::filesystem::remove(created_, unknown);
  }
}

Result<SqliteStatement> SqliteConnection::Prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return ErrorOf(code);
  return SqliteStatement(*this, statement);
}

Result<SqliteStatement> SqliteConnection::PrepareQuery(
    std::string_view sql, const std::vector<ForbiddenColumn>& forbidden) const {
  if (!forbidden.empty() && NamesJoinColumns(sql)) {
    return QueryError(
        "it joins by NATURAL or USING, by which a column that is forbidden here could be read: "
        "expected ON");
  }
  const ReadGuard guard(database_, forbidden);
  const auto prepare = [&](std::string_view text, sqlite3_stmt*& statement, const char** tail) {
    return sqlite3_prepare_v2(database_, text.data(), static_cast<int>(text.size()), &statement,
                              tail);
  };
  const auto failure = [&](int code) {
    if (!guard.refusal().empty()) return QueryError(guard.refusal());
    // What is wrong with the SQL itself is the caller's to mend; a lock, say, is not.
    return (code & 0xFF) == SQLITE_ERROR ? QueryError(sqlite3_errmsg(database_)) : ErrorOf(code);
  };

  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const int code = prepare(sql, raw, &tail);
  SqliteStatement statement(*this, raw);
  if (code != SQLITE_OK) return failure(code);
  if (raw == nullptr || sqlite3_column_count(raw) == 0 || sqlite3_stmt_isexplain(raw) != 0) {
    return QueryError("expected one SELECT");
  }
  if (sqlite3_bind_parameter_count(raw) != 0) return QueryError("it has parameters");

  sqlite3_stmt* second = nullptr;  // stays null when only blanks and comments follow
  const std::string_view rest = sql.substr(static_cast<std::size_t>(tail - sql.data()));
  const int rest_code = prepare(rest, second, nullptr);
  sqlite3_finalize(second);
  if (second != nullptr || rest_code != SQLITE_OK) {
    return QueryError("expected one SELECT, something follows it");
  }
  if (!forbidden.empty()) {
    const Status joined = CheckViews(guard.sources());
    if (!joined) return joined.error();
  }
  return statement;
}

Status SqliteConnection::CheckViews(const std::set<std::string>& sources) const {
  Result<SqliteStatement> find = Prepare(
      "SELECT sql, name FROM sqlite_master WHERE type = 'view' AND name = ? COLLATE NOCASE");
  if (!find) return find.error();
  for (const std::string& source : sources) {
    find->Bind(0, std::string_view(source));
    const Result<bool> found = find->Step();
    if (!found) return found.error();
    if (*found && NamesJoinColumns(find->Text(0))) {
      return QueryError("its view \"" + std::string(find->Text(1)) +
                        "\" joins by NATURAL or USING: expected ON");
    }
    find->Reset();
  }
  return {};
}

Status SqliteConnection::Execute(std::string_view sql) const {
  Result<SqliteStatement> statement = Prepare(sql);
  if (!statement) return statement.error();
  const Result<bool> done = statement->Step();
  if (!done) return done.error();
  return {};
}

bool SqliteConnection::in_transaction() const noexcept {
  return sqlite3_get_autocommit(database_) == 0;
}

std::int64_t SqliteConnection::changes() const noexcept { return sqlite3_changes64(database_); }

std::int64_t SqliteConnection::last_row() const noexcept {
  return sqlite3_last_insert_rowid(database_);
}

Error SqliteConnection::ErrorOf(int code) const {
  std::string message = path_ + ": ";
  switch (code & 0xFF) {
    case SQLITE_BUSY:
      message += "the store is locked by another program (waited " +
                 std::to_string(busy_timeout_.count()) + " ms)";
      break;
    case SQLITE_NOTADB:
      message += "is not a SQLite database";
      break;
    default:
      message += database_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database_);
  }
  return {ErrorCode::kIo, std::move(message)};
}

}  // namespace forkcast::preprocessing
