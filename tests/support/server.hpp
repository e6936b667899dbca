#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "support/http_client.hpp"
#include "support/program.hpp"
#include "support/test_files.hpp"

namespace forkcast::process_test {

inline const std::filesystem::path kSource = FORKCAST_SOURCE_DIR;
inline const std::string kForkcast = FORKCAST_BIN_DIR "/forkcast";
inline const std::string kClient = FORKCAST_BIN_DIR "/forkcast-client";

/// A set of orders with its side tables.
struct DataSet {
  std::filesystem::path folder;
  std::filesystem::path orders;
};
/// The sample of this repository.
[[nodiscard]] DataSet SampleData();
/// The real orders, which lie outside the repository; none where they are absent.
[[nodiscard]] std::optional<DataSet> RealData();

/// A request of one order that the sample's snapshots answer with 200.
[[nodiscard]] Request OneOrder();

/// A folder of a test: a copy of pipeline and model, which it may spoil, and place for the rest.
class Workspace {
 public:
  Workspace();

  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return folder_.path() / name;
  }
  std::filesystem::path Write(const std::string& name, std::string_view text) const {
    return folder_.Write(name, text);
  }
  [[nodiscard]] std::filesystem::path pipeline() const {
    return *this / "pipelines/order_triage.json";
  }
  [[nodiscard]] std::filesystem::path model() const {
    return *this / "models/order_triage_v1.json";
  }
  [[nodiscard]] std::string store() const { return "sqlite:" + (*this / "o.db").string(); }
  /// The published snapshot of a series.
  [[nodiscard]] std::filesystem::path Snapshot(const std::string& series) const;
  /// Runs `forkcast ingest`, which must end with 0.
  void Ingest(const DataSet& data) const;

 private:
  preprocessing::TempFolder folder_;
};

struct ServerOptions {
  enum class Bind { kTcp, kUnix, kBoth };
  /// What is served, beside what flags say.
  enum class Serves { kWorkspace, kNothing };

  Bind bind = Bind::kTcp;
  Serves serves = Serves::kWorkspace;
  std::size_t workers = 2;
  std::uint16_t port = 0;              ///< 0: any free one.
  std::vector<std::string> deploys{};  ///< Flags in place of the workspace's pipeline.
  std::vector<std::string> flags{};    ///< Further ones.
  std::string program = kForkcast;
  std::vector<std::string> wrapper{};      ///< Words before the program: what executes it.
  std::vector<std::string> environment{};  ///< NAME=VALUE, beside ours.
  std::string name = "server";             ///< Of its log.
  std::string socket = "server.sock";      ///< Of its Unix socket.
  /// Whether processes of it may end other than by exit code 0 (or a SIGKILL); if not, one that
  /// does fails the test. What a sanitizer reports of any of them always does.
  enum class Ends { kCleanly, kAnyHow } ends = Ends::kCleanly;
};

/// `forkcast serve` over a workspace. Its destructor stops it as a user would (TERM), checks how
/// its processes ended, and leaves none behind.
class Server {
 public:
  Server(const Workspace& workspace, const ServerOptions& options = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  /// Waits until /ping answers 200; fails the test, with the log, when it does not.
  void WaitUntilReady() const;
  /// Waits until all workers, and the recorder if there is one, have said that they are ready.
  void WaitUntilAllReady() const;
  /// Of the TCP port, else of the Unix socket. Waits until the server says which port it got.
  [[nodiscard]] Endpoint endpoint() const;
  [[nodiscard]] Endpoint unix_endpoint() const;

  [[nodiscard]] pid_t pid() const noexcept { return program_.pid(); }
  [[nodiscard]] bool running() const noexcept { return program_.running(); }
  void Signal(int signal) const { program_.Signal(signal); }
  std::optional<int> Wait(std::chrono::milliseconds patience = kPatience) {
    return program_.Wait(patience);
  }
  /// TERM, then the exit code.
  std::optional<int> Stop();

  [[nodiscard]] std::string log() const { return program_.err(); }
  /// Lines of the log with `text` in them.
  [[nodiscard]] std::size_t CountInLog(const std::string& text) const;
  /// The process that was last ready as worker `index`; what each process says of itself counts.
  [[nodiscard]] pid_t worker(std::size_t index) const { return Ready(index).back(); }
  /// How many processes have been ready as worker `index` so far.
  [[nodiscard]] std::size_t starts(std::size_t index) const { return Ready(index).size(); }
  [[nodiscard]] pid_t recorder() const {
    return PidsOf("recorder pid=(\\d+) recorder_ready").back();
  }

 private:
  [[nodiscard]] std::vector<pid_t> Ready(std::size_t index) const {
    return PidsOf("worker=" + std::to_string(index) + " pid=(\\d+) ready");
  }
  [[nodiscard]] std::vector<pid_t> PidsOf(const std::string& pattern) const;
  void CheckEnds() const;

  ServerOptions options_;
  std::filesystem::path socket_;
  Program program_;
};

/// nginx as conf/nginx.conf sets it up, but in one process, in front of a server's Unix socket. It
/// listens on one, too, so that it needs no port. Its destructor stops it.
class Nginx {
 public:
  /// Waits until it listens. Throws when there is no nginx or it does not start.
  Nginx(const Workspace& workspace, const std::filesystem::path& upstream);

  [[nodiscard]] static bool IsInstalled();
  [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }

 private:
  Endpoint endpoint_;
  Program program_;
};

}  // namespace forkcast::process_test
