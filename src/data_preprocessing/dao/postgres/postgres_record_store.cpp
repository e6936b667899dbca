#include "data_preprocessing/dao/postgres/postgres_record_store.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "data_preprocessing/dao/common/sql_record_store.hpp"
#include "data_preprocessing/dao/postgres/postgres_connection.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr const char* kExists = "SELECT to_regclass('forkcast_records') IS NOT NULL";
constexpr const char* kCreateTable =
    "CREATE TABLE IF NOT EXISTS forkcast_records (shelf text, id text, revision bigint NOT NULL, "
    "label text NOT NULL, body text NOT NULL, PRIMARY KEY (shelf, id))";
constexpr const char* kCreateIndex =
    "CREATE INDEX IF NOT EXISTS forkcast_records_by_label ON forkcast_records (shelf, label)";
/// Two who create at once exclude each other; not by the lock of those who write rows.
constexpr const char* kCreatorsLock = "SELECT pg_advisory_xact_lock(7381228990022644597)";

/// `?` as PostgreSQL numbers them: $1, $2 ... No statement here has one in a name or text.
std::string WithNumbers(const std::string& sql) {
  std::string numbered;
  int count = 0;
  for (const char c : sql) {
    if (c == '?') {
      numbered += fmt::format("${}", ++count);
    } else {
      numbered += c;
    }
  }
  return numbered;
}

class PostgresRecordStore final : public SqlRecordStore {
 public:
  explicit PostgresRecordStore(std::unique_ptr<PostgresConnection> connection) noexcept
      : connection_(std::move(connection)) {}

  [[nodiscard]] bool is_local() const noexcept override { return false; }

  Status Prepare() {
    const Result<PgResult> exists = connection_->Run(kExists);
    if (!exists) return exists.error();
    if (exists->Bytes(0, 0) == "t") return {};
    is_empty_ = connection_->access() == StoreAccess::kReadOnly;
    if (is_empty_) return {};
    for (const char* const sql : {"BEGIN", kCreatorsLock, kCreateTable, kCreateIndex, "COMMIT"}) {
      if (Status done = connection_->Execute(sql); !done) {
        Rollback();
        return done;
      }
    }
    return {};
  }

 private:
  Result<Answer> Ask(const std::string& sql, std::span<const Parameter> parameters) override {
    const Result<PgResult> found = connection_->Run(WithNumbers(sql), parameters);
    if (!found) return found.error();
    Answer answer{.rows = TextRows(found->row_count()), .changes = found->changes()};
    for (std::size_t row = 0; row < answer.rows.size(); ++row) {
      for (std::size_t i = 0; i < found->column_count(); ++i) {
        answer.rows[row].push_back(found->IsNull(row, i) ? Parameter()
                                                         : std::string(found->Bytes(row, i)));
      }
    }
    return answer;
  }
  // Read committed, whatever the server's default is: whoever waited for another writer then
  // compares with what that one has written, instead of failing.
  Status Begin() override { return connection_->Execute("BEGIN ISOLATION LEVEL READ COMMITTED"); }
  Status Commit() override {
    const Result<PgResult> ended = connection_->Run("COMMIT");
    if (!ended) return ended.error();
    if (ended->tag() == "COMMIT") return {};
    return connection_->ErrorOf("nothing was committed, since a statement before had failed");
  }
  void Rollback() noexcept override {
    if (connection_->in_transaction()) static_cast<void>(connection_->Execute("ROLLBACK"));
  }
  [[nodiscard]] std::string_view insert() const noexcept override {
    return "INSERT INTO forkcast_records (shelf, id, revision, label, body) "
           "VALUES (?, ?, 1, ?, ?) ON CONFLICT DO NOTHING";
  }
  [[nodiscard]] bool is_empty() const noexcept override { return is_empty_; }

  std::unique_ptr<PostgresConnection> connection_;
  bool is_empty_ = false;
};

}  // namespace

Result<std::unique_ptr<RecordStore>> OpenPostgresRecords(std::string_view place,
                                                         StoreAccess access) {
  auto connection = PostgresConnection::Open(fmt::format("postgresql:{}", place), access);
  if (!connection) return std::move(connection).error();
  auto records = std::make_unique<PostgresRecordStore>(*std::move(connection));
  if (Status prepared = records->Prepare(); !prepared) return std::move(prepared).error();
  return std::unique_ptr<RecordStore>(std::move(records));
}

}  // namespace forkcast::preprocessing
