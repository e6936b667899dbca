#include "support/store_kinds.hpp"

#include "support/mariadb_server.hpp"
#include "support/postgres_server.hpp"

namespace forkcast::process_test {
namespace {

PostgresServer& Postgres() {
  static PostgresServer server;
  return server;
}

MariadbServer& Mariadb() {
  static MariadbServer server;
  return server;
}

void EndPostgresSessions() {
  Postgres().Run(Postgres().NewStore(),
                 "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                 "application_name = 'forkcast' AND pid <> pg_backend_pid()");
}

void EndMariadbSessions() {
  Mariadb().Run(Mariadb().NewStore(),
                "BEGIN NOT ATOMIC FOR one IN (SELECT id FROM information_schema.processlist "
                "WHERE db IS NOT NULL AND id <> connection_id() AND user = 'root') DO "
                "KILL one.id; END FOR; END");
}

const ServerKind kKinds[] = {
    {.name = "Postgres",
     .is_installed = PostgresServer::IsInstalled,
     .new_store = [] { return Postgres().NewStore(); },
     .ask = [](const std::string& store,
               const std::string& sql) { return Postgres().Ask(store, sql); },
     .socket = [] { return Postgres().socket(); },
     .crash = [] { Postgres().Crash(); },
     .start = [] { Postgres().Start(); },
     .end_others = EndPostgresSessions},
    {.name = "Mariadb",
     .is_installed = MariadbServer::IsInstalled,
     .new_store = [] { return Mariadb().NewStore(); },
     .ask = [](const std::string& store,
               const std::string& sql) { return Mariadb().Ask(store, sql); },
     .socket = [] { return Mariadb().socket(); },
     .crash = [] { Mariadb().Crash(); },
     .start = [] { Mariadb().Start(); },
     .end_others = EndMariadbSessions}};

}  // namespace

std::span<const ServerKind> ServerKinds() { return kKinds; }

}  // namespace forkcast::process_test
