#include "support/server.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace forkcast::process_test {
namespace {

namespace fs = std::filesystem;
using preprocessing::ReadWhole;

constexpr const char* kNginx = "/usr/sbin/nginx";

std::vector<std::string> ServeCommand(const Workspace& workspace, const ServerOptions& options,
                                      const fs::path& socket) {
  std::vector<std::string> command = options.wrapper;
  command.insert(command.end(),
                 {options.program, "serve", "--workers", std::to_string(options.workers)});
  if (options.serves == ServerOptions::Serves::kWorkspace) {
    command.insert(command.end(), {"--store", workspace.store()});
    if (options.deploys.empty()) {
      command.insert(command.end(), {"--pipeline", workspace.pipeline()});
    }
    command.insert(command.end(), options.deploys.begin(), options.deploys.end());
  }
  using Bind = ServerOptions::Bind;
  if (options.bind != Bind::kUnix) {
    command.insert(command.end(), {"--bind", "127.0.0.1:" + std::to_string(options.port)});
  }
  if (options.bind != Bind::kTcp) {
    command.insert(command.end(), {"--bind", "unix:" + socket.string()});
  }
  command.insert(command.end(), options.flags.begin(), options.flags.end());
  return command;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string Replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  if (at == std::string::npos) throw std::runtime_error("not found: " + what);
  return text.replace(at, what.size(), by);
}

/// Writes the configuration of nginx with this test's sockets; returns its command.
std::vector<std::string> RenderNginx(const Workspace& workspace, const fs::path& listen,
                                     const fs::path& upstream) {
  const fs::path folder = workspace / "nginx";
  fs::create_directory(folder);
  const auto render = [&](const std::string& name, const std::string& what, const std::string& by) {
    std::ofstream(folder / name) << Replaced(ReadWhole(kSource / "conf" / name), what, by);
  };
  render("nginx.conf", "unix:/run/forkcast/forkcast.sock", "unix:" + upstream.string());
  render("nginx-common.conf", "listen 8080;", "listen unix:" + listen.string() + ";");
  const std::string user = ::getuid() == 0 ? "user root; " : "";
  return {kNginx,
          "-p",
          folder.string() + "/",
          "-c",
          folder / "nginx.conf",
          "-g",
          user + "daemon off; master_process off;"};
}

}  // namespace

DataSet SampleData() {
  const fs::path folder = kSource / "data/order_triage";
  return {.folder = folder, .orders = folder / "orders.csv"};
}

std::optional<DataSet> RealData() {
  const fs::path folder = kSource / "../shared/data/order_triage";
  if (!fs::exists(folder)) return std::nullopt;
  return DataSet{.folder = folder, .orders = folder / "orders.csv.gz"};
}

Request OneOrder() {
  return {.headers = "Content-Type: application/json\r\n",
          .body = R"({"order_id": "881b4ddb-0b93-4f4c-8e9d-6e085b1bd36e", )"
                  R"("timestamp": "2024-02-10 10:56:36", "sku_code": "8595481331792", )"
                  R"("zip_code": "94234"})"};
}

Workspace::Workspace() {
  for (const fs::path& file : {pipeline(), model()}) {
    const fs::path folder = file.parent_path();
    fs::create_directory(folder);
    fs::copy_file(kSource / "conf" / folder.filename() / file.filename(), file);
  }
}

fs::path Workspace::Snapshot(const std::string& series) const {
  for (const auto& entry : fs::directory_iterator(*this / "o.db.snapshots")) {
    const fs::path& path = entry.path();
    const bool is_its = path.filename().native().starts_with(series + ".");
    if (is_its && path.extension() == ".snapshot") return path;
  }
  throw std::runtime_error("no snapshot of " + series);
}

void Workspace::Ingest(const DataSet& data) const {
  RunToEnd(*this / "ingest", {kForkcast, "ingest", "--pipeline", pipeline(), "--store", store(),
                              "--from", data.folder, "--quiet"});
}

Server::Server(const Workspace& workspace, const ServerOptions& options)
    : options_(options),
      socket_(workspace / options.socket),
      program_(workspace / options.name, ServeCommand(workspace, options, socket_),
               options.environment) {}

Server::~Server() {
  if (program_.running()) {
    EXPECT_EQ(Stop(), 0) << log();
  }
  CheckEnds();
}

std::optional<int> Server::Stop() {
  // A process that a failed test has frozen would not end.
  for (const pid_t child : ChildrenOf(pid())) ::kill(child, SIGCONT);
  Signal(SIGTERM);
  return Wait();
}

void Server::WaitUntilReady() const {
  const Endpoint where = endpoint();
  EXPECT_TRUE(Eventually([&] { return Ping(where) == 200; })) << log();
}

void Server::WaitUntilAllReady() const {
  const auto is_ready = [this](const pid_t child) {
    return CountInLog(" pid=" + std::to_string(child) + " ready ") == 1 ||
           CountInLog(" pid=" + std::to_string(child) + " recorder_ready") == 1;
  };
  EXPECT_TRUE(Eventually([&] {
    const std::vector<pid_t> children = ChildrenOf(pid());
    return children.size() >= options_.workers && std::ranges::all_of(children, is_ready);
  })) << log();
}

Endpoint Server::endpoint() const {
  if (options_.bind == ServerOptions::Bind::kUnix) return unix_endpoint();
  const std::regex pattern("listening address=127\\.0\\.0\\.1:(\\d+)\n");
  std::smatch match;
  std::string text;
  const bool found = Eventually([&] {
    text = log();
    return std::regex_search(text, match, pattern);
  });
  if (!found) throw std::runtime_error("the server does not say where it listens: " + text);
  return {.port = static_cast<std::uint16_t>(std::stoi(match[1]))};
}

Endpoint Server::unix_endpoint() const { return {.socket = socket_}; }

std::size_t Server::CountInLog(const std::string& text) const {
  const std::vector<std::string> lines = Lines(log());
  return static_cast<std::size_t>(std::ranges::count_if(
      lines, [&](const std::string& line) { return line.find(text) != std::string::npos; }));
}

std::vector<pid_t> Server::PidsOf(const std::string& pattern) const {
  std::vector<pid_t> pids;
  const std::regex expression(pattern);
  for (const std::string& line : Lines(log())) {
    std::smatch match;
    if (std::regex_search(line, match, expression)) pids.push_back(std::stoi(match[1]));
  }
  return pids;
}

void Server::CheckEnds() const {
  // A sanitizer also reports the signals by which tests have processes die.
  const std::regex report("Sanitizer: (?!SEGV|ABRT)|runtime error:");
  const std::regex unclean("child_exited .* code=[1-9]|child_killed (?!.*signal=Killed)");
  const std::string text = log();
  for (const std::string& line : Lines(text)) {
    EXPECT_FALSE(std::regex_search(line, report)) << text;
    if (options_.ends == ServerOptions::Ends::kAnyHow) continue;
    EXPECT_FALSE(std::regex_search(line, unclean)) << text;
  }
}

bool Nginx::IsInstalled() { return fs::exists(kNginx); }

Nginx::Nginx(const Workspace& workspace, const fs::path& upstream)
    : endpoint_{.socket = workspace / "nginx.sock"},
      program_(workspace / "nginx", RenderNginx(workspace, endpoint_.socket, upstream)) {
  // Its pid comes last: it is written after nginx has begun to listen.
  const fs::path pid = workspace / "nginx/nginx.pid";
  if (!Eventually([&] { return ReadWhole(pid).ends_with('\n'); })) {
    throw std::runtime_error("nginx does not start: " + program_.err());
  }
}

}  // namespace forkcast::process_test
