#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/load.hpp"
#include "support/server.hpp"
#include "support/slowdown.hpp"

namespace forkcast::process_test {

inline const std::string kFaulty = FORKCAST_BIN_DIR "/forkcast-faulty";

/// A server whose requests and boots misbehave on order (faulty_server_main.cpp), over a workspace
/// with the sample's data.
class FaultyServer {
 public:
  FaultyServer();

  /// Starts it. Both, TCP and Unix socket, unless `options` says otherwise, with a config file that
  /// it may change (WriteConfig()). The program is forkcast-faulty, or what `options` says.
  Server& Start(ServerOptions options = {.bind = ServerOptions::Bind::kBoth});
  [[nodiscard]] Server& server() { return *server_; }
  [[nodiscard]] Workspace& workspace() noexcept { return workspace_; }

  /// Orders what boots from now on do: "slow 1000", "fail", "hang", "segv", or "" for nothing.
  void OrderBoots(std::string_view order) const;
  /// Members of the config file beside the hooks, each followed by a comma: `"workers": 3, `.
  void WriteConfig(const std::string& members = {}, const std::string& further_hooks = {}) const;
  [[nodiscard]] std::filesystem::path config() const { return workspace_ / "config.json"; }

  /// Processes that have said they are ready, and live.
  [[nodiscard]] std::size_t ReadyWorkers() const;
  /// Whether there are exactly so many of them, and no other worker, within the time.
  [[nodiscard]] bool WillHaveWorkers(std::size_t count,
                                     std::chrono::milliseconds patience = kPatience) const;

 private:
  Workspace workspace_;
  std::optional<Server> server_;
};

/// All that was asked was answered with 200, and with the asker's own and the right answer.
[[nodiscard]] bool LostNothing(const LoadReport& report);

/// A request with an order for the hook.
[[nodiscard]] Request FaultyRequest(const std::string& order);

/// 16 clients: four each of those that keep their connection and those that do not, over TCP and
/// over a Unix socket.
class MixedLoad {
 public:
  MixedLoad(const Server& server,
            LoadOptions::WhenRefused when_refused = LoadOptions::WhenRefused::kGoOn);

  /// Waits until each kind of client has had so many more answers.
  [[nodiscard]] bool WaitForMore(std::size_t answers) const;
  /// The reports of all, summed up.
  LoadReport Stop();
  LoadReport Join();

 private:
  std::array<std::unique_ptr<Load>, 4> loads_;
};

}  // namespace forkcast::process_test
