#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <string_view>

#include "data_preprocessing/base/fd.hpp"
#include "support/http_message.hpp"
#include "support/program.hpp"

namespace forkcast::process_test {

/// Where a server listens: a TCP port of the loopback interface or, when not empty, a Unix socket.
struct Endpoint {
  std::uint16_t port = 0;
  std::filesystem::path socket{};

  /// As forkcast-client takes it.
  [[nodiscard]] std::string url() const;
};

/// A blocking socket that gives up after `patience`; none when nobody listens.
[[nodiscard]] Fd Connect(const Endpoint& endpoint, std::chrono::milliseconds patience = kPatience);

struct Request {
  std::string method = "POST";
  std::string target = "/invocations";
  std::string headers{};  ///< Lines ended by CRLF, beside Host and Content-Length.
  std::string body{};
};
[[nodiscard]] std::string ToBytes(const Request& request);

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers{};  ///< Names in lower case.
  std::string head{};                            ///< As it came, all but the empty line.
  std::string body{};

  /// Empty when absent.
  [[nodiscard]] std::string Header(const std::string& name) const;
  [[nodiscard]] bool closes() const { return Header("connection") == "close"; }
};

/// How an exchange ended, from the client's side.
enum class Outcome {
  kAnswered,
  kRefused,   ///< Nobody listens.
  kReset,     ///< Reset before the first byte of an answer.
  kClosed,    ///< Closed before the first byte of an answer.
  kCutOff,    ///< An answer that begins and does not end.
  kTimedOut,  ///< Nothing more came within the patience.
};
std::ostream& operator<<(std::ostream& out, Outcome outcome);

struct Exchange {
  Outcome outcome = Outcome::kAnswered;
  Answer answer{};
};

/// One connection of a client that takes its time. Every failure is an Outcome, since how
/// connections end is what these tests are about. Not thread-safe.
class HttpConnection {
 public:
  explicit HttpConnection(const Endpoint& endpoint, std::chrono::milliseconds patience = kPatience);

  [[nodiscard]] bool connected() const noexcept { return static_cast<bool>(socket_); }
  /// Sends bytes as they are. A failure shows in the next Receive().
  void Send(std::string_view bytes);
  /// Ends our side; answers can still be received.
  void EndSending();
  /// The next answer; a 100 Continue is one.
  Exchange Receive(HttpBody expected = HttpBody::kAsAnnounced);
  /// Send() and Receive().
  Exchange Ask(const Request& request);
  /// Whether the server ends the connection, having sent nothing more.
  [[nodiscard]] bool IsClosedByServer();

 private:
  /// Appends to received_. kAnswered when there is more.
  Outcome ReadMore();

  Fd socket_;
  std::string received_;
};

/// One request on a connection of its own; fails the test when it is not answered.
Answer AskOnce(const Endpoint& endpoint, const Request& request);

/// Status of GET /ping; 0 when nobody answers.
[[nodiscard]] int Ping(const Endpoint& endpoint);

}  // namespace forkcast::process_test
