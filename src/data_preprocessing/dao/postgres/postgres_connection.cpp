#include "data_preprocessing/dao/postgres/postgres_connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "data_preprocessing/dao/common/table_rules.hpp"

namespace forkcast::preprocessing {
namespace {

// How long a statement waits for another program's lock.
constexpr int kLockTimeoutMs = 5000;

bool HoldsPassword(std::string_view url) {
  const std::string_view place = url.substr(0, url.find('?'));
  const std::size_t at = place.rfind('@');
  const std::size_t names = place.find("//");
  const bool in_user = at != std::string_view::npos && names != std::string_view::npos &&
                       place.substr(0, at).find(':', names) != std::string_view::npos;
  return in_user || url.find("password=") != std::string_view::npos;
}

/// The first line of what the server or libpq says.
std::string_view FirstLine(const char* text) {
  const std::string_view whole = text == nullptr ? std::string_view() : text;
  return whole.substr(0, whole.find('\n'));
}

/// Serialisation failure, deadlock, a server that ends or starts, and a connection that is lost.
bool IsPassing(std::string_view code) {
  return code == "40001" || code == "40P01" || code.starts_with("57P0") || code.starts_with("08");
}

Error Passing(Error error) {
  error.code = ErrorCode::kNotReady;
  return error;
}

void IgnoreNotice(void* /*unused*/, const pg_result* /*notice*/) {}

}  // namespace

void PgResult::Clear::operator()(pg_result* result) const noexcept { PQclear(result); }

std::size_t PgResult::row_count() const noexcept {
  return static_cast<std::size_t>(PQntuples(get()));
}

std::size_t PgResult::column_count() const noexcept {
  return static_cast<std::size_t>(PQnfields(get()));
}

std::string_view PgResult::ColumnName(std::size_t column) const noexcept {
  return PQfname(get(), static_cast<int>(column));
}

std::uint32_t PgResult::Type(std::size_t column) const noexcept {
  return PQftype(get(), static_cast<int>(column));
}

bool PgResult::IsNull(std::size_t row, std::size_t column) const noexcept {
  return PQgetisnull(get(), static_cast<int>(row), static_cast<int>(column)) != 0;
}

std::string_view PgResult::Bytes(std::size_t row, std::size_t column) const noexcept {
  const int at_row = static_cast<int>(row);
  const int at_column = static_cast<int>(column);
  return {PQgetvalue(get(), at_row, at_column),
          static_cast<std::size_t>(PQgetlength(get(), at_row, at_column))};
}

std::int64_t PgResult::Int64(std::size_t row, std::size_t column) const noexcept {
  const std::string_view text = Bytes(row, column);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::size_t PgResult::changes() const noexcept {
  const std::string_view text = PQcmdTuples(get());
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string_view PgResult::tag() const noexcept { return PQcmdStatus(get()); }

std::size_t PgResult::parameter_count() const noexcept {
  return static_cast<std::size_t>(PQnparams(get()));
}

std::string QuotePgIdentifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : Folded(name)) {
    if (c == '"') quoted += c;
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::Open(const std::string& url,
                                                                     StoreAccess access) {
  if (HoldsPassword(url)) {
    return Error{ErrorCode::kInvalidArgument,
                 "the store's URL holds a password, which ps and logs would show: leave it out, "
                 "and set PGPASSWORD, or PGPASSFILE to a file as libpq's .pgpass"};
  }
  // What stands in front of the URL it may overrule, what stands behind it not.
  constexpr std::array kNames{"connect_timeout",           "tcp_user_timeout",
                              "fallback_application_name", "dbname",
                              "client_encoding",           static_cast<const char*>(nullptr)};
  const std::array values{"10",        "60000", "forkcast",
                          url.c_str(), "UTF8",  static_cast<const char*>(nullptr)};
  std::unique_ptr<PostgresConnection> connection(new PostgresConnection(
      PQconnectdbParams(kNames.data(), values.data(), /*expand_dbname=*/1), access));
  if (PQstatus(connection->connection_) != CONNECTION_OK) {
    const std::string_view why = FirstLine(PQerrorMessage(connection->connection_));
    return Error{ErrorCode::kIo, fmt::format("the PostgreSQL store cannot be reached: {}", why)};
  }
  PQsetNoticeReceiver(connection->connection_, IgnoreNotice, nullptr);
  Status set = connection->Execute(fmt::format("SET lock_timeout = {}", kLockTimeoutMs));
  if (!set) return std::move(set).error();
  return connection;
}

PostgresConnection::~PostgresConnection() { PQfinish(connection_); }

Error PostgresConnection::ErrorOf(std::string_view why) const {
  return {ErrorCode::kIo, fmt::format("postgresql://{}:{}/{}: {}", PQhost(connection_),
                                      PQport(connection_), PQdb(connection_), why)};
}

Error PostgresConnection::ErrorOf(const PgResult& failed) const {
  const char* const state = PQresultErrorField(failed.get(), PG_DIAG_SQLSTATE);
  const char* const message = PQresultErrorField(failed.get(), PG_DIAG_MESSAGE_PRIMARY);
  if (state == nullptr || message == nullptr) {
    return Passing(ErrorOf(FirstLine(PQerrorMessage(connection_))));
  }
  const std::string_view code(state);
  if (IsPassing(code) || PQstatus(connection_) == CONNECTION_BAD) return Passing(ErrorOf(message));
  if (code == "53100") {  // disk_full
    return ErrorOf(fmt::format("the server has no room left: {}", message));
  }
  if (code == "55P03") {  // lock_not_available
    return ErrorOf(
        fmt::format("the store is locked by another program (waited {} ms)", kLockTimeoutMs));
  }
  const bool is_statement =
      code.starts_with("42") || code.starts_with("22") || code.starts_with("0A");
  if (!is_statement || code == "42501") return ErrorOf(message);  // 42501: insufficient_privilege
  return {ErrorCode::kInvalidArgument, message};
}

Result<PgResult> PostgresConnection::Checked(pg_result* result) const {
  PgResult checked(result);
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_IN:
      return checked;
    default:
      return ErrorOf(checked);
  }
}

Result<PgResult> PostgresConnection::Run(const std::string& sql,
                                         std::span<const Parameter> parameters, Form form) const {
  std::vector<const char*> texts;
  for (const Parameter& parameter : parameters) {
    texts.push_back(parameter ? parameter->c_str() : nullptr);
  }
  return Checked(PQexecParams(connection_, sql.c_str(), static_cast<int>(texts.size()), nullptr,
                              texts.data(), nullptr, nullptr, form == Form::kBinary ? 1 : 0));
}

Status PostgresConnection::Execute(const std::string& sql) const {
  const Result<PgResult> done = Run(sql);
  return done ? Status() : done.error();
}

Result<PgResult> PostgresConnection::Describe(const std::string& sql) const {
  const Result<PgResult> prepared = Checked(PQprepare(connection_, "", sql.c_str(), 0, nullptr));
  if (!prepared) return prepared.error();
  return Checked(PQdescribePrepared(connection_, ""));
}

Status PostgresConnection::CopyIn(const std::string& sql, std::string_view bytes) const {
  const Result<PgResult> begun = Run(sql);
  if (!begun) return begun.error();
  constexpr std::size_t kPiece = 1U << 20U;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size()))) {
    const std::string_view piece = bytes.substr(0, kPiece);
    if (PQputCopyData(connection_, piece.data(), static_cast<int>(piece.size())) != 1) break;
  }
  PQputCopyEnd(connection_, nullptr);
  Status copied;
  while (pg_result* const result = PQgetResult(connection_)) {
    const Result<PgResult> ended = Checked(result);
    if (!ended && copied) copied = ended.error();
  }
  return copied;
}

std::size_t PostgresConnection::TakeNotifications() const noexcept {
  std::size_t taken = 0;
  PQconsumeInput(connection_);
  while (PGnotify* const notification = PQnotifies(connection_)) {
    PQfreemem(notification);
    ++taken;
  }
  return taken;
}

bool PostgresConnection::in_transaction() const noexcept {
  return PQtransactionStatus(connection_) != PQTRANS_IDLE;
}

}  // namespace forkcast::preprocessing
