#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "serving/access/access.hpp"
#include "serving/config/deployment.hpp"
#include "serving/config/ip_network.hpp"
#include "serving/config/refresher_config.hpp"

namespace forkcast::serving {

/// An address to listen on.
struct TcpAddress {
  std::string host;  ///< An IPv4 or IPv6 address, or a name, which means all of its addresses.
  std::uint16_t port = 0;  ///< 0: any free port.
  bool with_ipv4 = false;  ///< Of `::`: it takes IPv4 as well.
  friend bool operator==(const TcpAddress&, const TcpAddress&) = default;
};
struct UnixAddress {
  std::filesystem::path path;
  friend bool operator==(const UnixAddress&, const UnixAddress&) = default;
};
using Address = std::variant<TcpAddress, UnixAddress>;

/// One entry of the configuration's `hooks`, validated by the hook that its type names.
struct HookConfig {
  std::string type;
  std::string path;  ///< Its JSON path, for messages.
  std::string json;  ///< The entry as it stands.
};

/// How requests are noted in the access log.
enum class AccessLogFormat {
  kOff,
  kCommon,  ///< The Common Log Format of Apache and nginx.
  kJson,    ///< One object a line, with latency and request id.
};

/// When browsers are told to send a session over TLS alone.
enum class SecureCookies {
  kAuto,    ///< When they have asked over TLS, as a trusted proxy says.
  kAlways,  ///< Though no proxy says so.
};

/// Everything that `forkcast serve` can be told. The settings table (settings.hpp) fills it.
struct ServerConfig {
  // Behaviour.
  std::filesystem::path pipeline;       ///< One of the deployments; empty: of none.
  std::filesystem::path models;         ///< The registry that deployments name models of.
  std::filesystem::path model_dir;      ///< One of the deployments, as its place; empty: of none.
  std::vector<Deployment> deployments;  ///< What is served, the default first; arranged.
  std::string store;                    ///< Empty when `snapshots` is given.
  std::filesystem::path snapshots;      ///< Folder; by default beside the store.
  bool multi_model = false;  ///< Models may be loaded and unloaded while the server runs.
  std::filesystem::path model_root = "/opt/ml";  ///< Below which those lie.
  std::vector<Address> bind;
  std::optional<Address> admin;  ///< Where what is for those who look after the server is asked.
  std::vector<HookConfig> hooks;
  std::optional<RefresherConfig> refresher;  ///< Whole.
  std::chrono::seconds timeout{60};       ///< For one request, from its first byte to its answer.
  std::chrono::seconds idle_timeout{75};  ///< Of a kept connection; outlives nginx's 60 s.
  std::chrono::seconds graceful_timeout{25};  ///< To finish requests when stopping.
  std::chrono::seconds boot_timeout{240};     ///< For a worker to load what it serves.
  bool wait_while_loading = false;  ///< Until the first has, callers wait; else they get 503.
  std::string log_level = "info";
  AccessLogFormat access_log = AccessLogFormat::kOff;
  std::filesystem::path access_log_file = "-";  ///< "-": standard output.
  bool metrics = true;                          ///< GET /metrics answers.
  bool csv_as_predictions = false;              ///< The usual answer to CSV is MLflow's, in JSON.
  bool page = true;                             ///< GET / answers, and what the page asks.
  std::filesystem::path pidfile;                ///< Empty: none.
  std::filesystem::path control;  ///< Unix socket that tells the server's status; empty: none.
  std::string user;               ///< Of workers and recorder; empty: that of the master.
  std::string group;              ///< Likewise; empty: the user's.
  std::optional<unsigned> umask;  ///< None: as inherited.
  std::optional<unsigned> socket_mode;  ///< Of Unix sockets; none: 0666 less `umask`.
  std::string socket_group;             ///< Likewise; empty: as it comes.
  TrustedProxies trusted_proxies;
  std::vector<std::string> cors_origins;  ///< CorsPolicy; empty: none.
  std::filesystem::path tokens;  ///< Of those who may change something; empty: nobody has one.
  std::filesystem::path users;   ///< Who may log in by a password; empty: nobody.
  std::chrono::seconds session_idle_timeout{1800};  ///< After which a session is over,
  std::chrono::seconds session_lifetime{43'200};    ///< whatever is asked.
  SecureCookies secure_cookies = SecureCookies::kAuto;
  std::vector<Access> locked;              ///< Of what may be open, what takes a token, too.
  std::vector<std::string> allowed_hosts;  ///< AllowedHosts; empty: any.
  std::filesystem::path audit_log;         ///< Who changed what; empty: it is not noted.
  bool jobs = false;  ///< Whether there is a queue of jobs in the store, and a trainer.
  std::filesystem::path jobs_data;  ///< Below which folders lie that jobs take in; empty: none.
  /// It was a platform that asked for `multi_model`: it alone reaches the server, and has no token.
  bool platform_loads_models = false;
  // Performance and limits.
  std::size_t workers = 1;
  std::chrono::milliseconds max_queue_delay{5000};  ///< A request that would wait longer gets 503.
  std::size_t max_connections = 1000;               ///< Of one worker.
  std::size_t max_body_bytes = 6291456;
  std::size_t max_header_bytes = 16384;
  std::size_t max_rows = 100'000;  ///< Of one request.
  std::size_t max_models = 1000;   ///< That may be loaded at once, beside the deployments.
  int backlog = 2048;
  std::size_t max_requests = 0;         ///< After which a worker is replaced; 0: never.
  std::size_t max_requests_jitter = 0;  ///< Added by chance, so that not all go together.
  std::size_t jobs_at_once = 1;         ///< That a trainer works on.
  std::size_t jobs_memory_mb = 0;       ///< Of the data of one job's command; 0: no limit.
  std::size_t jobs_cpus = 0;            ///< On which a job's command may run; 0: all.
  std::size_t max_memory_mb = 0;        ///< Resident; beyond it a worker is replaced; 0: never.
};

}  // namespace forkcast::serving
