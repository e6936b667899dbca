#include "data_preprocessing/dao/sqlite/sqlite_record_store.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "data_preprocessing/dao/common/sql_record_store.hpp"
#include "data_preprocessing/dao/sqlite/sqlite_connection.hpp"
#include "data_preprocessing/dao/sqlite/sqlite_table_dao.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr std::string_view kCreateTable =
    "CREATE TABLE IF NOT EXISTS forkcast_records (shelf TEXT NOT NULL, id TEXT NOT NULL, "
    "revision INTEGER NOT NULL, label TEXT NOT NULL, body TEXT NOT NULL, "
    "PRIMARY KEY (shelf, id)) STRICT";
constexpr std::string_view kCreateIndex =
    "CREATE INDEX IF NOT EXISTS forkcast_records_by_label ON forkcast_records (shelf, label)";

class SqliteRecordStore final : public SqlRecordStore {
 public:
  explicit SqliteRecordStore(std::unique_ptr<SqliteConnection> connection) noexcept
      : connection_(std::move(connection)) {}

  [[nodiscard]] bool is_local() const noexcept override { return true; }

  Status Create() {
    if (connection_->access() == StoreAccess::kReadOnly) return {};
    for (const std::string_view sql : {kCreateTable, kCreateIndex}) {
      if (Status created = connection_->Execute(sql); !created) return created;
    }
    return {};
  }

 private:
  Result<Answer> Ask(const std::string& sql, std::span<const Parameter> parameters) override {
    Result<SqliteStatement> statement = connection_->Prepare(sql);
    if (!statement) return std::move(statement).error();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      statement->Bind(i, parameters[i] ? Value(std::string_view(*parameters[i])) : Value());
    }
    Answer answer;
    while (true) {
      const Result<bool> found = statement->Step();
      if (!found) return found.error();
      if (!*found) break;
      auto& row = answer.rows.emplace_back();
      for (std::size_t i = 0; i < statement->column_count(); ++i) {
        row.push_back(statement->IsNull(i) ? Parameter() : std::string(statement->Text(i)));
      }
    }
    answer.changes = static_cast<std::size_t>(connection_->changes());
    return answer;
  }
  Status Begin() override { return connection_->Execute("BEGIN IMMEDIATE"); }
  Status Commit() override { return connection_->Execute("COMMIT"); }
  void Rollback() noexcept override {
    if (connection_->in_transaction()) static_cast<void>(connection_->Execute("ROLLBACK"));
  }
  [[nodiscard]] std::string_view insert() const noexcept override {
    return "INSERT INTO forkcast_records (shelf, id, revision, label, body) "
           "VALUES (?, ?, 1, ?, ?) ON CONFLICT DO NOTHING";
  }
  [[nodiscard]] bool is_empty() const noexcept override { return false; }

  std::unique_ptr<SqliteConnection> connection_;
};

}  // namespace

Result<std::unique_ptr<RecordStore>> OpenSqliteRecords(std::string_view path, StoreAccess access) {
  const std::filesystem::path file = fmt::format("{}.jobs", path);
  std::error_code failed;
  if (access == StoreAccess::kReadOnly && !std::filesystem::exists(file, failed)) {
    return Error{
        ErrorCode::kNotFound,
        fmt::format("{}: there is no such file; it is made with the first job", file.string())};
  }
  auto connection = SqliteConnection::Open(file, access, kStoreBusyTimeout);
  if (!connection) return std::move(connection).error();
  auto records = std::make_unique<SqliteRecordStore>(*std::move(connection));
  if (Status created = records->Create(); !created) return std::move(created).error();
  return std::unique_ptr<RecordStore>(std::move(records));
}

}  // namespace forkcast::preprocessing
