#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::client {

/// A request as the server got it.
struct SeenRequest {
  std::size_t number = 0;         ///< Among the POST requests of all connections, from 0.
  std::size_t on_connection = 0;  ///< Among all requests of its connection, from 0.
  std::string target{};
  std::string head{};  ///< Request line and headers.
  std::string body{};

  /// Value of a header spelled as given; empty when absent.
  [[nodiscard]] std::string Header(std::string_view name) const;
};

/// What a script makes the server do with a request.
struct Reply {
  enum class Then { kKeepOpen, kClose, kHoldUntilPeerLeaves };

  std::string bytes{};  ///< Written as they are.
  Then then = Then::kKeepOpen;
  std::chrono::milliseconds late{0};  ///< Time that passes before the bytes are written.
  bool stop_listening = false;        ///< Later connections are refused.
};

/// A whole HTTP answer.
std::string HttpAnswer(int status, std::string_view body, std::string_view extra_headers = "");
/// The answer of a well-behaved service: `{"id":"<first field>","recommendation":"Deliver"}` a row.
/// The rows of `body` are CSV without quotes.
Reply GoodReply(const SeenRequest& request);

/// An HTTP server that does what a test tells it, so that a client can be shown every way in which
/// a connection can go wrong. A thread a connection, raw sockets. `GET /ping`, as any other GET, is
/// answered by 200 unless the script for it says otherwise.
class ScriptedServer {
 public:
  /// Called in the connections' threads, one call at a time.
  using Script = std::function<Reply(const SeenRequest&)>;

  /// Listens on a free TCP port of this machine, on `port` where that is given, or on
  /// `socket_path`.
  explicit ScriptedServer(Script on_post, Script on_ping = nullptr,
                          const std::filesystem::path& socket_path = {}, std::uint16_t port = 0);
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer();

  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  /// All POST requests so far, in the order of their numbers.
  [[nodiscard]] std::vector<SeenRequest> posts() const;
  /// Waits until so many POST requests came; false after ten seconds.
  [[nodiscard]] bool WaitForPosts(std::size_t count) const;
  [[nodiscard]] std::size_t connections() const noexcept { return connections_; }

 private:
  void Listen(const std::filesystem::path& socket_path, std::uint16_t port);
  void Accept();
  void Serve(int connection);
  bool Answer(int connection, const SeenRequest& request);

  Script on_post_;
  Script on_ping_;
  std::string url_;
  Fd listener_;
  mutable std::mutex mutex_;
  std::vector<SeenRequest> posts_;
  std::list<Fd> open_;
  std::list<std::thread> servers_;
  std::atomic<std::size_t> connections_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread acceptor_;
};

}  // namespace forkcast::client
