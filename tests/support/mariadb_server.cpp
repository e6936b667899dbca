#include "support/mariadb_server.hpp"

#include <mysql.h>
#include <pwd.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace forkcast::process_test {
namespace {

const std::filesystem::path kInstall = "/usr/bin/mariadb-install-db";
const std::filesystem::path kServer = "/usr/sbin/mariadbd";

/// A connection as the server's root; throws std::runtime_error.
class Root {
 public:
  explicit Root(const std::string& socket, const char* database = nullptr) {
    mysql_options(mysql_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(mysql_, MYSQL_INIT_COMMAND, "SET time_zone = '+00:00'");
    if (mysql_real_connect(mysql_, nullptr, "root", "", database, 0, socket.c_str(),
                           CLIENT_MULTI_STATEMENTS) == nullptr) {
      const std::string why = mysql_error(mysql_);
      mysql_close(mysql_);
      throw std::runtime_error(why);
    }
  }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;
  ~Root() { mysql_close(mysql_); }

  std::string Run(const std::string& sql) {
    std::string first;
    int more = mysql_query(mysql_, sql.c_str());
    while (more == 0) {
      if (MYSQL_RES* const result = mysql_store_result(mysql_)) {
        const MYSQL_ROW row = mysql_fetch_row(result);
        if (row != nullptr && row[0] != nullptr && first.empty()) first = row[0];
        mysql_free_result(result);
      }
      more = mysql_next_result(mysql_);
    }
    if (mysql_errno(mysql_) != 0) throw std::runtime_error(sql + ": " + mysql_error(mysql_));
    return first;
  }

 private:
  MYSQL* mysql_ = mysql_init(nullptr);
};

}  // namespace

bool MariadbServer::IsInstalled() {
  return std::filesystem::exists(kInstall) && std::filesystem::exists(kServer);
}

std::vector<std::string> MariadbServer::AsItsUser(std::vector<std::string> command) const {
  std::vector<std::string> whole{"/usr/bin/setpriv", "--pdeathsig=KILL"};
  if (::geteuid() == 0) {
    whole.insert(whole.end(), {"--reuid=mysql", "--regid=mysql", "--clear-groups"});
  }
  whole.insert(whole.end(), command.begin(), command.end());
  return whole;
}

MariadbServer::MariadbServer(std::vector<std::string> options) : options_(std::move(options)) {
  if (::geteuid() == 0) {
    const passwd* const user = ::getpwnam("mysql");
    if (user == nullptr || ::chown(folder_.path().c_str(), user->pw_uid, user->pw_gid) != 0) {
      throw std::runtime_error("there is no user mysql");
    }
  }
  RunToEnd(folder_.path() / "install",
           AsItsUser({kInstall, "--no-defaults", "--skip-test-db", "--skip-name-resolve",
                      "--auth-root-authentication-method=normal",
                      "--datadir=" + (folder_.path() / "data").string()}));
  Start();
}

MariadbServer::~MariadbServer() { Crash(); }

void MariadbServer::Start() {
  std::vector<std::string> command{kServer,
                                   "--no-defaults",
                                   "--skip-name-resolve",
                                   "--datadir=" + (folder_.path() / "data").string(),
                                   "--socket=" + socket().string(),
                                   "--pid-file=" + (folder_.path() / "pid").string(),
                                   "--innodb-buffer-pool-size=32M",
                                   "--innodb-flush-log-at-trx-commit=2"};
  command.insert(command.end(), options_.begin(), options_.end());
  server_ = std::make_unique<Program>(folder_.path() / "mariadbd", AsItsUser(command));
  const auto answers = [this] {
    try {
      return Root(socket()).Run("SELECT 1") == "1";
    } catch (const std::runtime_error&) {
      return false;
    }
  };
  if (!Eventually(answers, kPatience)) {
    throw std::runtime_error("MariaDB does not start: " + server_->err());
  }
}

void MariadbServer::Crash() {
  server_->Signal(SIGKILL);
  static_cast<void>(server_->Wait());
}

std::string MariadbServer::NewStore() {
  const std::string database = "store_" + std::to_string(++stores_);
  Root(socket()).Run("CREATE DATABASE " + database);
  return "mysql://root@localhost/" + database + "?socket=" + socket().string();
}

void MariadbServer::Run(const std::string& store, const std::string& sql) const {
  static_cast<void>(Ask(store, sql));
}

std::string MariadbServer::Ask(const std::string& store, const std::string& sql) const {
  const std::string front = store.substr(0, store.find('?'));
  return Root(socket(), front.substr(front.rfind('/') + 1).c_str()).Run(sql);
}

}  // namespace forkcast::process_test
