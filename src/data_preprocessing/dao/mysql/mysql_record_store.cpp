#include "data_preprocessing/dao/mysql/mysql_record_store.hpp"

#include <string>
#include <utility>

#include "data_preprocessing/dao/common/sql_record_store.hpp"
#include "data_preprocessing/dao/mysql/mysql_connection.hpp"
#include "data_preprocessing/dao/mysql/mysql_statement.hpp"
#include "data_preprocessing/dao/mysql/mysql_url.hpp"

namespace forkcast::preprocessing {
namespace {

constexpr const char* kExists =
    "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND "
    "table_name = 'forkcast_records'";
// Compared as the other tables of Forkcast are: character by character.
constexpr const char* kCreateTable =
    "CREATE TABLE IF NOT EXISTS forkcast_records (shelf VARCHAR(64), id VARCHAR(512), "
    "revision BIGINT NOT NULL, label VARCHAR(64) NOT NULL, body LONGTEXT NOT NULL, "
    "PRIMARY KEY (shelf, id), INDEX forkcast_records_by_label (shelf, label)) ENGINE = InnoDB "
    "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin";

class MysqlRecordStore final : public SqlRecordStore {
 public:
  explicit MysqlRecordStore(std::unique_ptr<MysqlConnection> connection) noexcept
      : connection_(std::move(connection)) {}

  [[nodiscard]] bool is_local() const noexcept override { return false; }

  Status Prepare() {
    const auto exists = connection_->Ask(kExists);
    if (!exists) return exists.error();
    if (!exists->empty()) return {};
    is_empty_ = connection_->access() == StoreAccess::kReadOnly;
    return is_empty_ ? Status() : connection_->Execute(kCreateTable);
  }

 private:
  Result<Answer> Ask(const std::string& sql, std::span<const Parameter> parameters) override {
    Result<MysqlStatement> statement = MysqlStatement::Prepare(*connection_, sql);
    if (!statement) return std::move(statement).error();
    if (Status done = statement->Execute(parameters); !done) return std::move(done).error();
    if (statement->column_count() == 0) return Answer{.changes = statement->changes()};
    Result<TextRows> rows = statement->FetchTexts();
    if (!rows) return std::move(rows).error();
    return Answer{.rows = *std::move(rows)};
  }
  Status Begin() override { return connection_->Execute("START TRANSACTION"); }
  Status Commit() override { return connection_->Execute("COMMIT"); }
  void Rollback() noexcept override { static_cast<void>(connection_->Execute("ROLLBACK")); }
  [[nodiscard]] std::string_view insert() const noexcept override {
    // IGNORE would pass over more than that there is one: a text too long would be cut.
    return "INSERT INTO forkcast_records (shelf, id, revision, label, body) "
           "VALUES (?, ?, 1, ?, ?) ON DUPLICATE KEY UPDATE revision = revision";
  }
  [[nodiscard]] bool is_empty() const noexcept override { return is_empty_; }

  std::unique_ptr<MysqlConnection> connection_;
  bool is_empty_ = false;
};

}  // namespace

Result<std::unique_ptr<RecordStore>> OpenMysqlRecords(std::string_view place, StoreAccess access) {
  Result<MysqlUrl> url = ParseMysqlUrl(place);
  if (!url) return std::move(url).error();
  auto connection = MysqlConnection::Open(*url, access);
  if (!connection) return std::move(connection).error();
  auto records = std::make_unique<MysqlRecordStore>(*std::move(connection));
  if (Status prepared = records->Prepare(); !prepared) return std::move(prepared).error();
  return std::unique_ptr<RecordStore>(std::move(records));
}

}  // namespace forkcast::preprocessing
