#include "support/postgres_server.hpp"

#include <libpq-fe.h>
#include <pwd.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace forkcast::process_test {
namespace {

const std::filesystem::path kPrograms = "/usr/lib/postgresql/15/bin";

}  // namespace

bool PostgresServer::IsInstalled() { return std::filesystem::exists(kPrograms / "initdb"); }

std::vector<std::string> PostgresServer::AsItsUser(std::vector<std::string> command) const {
  std::vector<std::string> whole{"/usr/bin/setpriv", "--pdeathsig=QUIT"};
  if (::geteuid() == 0) {
    whole.insert(whole.end(), {"--reuid=postgres", "--regid=postgres", "--clear-groups"});
  }
  whole.insert(whole.end(), command.begin(), command.end());
  return whole;
}

PostgresServer::PostgresServer() {
  if (::geteuid() == 0) {
    const passwd* const user = ::getpwnam("postgres");
    if (user == nullptr || ::chown(folder_.path().c_str(), user->pw_uid, user->pw_gid) != 0) {
      throw std::runtime_error("there is no user postgres");
    }
  }
  const std::string data = folder_.path() / "data";
  RunToEnd(folder_.path() / "initdb",
           AsItsUser({kPrograms / "initdb", "-D", data, "-A", "trust", "-U", "forkcast", "-E",
                      "UTF8", "--no-locale", "--no-sync"}));
  AskForAPasswordOf("locked");
  Start();
}

void PostgresServer::AskForAPasswordOf(const std::string& user) const {
  const std::filesystem::path file = folder_.path() / "data/pg_hba.conf";
  const std::string others = preprocessing::ReadWhole(file);
  std::ofstream(file) << "local all " << user << " scram-sha-256\n" << others;
}

PostgresServer::~PostgresServer() { Crash(); }

void PostgresServer::Start() {
  server_ = std::make_unique<Program>(
      folder_.path() / "postgres",
      AsItsUser({kPrograms / "postgres", "-D", folder_.path() / "data", "-k", folder_.path(), "-c",
                 "listen_addresses=", "-c", "fsync=off"}));
  const std::string where = "host=" + folder_.path().string() + " user=forkcast dbname=postgres";
  if (!Eventually([&where] { return PQping(where.c_str()) == PQPING_OK; }, kPatience)) {
    throw std::runtime_error("PostgreSQL does not start: " + server_->err());
  }
}

void PostgresServer::Crash() {
  server_->Signal(SIGQUIT);  // at once, without a checkpoint
  static_cast<void>(server_->Wait());
}

void PostgresServer::Restart() {
  Crash();
  Start();
}

std::string PostgresServer::NewStore() {
  const std::string schema = "store_" + std::to_string(++stores_);
  const std::string url = "postgresql:///postgres?user=forkcast&host=" + folder_.path().string();
  Run(url, "CREATE SCHEMA " + schema);
  return url + "&options=-csearch_path%3D" + schema;
}

void PostgresServer::Run(const std::string& store, const std::string& sql) const {
  static_cast<void>(Ask(store, sql));
}

std::string PostgresServer::Ask(const std::string& store, const std::string& sql) const {
  return PostgresSession(store).Run(sql);
}

PostgresSession::PostgresSession(const std::string& store)
    : connection_(PQconnectdb(store.c_str())) {}

PostgresSession::~PostgresSession() { PQfinish(connection_); }

std::string PostgresSession::Run(const std::string& sql) const {
  PGresult* const result = PQexec(connection_, sql.c_str());
  const bool good =
      PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK;
  const std::string why = PQerrorMessage(connection_);
  const std::string first = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
  PQclear(result);
  if (!good) throw std::runtime_error(sql + ": " + why);
  return first;
}

}  // namespace forkcast::process_test
