#include "serving/capture/capture_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "data_preprocessing/dao/sqlite/sqlite_connection.hpp"
#include "serving/capture/capture_line.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::SqliteConnection;
using preprocessing::SqliteStatement;
using preprocessing::StoreAccess;
using preprocessing::Value;

// A recorder must not wait long: its queue fills.
constexpr std::chrono::milliseconds kRecorderPatience{500};
constexpr std::chrono::milliseconds kReaderPatience{5000};

constexpr std::string_view kCreate = R"(CREATE TABLE IF NOT EXISTS captures (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL,
  received_us INTEGER NOT NULL,
  endpoint TEXT NOT NULL,
  variant TEXT NOT NULL,
  deployment TEXT NOT NULL,
  pipeline TEXT NOT NULL,
  model_version TEXT NOT NULL,
  request_id TEXT NOT NULL,
  inference_id TEXT NOT NULL,
  custom_attributes TEXT NOT NULL,
  traceparent TEXT NOT NULL,
  status INTEGER NOT NULL,
  latency_us INTEGER NOT NULL,
  withheld TEXT NOT NULL,
  request_type TEXT NOT NULL,
  request_encoding TEXT NOT NULL,
  request TEXT NOT NULL,
  answer_type TEXT NOT NULL,
  answer_encoding TEXT NOT NULL,
  answer TEXT NOT NULL,
  features TEXT NOT NULL))";

constexpr std::string_view kColumns =
    "event_id, received_us, endpoint, variant, deployment, pipeline, model_version, request_id, "
    "inference_id, custom_attributes, traceparent, status, latency_us, withheld, request_type, "
    "request_encoding, request, answer_type, answer_encoding, answer, features";

/// In the order of kColumns.
std::array<Value, 21> ValuesOf(const CaptureRecord& record) {
  const auto text = [](const std::string& one) { return Value(std::string_view(one)); };
  return {text(record.event_id),
          ToMicros(record.received),
          text(record.endpoint),
          text(record.variant),
          text(record.deployment),
          text(record.pipeline),
          text(record.model_version),
          text(record.request_id),
          text(record.inference_id),
          text(record.custom_attributes),
          text(record.traceparent),
          std::int64_t{record.status},
          std::int64_t{record.latency.count()},
          text(record.withheld),
          text(record.request.content_type),
          text(record.request.encoding),
          text(record.request.data),
          text(record.answer.content_type),
          text(record.answer.encoding),
          text(record.answer.data),
          text(record.features)};
}

/// Of a row of "id, " and kColumns.
CaptureRecord ReadRecord(const SqliteStatement& row) {
  std::size_t column = 0;
  const auto text = [&] { return std::string(row.Text(column++)); };
  const auto number = [&] { return row.Int64(column++); };
  CaptureRecord record;
  record.id = number();
  record.event_id = text();
  record.received = FromMicros(number());
  for (std::string* const one :
       {&record.endpoint, &record.variant, &record.deployment, &record.pipeline,
        &record.model_version, &record.request_id, &record.inference_id, &record.custom_attributes,
        &record.traceparent}) {
    *one = text();
  }
  record.status = static_cast<int>(number());
  record.latency = std::chrono::microseconds(number());
  record.withheld = text();
  for (CapturedBody* const body : {&record.request, &record.answer}) {
    body->content_type = text();
    body->encoding = text();
    body->data = text();
  }
  record.features = text();
  return record;
}

/// Runs a statement with parameters whose result does not matter.
Status Run(const SqliteConnection& connection, std::string_view sql,
           const std::vector<Value>& parameters) {
  Result<SqliteStatement> statement = connection.Prepare(sql);
  if (!statement) return std::move(statement).error();
  for (std::size_t i = 0; i < parameters.size(); ++i) statement->Bind(i, parameters[i]);
  const Result<bool> done = statement->Step();
  return done ? Status() : done.error();
}

}  // namespace

CaptureRecord RecordOf(const CaptureMessage& message, std::string_view event_id) {
  CaptureRecord record;
  record.event_id = event_id;
  record.received = message.request.received;
  record.endpoint = message.target.endpoint;
  record.variant = message.target.variant;
  record.deployment = message.deployment;
  record.pipeline = message.pipeline;
  record.model_version = message.model_version;
  record.request_id = message.request.id;
  record.inference_id = message.request.inference_id;
  record.custom_attributes = message.request.custom_attributes;
  record.traceparent = message.request.traceparent;
  record.status = message.answer.status;
  record.latency = std::chrono::floor<std::chrono::microseconds>(message.answer.latency);
  if (message.withheld.request) record.withheld = "request";
  if (message.withheld.answer) record.withheld += message.withheld.request ? ",answer" : "answer";
  record.request = BodyOf(message.request.content_type, message.request.body);
  record.answer = BodyOf(message.answer.content_type, message.answer.body);
  AppendCapturedRows(message, record.features);
  return record;
}

CaptureStore::CaptureStore(std::unique_ptr<SqliteConnection> connection) noexcept
    : connection_(std::move(connection)) {}
CaptureStore::CaptureStore(CaptureStore&&) noexcept = default;
CaptureStore& CaptureStore::operator=(CaptureStore&&) noexcept = default;
CaptureStore::~CaptureStore() = default;

Result<CaptureStore> CaptureStore::Open(const std::filesystem::path& path) {
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::absolute(path, failed).parent_path(),
                                      failed);
  auto connection = SqliteConnection::Open(path, StoreAccess::kReadWriteCreate, kRecorderPatience);
  if (!connection) return std::move(connection).error();
  for (const std::string_view sql :
       {// Readers and the recorder do not wait for each other. What a crash of the machine loses
        // are the last records, as in files.
        std::string_view("PRAGMA journal_mode = WAL"),
        std::string_view("PRAGMA synchronous = NORMAL"),
        std::string_view("PRAGMA journal_size_limit = 4194304"), kCreate,
        std::string_view(
            "CREATE INDEX IF NOT EXISTS captures_received ON captures (received_us)")}) {
    if (Status done = (*connection)->Execute(sql); !done) return std::move(done).error();
  }
  return CaptureStore(*std::move(connection));
}

Result<CaptureStore> CaptureStore::OpenToRead(const std::filesystem::path& path) {
  std::error_code unknown;
  if (!std::filesystem::exists(path, unknown)) {
    return Error{ErrorCode::kNotFound, fmt::format("{}: there is no such store", path.string())};
  }
  auto connection = SqliteConnection::Open(path, StoreAccess::kReadOnly, kReaderPatience);
  if (!connection) return std::move(connection).error();
  CaptureStore store(*std::move(connection));
  const auto tables =
      store.Number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'captures'");
  if (!tables) return tables.error();
  if (*tables == 1) return store;
  return Error{ErrorCode::kNotFound,
               fmt::format("{}: is no store of captures: it has no table captures", path.string())};
}

Status CaptureStore::Append(std::span<const CaptureRecord> records, const CaptureStoreRules& rules,
                            Instant now) {
  return InTransaction([&]() -> Status {
    if (Status inserted = Insert(records); !inserted) return inserted;
    if (Status removed = RemoveOlder(rules, now); !removed) return removed;
    return rules.max_bytes ? RemoveBeyond(*rules.max_bytes) : Status();
  });
}

Status CaptureStore::Trim(const CaptureStoreRules& rules, Instant now) {
  if (!rules.keep_age) return {};
  return InTransaction([&] { return RemoveOlder(rules, now); });
}

Status CaptureStore::InTransaction(const std::function<Status()>& change) {
  if (Status begun = connection_->Execute("BEGIN IMMEDIATE"); !begun) return begun;
  Status done = change();
  if (done) done = connection_->Execute("COMMIT");
  // A full disk may have rolled it back already.
  if (!done && connection_->in_transaction()) static_cast<void>(connection_->Execute("ROLLBACK"));
  return done;
}

Status CaptureStore::Insert(std::span<const CaptureRecord> records) {
  static const std::string kInsert = fmt::format(
      "INSERT INTO captures ({}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "?, ?)",
      kColumns);
  Result<SqliteStatement> insert = connection_->Prepare(kInsert);
  if (!insert) return std::move(insert).error();
  for (const CaptureRecord& record : records) {
    const auto values = ValuesOf(record);
    for (std::size_t i = 0; i < values.size(); ++i) insert->Bind(i, values[i]);
    const Result<bool> done = insert->Step();
    if (!done) return done.error();
    insert->Reset();
  }
  return {};
}

Status CaptureStore::RemoveOlder(const CaptureStoreRules& rules, Instant now) {
  if (!rules.keep_age) return {};
  return Run(*connection_, "DELETE FROM captures WHERE received_us < ?",
             {ToMicros(now - *rules.keep_age)});
}

Status CaptureStore::RemoveBeyond(std::uint64_t max_bytes) {
  // Free pages are used again, so the file does not grow beyond what was in use at most.
  constexpr std::string_view kUsed =
      "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, "
      "pragma_freelist_count, pragma_page_size";
  while (true) {
    const Result<std::int64_t> used = Number(kUsed);
    if (!used) return used.error();
    if (static_cast<std::uint64_t>(*used) <= max_bytes) return {};
    const Result<std::int64_t> count = Number("SELECT count(*) FROM captures");
    if (!count) return count.error();
    if (*count == 0) return {};
    constexpr std::int64_t kParts = 10;
    const std::int64_t some = std::max<std::int64_t>(*count / kParts, 1);
    Status removed = Run(*connection_,
                         "DELETE FROM captures WHERE id IN (SELECT id FROM captures ORDER BY id "
                         "LIMIT ?)",
                         {some});
    if (!removed) return removed;
  }
}

Result<std::int64_t> CaptureStore::Number(std::string_view sql) const {
  Result<SqliteStatement> statement = connection_->Prepare(sql);
  if (!statement) return std::move(statement).error();
  const Result<bool> row = statement->Step();
  if (!row) return row.error();
  return *row ? statement->Int64(0) : 0;
}

Status CaptureStore::Visit(const CaptureQuery& query,
                           const std::function<void(const CaptureRecord&)>& visit) const {
  std::string where = "status BETWEEN ? AND ?";
  std::vector<Value> parameters{std::int64_t{query.least_status},
                                std::int64_t{query.greatest_status}};
  const auto require = [&](std::string_view condition, Value value) {
    where += fmt::format(" AND {}", condition);
    parameters.push_back(value);
  };
  if (query.since) require("received_us >= ?", ToMicros(*query.since));
  if (query.until) require("received_us < ?", ToMicros(*query.until));
  if (!query.deployment.empty()) require("deployment = ?", std::string_view(query.deployment));
  if (query.id) require("id = ?", *query.id);
  if (!query.request_id.empty()) require("request_id = ?", std::string_view(query.request_id));
  std::string sql =
      fmt::format("SELECT id, {} FROM captures WHERE {} ORDER BY id", kColumns, where);
  if (query.newest) {
    sql = fmt::format(
        "SELECT * FROM (SELECT id, {} FROM captures WHERE {} ORDER BY id DESC LIMIT "
        "{}) ORDER BY id",
        kColumns, where, *query.newest);
  }
  Result<SqliteStatement> statement = connection_->Prepare(sql);
  if (!statement) return std::move(statement).error();
  for (std::size_t i = 0; i < parameters.size(); ++i) statement->Bind(i, parameters[i]);
  while (true) {
    const Result<bool> row = statement->Step();
    if (!row) return row.error();
    if (!*row) return {};
    visit(ReadRecord(*statement));
  }
}

}  // namespace forkcast::serving
