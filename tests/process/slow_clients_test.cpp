#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "support/load.hpp"
#include "support/server.hpp"
#include "support/slowdown.hpp"

namespace forkcast::process_test {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Bind = ServerOptions::Bind;
using Clock = std::chrono::steady_clock;

constexpr seconds kTimeout{2};  // of a request, and of an idle connection
constexpr std::size_t kNormalClients = 8;
/// What nobody waits who does nothing wrong, however generously seen.
constexpr milliseconds kBearable = milliseconds(1000) * kSlowdown;

const std::string kHead = "POST /invocations HTTP/1.1\r\nHost: a\r\n";

/// How a client makes a server wait.
struct SlowCase {
  const char* name;
  std::string begin;            ///< Sent at once.
  std::string drip;             ///< Then sent a byte a second, again and again; empty: silence.
  std::string answers = "408";  ///< Statuses that it gets before the server ends the connection.
  bool ends_sending = false;    ///< Ends its side behind `begin`.
};

const SlowCase kSlowHead{"sends a head a byte a second", "",
                         kHead + "X-Any: " + std::string(99, 'a')};

const std::vector<SlowCase> kOthers{
    {"sends a body a byte a second", kHead + "Content-Length: 1000\r\n\r\n", "{"},
    {"sends tiny chunks a byte a second", kHead + "Transfer-Encoding: chunked\r\n\r\n",
     "1\r\n{\r\n"},
    {"sends a chunk extension a byte a second", kHead + "Transfer-Encoding: chunked\r\n\r\n1;",
     "a"},
    {"sends trailers a byte a second", kHead + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n",
     "X: a\r\n"},
    {"sends empty lines and never a request", "", "\r\n", ""},
    {"connects and says nothing", "", "", ""},
    {"falls silent within a request's first line", "POST /invoc", ""},
    {"falls silent within a head", kHead, ""},
    {"falls silent within a body", kHead + "Content-Length: 1000\r\n\r\n{", ""},
    {"falls silent behind an answer", "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n", "", "200"},
    {"falls silent within a second request", "GET /ping HTTP/1.1\r\nHost: a\r\n\r\nGET", "",
     "200 408"},
    {"is told to go on and does not", kHead + "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n",
     "", "100 408"},
    {"ends its side within a head", kHead, "", "", true},
    {"ends its side within a body", kHead + "Content-Length: 9\r\n\r\n{", "", "", true}};

/// The statuses of all answers among `bytes`.
std::string StatusesIn(std::string_view bytes) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  std::string statuses;
  for (std::size_t at = bytes.find(kVersion); at != std::string_view::npos;
       at = bytes.find(kVersion, at + 1)) {
    statuses.append(statuses.empty() ? "" : " ").append(bytes.substr(at + kVersion.size(), 3));
  }
  return statuses;
}

/// A client of a SlowCase, which never ends its connection itself.
class SlowClient {
 public:
  SlowClient(const Endpoint& endpoint, const SlowCase& how)
      : how_(how), socket_(Connect(endpoint)), connected_(Clock::now()) {
    Send(how.begin);
    if (how.ends_sending) ::shutdown(socket_.get(), SHUT_WR);
    drip_at_ = how.drip.empty() ? Clock::time_point::max() : connected_;
  }

  [[nodiscard]] const SlowCase& how() const noexcept { return how_; }
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }
  [[nodiscard]] bool ended() const noexcept { return ended_.has_value(); }
  [[nodiscard]] Clock::duration lasted() const noexcept { return *ended_ - connected_; }
  [[nodiscard]] std::string answers() const { return StatusesIn(received_); }
  [[nodiscard]] Clock::time_point drip_at() const noexcept { return drip_at_; }

  void Drip() {
    if (Clock::now() < drip_at_) return;
    Send(how_.drip.substr(dripped_++ % how_.drip.size(), 1));
    drip_at_ += seconds(1);
  }
  void Read() {
    std::array<char, 4096> bytes;
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) {
      received_.append(bytes.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || errno != EAGAIN) {
      ended_ = Clock::now();
    }
  }

 private:
  void Send(const std::string& bytes) {
    ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  const SlowCase& how_;
  Fd socket_;
  Clock::time_point connected_;
  Clock::time_point drip_at_;
  std::size_t dripped_ = 0;
  std::string received_;
  std::optional<Clock::time_point> ended_;
};

/// Lets all clients go on until the server has ended the connection of each; false when it does not
/// in time.
bool PlayUntilEnded(std::vector<SlowClient>& clients) {
  const auto give_up = Clock::now() + kPatience;
  while (Clock::now() < give_up) {
    std::vector<pollfd> waiting;
    std::vector<SlowClient*> playing;
    auto next = give_up;
    for (SlowClient& client : clients) {
      if (client.ended()) continue;
      client.Drip();
      playing.push_back(&client);
      waiting.push_back({.fd = client.fd(), .events = POLLIN, .revents = 0});
      next = std::min(next, client.drip_at());
    }
    if (playing.empty()) return true;
    const auto left = std::chrono::ceil<milliseconds>(next - Clock::now()).count();
    ::poll(waiting.data(), waiting.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].revents != 0) playing[i]->Read();
    }
  }
  return false;
}

class SlowClients : public testing::Test {
 protected:
  SlowClients() { workspace_.Ingest(SampleData()); }

  /// With short times to wait.
  Server& Start(std::vector<std::string> flags = {}, seconds timeout = kTimeout) {
    const std::string patience = std::to_string(timeout.count());
    flags.insert(flags.end(), {"--timeout", patience, "--idle-timeout", patience, "--control",
                               workspace_ / "control"});
    server_.emplace(workspace_, ServerOptions{.bind = Bind::kBoth, .flags = std::move(flags)});
    server_->WaitUntilAllReady();
    return *server_;
  }
  /// Connections that the workers hold.
  std::size_t CountConnections() {
    const std::string status =
        RunToEnd(workspace_ / "status",
                 {kForkcast, "status", "--control", workspace_ / "control", "--json"}, 0);
    const json parsed = json::parse(status);
    std::size_t sum = 0;
    for (const json& worker : parsed.at("workers")) {
      sum += worker.at("connections").get<std::size_t>();
    }
    return sum;
  }
  [[nodiscard]] static LoadOptions NormalLoad() {
    // A load without a pause would keep from the CPUs what plays slow here.
    return {.clients = kNormalClients, .pace = milliseconds(5), .request = OneOrder()};
  }
  /// That nothing failed and nobody had to wait.
  static void ExpectUndisturbed(const LoadReport& report, milliseconds bearable = kBearable) {
    EXPECT_EQ(report.failed(), 0U) << report;
    EXPECT_EQ(report.statuses.size(), 1U) << report;
    EXPECT_GT(report.answered(), 0U) << report;
    EXPECT_EQ(report.wrong_ids, 0U);
    EXPECT_LT(report.slowest, bearable);
  }
  /// That the server ended each as its case says, when its time was over and not before.
  static void ExpectEndedInTime(const std::vector<SlowClient>& clients) {
    for (const SlowClient& client : clients) {
      SCOPED_TRACE(client.how().name);
      EXPECT_EQ(client.answers(), client.how().answers);
      EXPECT_LT(client.lasted(), kTimeout + seconds(2) * kSlowdown);
      if (!client.how().ends_sending) {
        EXPECT_GE(client.lasted(), kTimeout);
      }
    }
  }

  Workspace workspace_;
  std::optional<Server> server_;
};

TEST_F(SlowClients, AreEndedWhenTheirTimeIsOverAndHoldNobodyUp) {
  constexpr int kSlowHeads = 200;
  constexpr int kOfEachOther = 10;
  Server& server = Start();
  Load load(server.endpoint(), NormalLoad());
  ASSERT_TRUE(load.WaitForMore(100));
  std::vector<SlowClient> clients;
  for (int i = 0; i < kSlowHeads; ++i) clients.emplace_back(server.endpoint(), kSlowHead);
  for (const SlowCase& other : kOthers) {
    for (int i = 0; i < kOfEachOther; ++i) {
      clients.emplace_back(i % 2 == 0 ? server.endpoint() : server.unix_endpoint(), other);
    }
  }
  EXPECT_TRUE(PlayUntilEnded(clients));
  ExpectEndedInTime(clients);
  // They still hold their own ends.
  EXPECT_TRUE(Eventually([&] { return CountConnections() == kNormalClients; }));
  ASSERT_TRUE(load.WaitForMore(100));
  ExpectUndisturbed(load.Stop());
  EXPECT_TRUE(Eventually([&] { return CountConnections() == 0; }));
}

TEST_F(SlowClients, ThatHoldEveryConnectionHaveToGiveThemBack) {
  constexpr int kSlowHeads = 40;
  Server& server = Start({"--max-connections", "16"});
  std::vector<SlowClient> clients;
  for (int i = 0; i < kSlowHeads; ++i) clients.emplace_back(server.endpoint(), kSlowHead);
  ASSERT_TRUE(Eventually([&] { return CountConnections() == 32; }));
  Load load(server.endpoint(), NormalLoad());
  EXPECT_TRUE(PlayUntilEnded(clients));
  ASSERT_TRUE(load.WaitForMore(100));
  // It was in the backlog behind the last of them.
  ExpectUndisturbed(load.Stop(), 3 * (kTimeout + seconds(2) * kSlowdown));
}

// ---- clients that send without a pause ----

/// Sends the same bytes behind `begin` for as long as it can.
class Flooder {
 public:
  Flooder(const Endpoint& endpoint, const std::string& begin, const std::string& flood)
      : socket_(Connect(endpoint)), bytes_(begin), began_(Clock::now()) {
    while (bytes_.size() < begin.size() + 60'000) bytes_ += flood;
    period_ = bytes_.size() - begin.size();
  }

  /// Until the server ends the connection; returns how long that took.
  Clock::duration SendUntilEnded() {
    std::size_t at = 0;
    while (Clock::now() - began_ < kPatience) {
      const ssize_t sent =
          ::send(socket_.get(), bytes_.data() + at, bytes_.size() - at, MSG_NOSIGNAL);
      if (sent < 0) break;
      at += static_cast<std::size_t>(sent);
      if (at == bytes_.size()) at -= period_;
    }
    return Clock::now() - began_;
  }

 private:
  Fd socket_;
  std::string bytes_;
  std::size_t period_ = 0;
  Clock::time_point began_;
};

TEST_F(SlowClients, ThatSendWithoutAPauseAndNeverARequestAreEndedToo) {
  Server& server = Start();
  Load load(server.endpoint(), NormalLoad());
  ASSERT_TRUE(load.WaitForMore(100));
  const std::string chunked = kHead + "Transfer-Encoding: chunked\r\n\r\n";
  const std::string long_chunk = "1;" + std::string(250, 'a') + "\r\n{\r\n";
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      Flooder flooder = i % 2 == 0 ? Flooder(server.endpoint(), "", "\r\n")
                                   : Flooder(server.endpoint(), chunked, long_chunk);
      // The server goes on reading for a while, lest what it said be lost.
      EXPECT_LT(flooder.SendUntilEnded(), kTimeout + seconds(4) * kSlowdown);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(Eventually([&] { return CountConnections() == kNormalClients; }));
  ASSERT_TRUE(load.WaitForMore(100));
  ExpectUndisturbed(load.Stop());
}

// ---- readers that never read ----

/// An answer to it is longer than itself.
std::string LongOrder() {
  constexpr int kRows = 2000;
  const std::string row = OneOrder().body;
  Request request = OneOrder();
  request.target += "?features=true";
  request.body = "[" + row;
  for (int i = 1; i < kRows; ++i) request.body += "," + row;
  request.body += "]";
  return ToBytes(request);
}

/// Sends one order behind the other and reads nothing.
class NeverReader {
 public:
  explicit NeverReader(const Endpoint& endpoint) : socket_(Connect(endpoint)) {
    const int small = 4096;
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  }

  /// Sends what can be sent now.
  void SendOn(const std::string& order) {
    while (orders_ < kOrders) {
      const ssize_t sent = ::send(socket_.get(), order.data() + offset_, order.size() - offset_,
                                  MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0) return;
      offset_ += static_cast<std::size_t>(sent);
      if (offset_ < order.size()) continue;
      offset_ = 0;
      ++orders_;
    }
  }
  /// Whether the server has stopped reading before all was sent.
  [[nodiscard]] bool jammed() const noexcept { return orders_ < kOrders; }

 private:
  static constexpr int kOrders = 100;

  Fd socket_;
  std::size_t offset_ = 0;
  int orders_ = 0;
};

TEST_F(SlowClients, ThatNeverReadAreCutOffAndHoldNobodyUp) {
  constexpr std::size_t kReaders = 32 / kSlowdown;
  // No order is refused or given up: the short answers of either would never fill a connection.
  Server& server = Start({"--max-queue-delay-ms", "3600000"}, kTimeout * kSlowdown);
  Load load(server.endpoint(), NormalLoad());
  ASSERT_TRUE(load.WaitForMore(100));
  const std::string order = LongOrder();
  std::vector<NeverReader> readers;
  for (std::size_t i = 0; i < kReaders; ++i) {
    readers.emplace_back(i % 2 == 0 ? server.endpoint() : server.unix_endpoint());
  }
  const auto all_taken = [&] { return CountConnections() == kNormalClients + kReaders; };
  ASSERT_TRUE(Eventually(all_taken));
  // They still hold their own ends, and are sending.
  EXPECT_TRUE(Eventually([&] {
    for (NeverReader& reader : readers) reader.SendOn(order);
    return CountConnections() == kNormalClients;
  }));
  EXPECT_TRUE(std::ranges::all_of(readers, &NeverReader::jammed));
  ASSERT_TRUE(load.WaitForMore(100));
  ExpectUndisturbed(load.Stop());
  EXPECT_TRUE(Eventually([&] { return CountConnections() == 0; }));
}

}  // namespace
}  // namespace forkcast::process_test
