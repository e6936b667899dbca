#include "data_preprocessing/dao/mysql/mysql_connection.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <mysql.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

#include "data_preprocessing/dao/mysql/mysql_statement.hpp"

namespace forkcast::preprocessing {
namespace {

// How long a statement waits for another program's lock.
constexpr int kLockTimeoutSeconds = 5;
constexpr std::string_view kIsLocked = "the store is locked by another program (waited 5 s)";
constexpr unsigned kConnectTimeoutSeconds = 10;

enum class OptionKind : std::uint8_t { kText, kSeconds, kSwitch };

/// What a URL may say behind its `?`.
struct KnownOption {
  std::string_view name;
  OptionKind kind;
  mysql_option option;
};

constexpr KnownOption kOptions[] = {
    {"connect-timeout", OptionKind::kSeconds, MYSQL_OPT_CONNECT_TIMEOUT},
    {"option-file", OptionKind::kText, MYSQL_READ_DEFAULT_FILE},
    {"ssl", OptionKind::kSwitch, MYSQL_OPT_SSL_ENFORCE},
    {"ssl-ca", OptionKind::kText, MYSQL_OPT_SSL_CA},
    {"ssl-capath", OptionKind::kText, MYSQL_OPT_SSL_CAPATH},
    {"ssl-cert", OptionKind::kText, MYSQL_OPT_SSL_CERT},
    {"ssl-cipher", OptionKind::kText, MYSQL_OPT_SSL_CIPHER},
    {"ssl-crl", OptionKind::kText, MYSQL_OPT_SSL_CRL},
    {"ssl-key", OptionKind::kText, MYSQL_OPT_SSL_KEY},
    {"ssl-verify-server-cert", OptionKind::kSwitch, MYSQL_OPT_SSL_VERIFY_SERVER_CERT},
    {"tls-version", OptionKind::kText, MARIADB_OPT_TLS_VERSION},
};
/// The one that is no option of the library's.
constexpr std::string_view kSocket = "socket";

Error UnknownOption(std::string_view name) {
  std::vector<std::string_view> names{kSocket};
  for (const KnownOption& known : kOptions) names.push_back(known.name);
  return {ErrorCode::kInvalidArgument,
          fmt::format("the store's URL has the option \"{}\"; those that there are: {}", name,
                      fmt::join(names, ", "))};
}

Error BadOption(std::string_view name, std::string_view expected) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("the store's URL: option \"{}\": expected {}", name, expected)};
}

/// The value of the option that has this name; empty: it has not been said.
std::string ValueOf(const MysqlUrl& url, std::string_view name) {
  for (const auto& [option, value] : url.options) {
    if (option == name) return value;
  }
  return {};
}

bool WantsTls(const MysqlUrl& url) {
  return std::ranges::any_of(url.options, [](const auto& option) {
    return option.first.starts_with("ssl") && option.second != "false";
  });
}

// A peer that has vanished is noticed within a minute, however long a statement may take; and what
// we become or begin gets no connection of ours, whose locks it would hold on to.
void SetUp(int socket) {
  static_cast<void>(::fcntl(socket, F_SETFD, FD_CLOEXEC));
  const auto set = [socket](int level, int option, int value) {
    // What is no TCP socket refuses it, and needs none of it.
    static_cast<void>(::setsockopt(socket, level, option, &value, sizeof value));
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000);
}

// https://mariadb.com/kb/en/mariadb-error-codes/
enum ErrorNumber : unsigned {
  kDiskFull = 1021,
  kRecordTooOld = 1020,
  kServerShutdown = 1053,
  kDatabaseAccessDenied = 1044,
  kTableFull = 1114,
  kCommandDenied = 1142,
  kColumnDenied = 1143,
  kLockWaitTimeout = 1205,
  kPrivilegeNeeded = 1227,
  kDeadlock = 1213,
  kViewHasVariable = 1351,
  kViewInvalid = 1356,
  kRoutineDenied = 1370,
  kTableChanged = 1412,
  kReadOnlyTransaction = 1792,
  kConnectionKilled = 1927,
  kServerGone = 2006,
  kServerLost = 2013,
  kServerLostExtended = 2055,
};

template <std::size_t kCount>
bool IsOneOf(unsigned number, const std::array<unsigned, kCount>& numbers) {
  return std::ranges::find(numbers, number) != numbers.end();
}

bool IsPassing(unsigned number) {
  constexpr std::array<unsigned, 8> kPassing{kRecordTooOld, kServerShutdown,    kDeadlock,
                                             kTableChanged, kConnectionKilled,  kServerGone,
                                             kServerLost,   kServerLostExtended};
  return IsOneOf(number, kPassing);
}

bool IsAboutTheStatement(unsigned number, std::string_view state) {
  constexpr std::array<unsigned, 5> kRights{kDatabaseAccessDenied, kCommandDenied, kColumnDenied,
                                            kPrivilegeNeeded, kRoutineDenied};
  constexpr std::array<unsigned, 3> kStatements{kViewHasVariable, kViewInvalid,
                                                kReadOnlyTransaction};
  if (IsOneOf(number, kRights)) return false;
  return state.starts_with("42") || state.starts_with("22") || state.starts_with("0A") ||
         IsOneOf(number, kStatements);
}

}  // namespace

std::string QuoteMysqlIdentifier(std::string_view name) {
  std::string quoted = "`";
  for (const char c : name) {
    if (c == '`') quoted += c;
    quoted += c;
  }
  quoted += '`';
  return quoted;
}

MysqlConnection::MysqlConnection(MysqlUrl url, StoreAccess access)
    : url_(std::move(url)), access_(access), mysql_(mysql_init(nullptr)) {}

MysqlConnection::~MysqlConnection() { mysql_close(mysql_); }

Result<std::unique_ptr<MysqlConnection>> MysqlConnection::Open(const MysqlUrl& url,
                                                               StoreAccess access) {
  std::unique_ptr<MysqlConnection> connection(new MysqlConnection(url, access));
  if (connection->mysql_ == nullptr) return connection->ErrorOf("out of memory");
  Status set = connection->SetOptions();
  if (!set) return std::move(set).error();
  const auto given = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
  const std::string socket = ValueOf(url, kSocket);
  MYSQL* const mysql = connection->mysql_;
  if (mysql_real_connect(mysql, given(url.host), given(url.user), nullptr, given(url.database),
                         url.port, given(socket), 0) == nullptr) {
    return Error{ErrorCode::kIo, fmt::format("the MariaDB store cannot be reached: {} ({})",
                                             mysql_error(mysql), mysql_errno(mysql))};
  }
  // The library goes on without TLS where the server has none.
  if (WantsTls(url) && mysql_get_ssl_cipher(mysql) == nullptr) {
    return connection->ErrorOf("the URL asks for TLS (SSL), and the server has none");
  }
  SetUp(static_cast<int>(mysql_get_socket(mysql)));
  if (mariadb_connection(mysql) == 0) {
    return connection->ErrorOf(fmt::format(
        "the server is MySQL {}; MariaDB 10.5 or later is expected", mysql_get_server_info(mysql)));
  }
  set = connection->SetSession();
  if (!set) return std::move(set).error();
  return connection;
}

Status MysqlConnection::SetOptions() {
  // Option files may name user, password and certificates.
  mysql_options(mysql_, MYSQL_READ_DEFAULT_GROUP, "client");
  mysql_options(mysql_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_options(mysql_, MYSQL_OPT_CONNECT_TIMEOUT, &kConnectTimeoutSeconds);
  // A server may ask the client for any of its files, unless that is off.
  const unsigned no_files = 0;
  mysql_options(mysql_, MYSQL_OPT_LOCAL_INFILE, &no_files);
  for (const auto& [name, value] : url_.options) {
    if (name == kSocket) continue;
    const auto known = std::ranges::find(kOptions, name, &KnownOption::name);
    if (known == std::end(kOptions)) return UnknownOption(name);
    if (known->kind == OptionKind::kText) {
      mysql_options(mysql_, known->option, value.c_str());
    } else if (known->kind == OptionKind::kSwitch) {
      if (value != "true" && value != "false") return BadOption(name, "true or false");
      const my_bool on = value == "true" ? 1 : 0;
      mysql_options(mysql_, known->option, &on);
    } else {
      unsigned seconds = 0;
      const auto read = std::from_chars(value.data(), value.data() + value.size(), seconds);
      if (read.ptr != value.data() + value.size() || seconds == 0) {
        return BadOption(name, "a whole number of seconds");
      }
      mysql_options(mysql_, known->option, &seconds);
    }
  }
  return {};
}

Status MysqlConnection::SetSession() {
  // A writer sees its own rows, and alone holds the writers' lock; under READ COMMITTED it sees the
  // tables, too, that were made beside its transaction. Readers see one state.
  const bool reads = access_ == StoreAccess::kReadOnly;
  const std::string isolation = fmt::format("SET SESSION TRANSACTION ISOLATION LEVEL {}",
                                            reads ? "REPEATABLE READ" : "READ COMMITTED");
  const std::string session = fmt::format(
      "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,"
      "NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', autocommit = 1, sql_quote_show_create = 1, "
      "sql_select_limit = DEFAULT, wait_timeout = 28800, net_read_timeout = 600, "
      "net_write_timeout = 600, lock_wait_timeout = {0}, innodb_lock_wait_timeout = {0}",
      kLockTimeoutSeconds);
  for (const std::string& sql :
       {std::string("SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin"), session, isolation}) {
    Status set = Execute(sql);
    if (!set) return set;
  }
  const Result<TextRows> asked = Ask("SELECT @@max_allowed_packet, @@lower_case_table_names");
  if (!asked) return asked.error();
  const std::string bytes = asked->front()[0].value_or("");
  std::from_chars(bytes.data(), bytes.data() + bytes.size(), most_packet_bytes_);
  tells_case_ = asked->front()[1] == "0";
  return {};
}

Error MysqlConnection::ErrorOf(std::string_view why) const {
  const std::string socket = ValueOf(url_, kSocket);
  const std::string port = url_.port == 0 ? std::string() : fmt::format(":{}", url_.port);
  return {ErrorCode::kIo, fmt::format("mysql://{}{}/{}: {}", socket.empty() ? url_.host : socket,
                                      port, url_.database, why)};
}

Error MysqlConnection::ErrorOf(unsigned number, std::string_view state,
                               std::string_view message) const {
  if (IsPassing(number)) {
    Error passing = ErrorOf(message);
    passing.code = ErrorCode::kNotReady;
    return passing;
  }
  switch (number) {
    case kLockWaitTimeout:
      return ErrorOf(kIsLocked);
    case kDiskFull:
    case kTableFull:
      return ErrorOf(fmt::format("the server has no room left: {}", message));
    default:
      break;
  }
  if (!IsAboutTheStatement(number, state)) return ErrorOf(message);
  return {ErrorCode::kInvalidArgument, std::string(message)};
}

Error MysqlConnection::LastError() const {
  return ErrorOf(mysql_errno(mysql_), mysql_sqlstate(mysql_), mysql_error(mysql_));
}

Status MysqlConnection::Execute(const std::string& sql) const {
  if (mysql_real_query(mysql_, sql.data(), sql.size()) != 0) return LastError();
  MYSQL_RES* const result = mysql_store_result(mysql_);
  if (result != nullptr) mysql_free_result(result);
  return {};
}

Result<MysqlConnection::TextRows> MysqlConnection::Ask(
    const std::string& sql, std::span<const Parameter> parameters) const {
  Result<MysqlStatement> statement = MysqlStatement::Prepare(*this, sql);
  if (!statement) return statement.error();
  Status run = statement->Execute(parameters);
  if (!run) return std::move(run).error();
  return statement->FetchTexts();
}

Status MysqlConnection::Lock(std::string_view name) const {
  const Result<TextRows> locked =
      Ask(fmt::format("SELECT GET_LOCK({}, {})", name, kLockTimeoutSeconds));
  if (!locked) return locked.error();
  return locked->front().front() == "1" ? Status() : ErrorOf(kIsLocked);
}

Status MysqlConnection::Unlock(std::string_view name) const {
  return Execute(fmt::format("DO RELEASE_LOCK({})", name));
}

std::size_t MysqlConnection::changes() const noexcept { return mysql_affected_rows(mysql_); }

}  // namespace forkcast::preprocessing
