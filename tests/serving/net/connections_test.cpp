#include "serving/net/connections.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "serving/endpoints/invocation_job.hpp"
#include "serving/endpoints/order_service.hpp"
#include "serving/http/access_log.hpp"
#include "serving/http/job.hpp"
#include "serving/http/router.hpp"
#include "serving/process/worker_slot.hpp"
#include "support/allocation_counter.hpp"
#include "support/http_message.hpp"
#include "support/test_files.hpp"
#include "support/test_service.hpp"

namespace forkcast::serving {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

MonotonicTime Now() { return std::chrono::steady_clock::now(); }

/// The peer of one connection.
class Client {
 public:
  explicit Client(Fd socket) : socket_(std::move(socket)) {}

  /// Sends what the connection takes at once; says how much that was.
  std::size_t Send(std::string_view bytes) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  /// Reads at most `most` bytes of what has come.
  void Receive(std::size_t most = std::string::npos) {
    std::array<char, 65536> buffer;
    while (most > 0) {
      const ssize_t got = ::recv(socket_.get(), buffer.data(), std::min(most, buffer.size()), 0);
      if (got == 0) ended_ = true;
      if (got < 0 && errno != EAGAIN) reset_ = true;
      if (got <= 0) return;
      text_.append(buffer.data(), static_cast<std::size_t>(got));
      most -= static_cast<std::size_t>(got);
    }
  }
  void EndOutput() { ::shutdown(socket_.get(), SHUT_WR); }
  void Close() { socket_ = Fd(); }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// The server closed its side, and everything before that was received.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  [[nodiscard]] bool reset() const noexcept { return reset_; }

  /// Whether a whole answer has come.
  [[nodiscard]] bool has_answer(HttpBody body = HttpBody::kAsAnnounced) const {
    return FirstMessage(text_, body).size() > 0;
  }
  /// Takes the first answer off what has come.
  std::string TakeAnswer(HttpBody body = HttpBody::kAsAnnounced) {
    const std::size_t size = FirstMessage(text_, body).size();
    std::string answer = text_.substr(0, size);
    text_.erase(0, size);
    return answer;
  }

 private:
  Fd socket_;
  std::string text_;
  bool ended_ = false;
  bool reset_ = false;
};

/// A worker's loop and connections, run by the test itself; /ping answers 200.
class ConnectionsTest : public testing::Test {
 protected:
  static constexpr seconds kTimeout{60};
  static constexpr seconds kIdleTimeout{75};
  static constexpr std::chrono::milliseconds kIdlePatience{500};

  ConnectionsTest() {
    slots_[0].SetState(WorkerState::kReady);
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM, 0));
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address_), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 16), 0);
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address_), &size), 0);
  }

  enum class Buffers { kUsual, kSmall };

  /// Connects over a Unix socket, where what one side sent is there for the other at once.
  Client Connect(Buffers buffers = Buffers::kUsual) {
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
    Fd server(pair[1]);
    if (buffers == Buffers::kSmall) {
      const int small = 4096;
      ::setsockopt(server.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    }
    connections_.Start(std::move(server));
    Settle();
    return Client(Fd(pair[0]));
  }
  /// Connects over TCP, which has larger buffers, and whose closing with unread data is a reset.
  Client ConnectOverTcp() {
    Fd client(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_), 0);
    ::fcntl(client.get(), F_SETFL, O_NONBLOCK);
    Fd server(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK));
    EXPECT_TRUE(server);
    connections_.Start(std::move(server));
    Settle();
    return Client(std::move(client));
  }

  /// Runs what can run now.
  void Settle() {
    loop_.restart();
    while (loop_.poll() > 0) {
    }
  }
  /// Runs the loop, and `client` reads, until `done`.
  void RunUntil(Client& client, const std::function<bool()>& done) {
    const MonotonicTime deadline = Now() + seconds(20);
    while (!done()) {
      ASSERT_LT(Now(), deadline) << "received: " << client.text();
      Settle();
      client.Receive();
    }
  }
  /// What comes back for `request`.
  std::string Exchange(Client& client, std::string_view request,
                       HttpBody body = HttpBody::kAsAnnounced) {
    EXPECT_EQ(client.Send(request), request.size());
    RunUntil(client, [&] { return client.has_answer(body) || client.ended(); });
    return client.TakeAnswer(body);
  }
  /// The server's time goes on; the test's does not.
  void TickAt(MonotonicTime time) {
    connections_.Tick(time);
    Settle();
  }
  void BeginDrain() { connections_.BeginDrain(Now(), kIdlePatience, Now() + kTimeout); }
  /// Fills the way back with answers that `client` does not read, until one cannot be written;
  /// behind it one request waits in the socket.
  void Stuff(Client& client) {
    std::uint64_t answered = 0;
    do {
      answered = slots_[0].metrics.Get("requests");
      client.Send("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
      Settle();
    } while (slots_[0].metrics.Get("requests") != answered);
  }

  boost::asio::io_context loop_{1};
  std::array<WorkerSlot, 1> slots_;
  SystemClock clock_;
  TestService test_{slots_, 0, clock_};
  std::size_t closed_ = 0;
  Connections connections_{loop_,
                           clock_,
                           test_.router,
                           slots_[0],
                           {.limits = {.max_header_bytes = 1000, .max_body_bytes = 100'000},
                            .timeout = kTimeout,
                            .idle_timeout = kIdleTimeout},
                           [this] { ++closed_; }};
  Fd listener_;
  sockaddr_in address_{};
};

constexpr std::string_view kPing = "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kPingAndClose =
    "GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

TEST_F(ConnectionsTest, KeepAConnectionFromRequestToRequest) {
  Client client = Connect();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Exchange(client, kPing),
                MatchesRegex("HTTP/1.1 200 OK\r\nDate: [A-Z][a-z][a-z], [0-9][0-9] [A-Z][a-z][a-z] "
                             "[0-9]+ [0-9:]+ GMT\r\nContent-Length: 0\r\n\r\n"));
  }
  EXPECT_EQ(connections_.size(), 1U);
  EXPECT_EQ(slots_[0].metrics.Get("connections"), 1U);
  EXPECT_EQ(slots_[0].metrics.Get("requests"), 3U);
  EXPECT_EQ(closed_, 0U);
}

TEST_F(ConnectionsTest, AnswerOverTcp) {
  Client client = ConnectOverTcp();
  EXPECT_THAT(Exchange(client, kPing), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(ConnectionsTest, AnnounceTheEndThatTheClientAskedFor) {
  Client client = Connect();
  EXPECT_EQ(HeaderOf(Exchange(client, kPingAndClose), "Connection"), "close");
  RunUntil(client, [&] { return client.ended() && connections_.size() == 0; });
  EXPECT_EQ(closed_, 1U);
  EXPECT_EQ(slots_[0].metrics.Get("connections"), 0U);
}

TEST_F(ConnectionsTest, EndAfterARequestOfTheOldVersionUnlessItAsksToStay) {
  Client stays = Connect();
  EXPECT_EQ(HeaderOf(Exchange(stays, "GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
                     "Connection"),
            "keep-alive");
  EXPECT_EQ(HeaderOf(Exchange(stays, "GET /ping HTTP/1.0\r\n\r\n"), "Connection"), "close");
  RunUntil(stays, [&] { return stays.ended(); });
}

TEST_F(ConnectionsTest, AnswerPipelinedRequestsInOrder) {
  constexpr int kRequests = 300;
  std::string requests;
  for (int i = 0; i < kRequests; ++i) {
    requests += "POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nX-Request-Id: n" +
                std::to_string(i) + "\r\n\r\n{}";
  }
  Client client = Connect();
  ASSERT_EQ(client.Send(requests), requests.size());
  for (int i = 0; i < kRequests; ++i) {
    RunUntil(client, [&] { return client.has_answer(); });
    ASSERT_EQ(HeaderOf(client.TakeAnswer(), "X-Request-Id"), "n" + std::to_string(i));
  }
  EXPECT_EQ(client.text(), "");
}

/// Each byte is an edge of its own, and so is the end.
TEST_F(ConnectionsTest, TakeRequestsByteByByte) {
  for (const bool over_tcp : {false, true}) {
    Client client = over_tcp ? ConnectOverTcp() : Connect();
    const std::string requests = std::string(kPing) + std::string(kPingAndClose);
    for (const char byte : requests) {
      ASSERT_EQ(client.Send({&byte, 1}), 1U);
      Settle();
    }
    RunUntil(client, [&] { return client.ended(); });
    EXPECT_EQ(HeaderOf(client.TakeAnswer(), "Connection"), "");
    EXPECT_EQ(HeaderOf(client.TakeAnswer(), "Connection"), "close");
  }
}

/// The end is reported together with the bytes before it, and never again.
TEST_F(ConnectionsTest, NoticeAnEndThatCameTogetherWithBytes) {
  for (const std::string_view bytes : {kPing, kPing.substr(0, 5)}) {
    for (const bool over_tcp : {false, true}) {
      Client client = over_tcp ? ConnectOverTcp() : Connect();
      client.Send(bytes);
      client.EndOutput();
      RunUntil(client, [&] { return client.ended() && connections_.size() == 0; });
    }
  }
  EXPECT_EQ(slots_[0].metrics.Get("requests"), 2U);
}

TEST_F(ConnectionsTest, AnswerHeadWithoutTheBodyThatGetWouldHave) {
  Client client = Connect();
  const std::string get = Exchange(client, "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string head =
      Exchange(client, "HEAD /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", HttpBody::kNone);
  const auto without_id = [](const std::string& answer) {
    const std::size_t begin = answer.find("X-Request-Id: ");
    return answer.substr(0, begin) + answer.substr(answer.find("\r\n", begin));
  };
  EXPECT_THAT(without_id(get), StartsWith(without_id(head)));
  EXPECT_NE(HeaderOf(head, "Content-Length"), "0");
  EXPECT_THAT(Exchange(client, kPing), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(ConnectionsTest, TellAClientThatWaitsToGoOn) {
  Client client = Connect();
  EXPECT_EQ(Exchange(client,
                     "POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                     "Expect: 100-continue\r\n\r\n"),
            "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(Exchange(client, "{}"), StartsWith("HTTP/1.1 503 "));
}

TEST_F(ConnectionsTest, DeliverARefusalToAClientThatIsStillSending) {
  Client client = ConnectOverTcp();
  client.Send("POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 90000000\r\n\r\n");
  const std::string body(200'000, 'x');
  const MonotonicTime deadline = Now() + seconds(20);
  for (std::size_t sent = 0; sent < 20'000'000;) {  // more than all buffers, reading nothing
    ASSERT_LT(Now(), deadline) << "what comes is not taken off the connection";
    sent += client.Send(body);
    Settle();
  }
  RunUntil(client, [&] { return client.ended() || client.reset(); });
  EXPECT_FALSE(client.reset());
  const std::string answer = client.TakeAnswer();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 Content Too Large\r\n"));
  EXPECT_EQ(HeaderOf(answer, "Connection"), "close");
  EXPECT_EQ(client.text(), "");
  EXPECT_EQ(connections_.size(), 1U);
  client.Close();
  RunUntil(client, [&] { return connections_.size() == 0; });
}

TEST_F(ConnectionsTest, DoNotWaitForeverForTheEndOfARefusedClient) {
  Client client = Connect();
  EXPECT_THAT(Exchange(client, "nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  TickAt(Now() + seconds(1));
  EXPECT_EQ(connections_.size(), 1U);
  TickAt(Now() + seconds(3));
  EXPECT_EQ(connections_.size(), 0U);
}

TEST_F(ConnectionsTest, AnswerNothingBehindTheLastRequest) {
  Client client = ConnectOverTcp();
  const std::string bytes = std::string(kPingAndClose) + std::string(kPing);
  client.Send(bytes);
  RunUntil(client, [&] { return client.ended() || client.reset(); });
  EXPECT_FALSE(client.reset());
  EXPECT_EQ(HeaderOf(client.TakeAnswer(), "Connection"), "close");
  EXPECT_EQ(client.text(), "");
  EXPECT_EQ(slots_[0].metrics.Get("requests"), 1U);
}

TEST_F(ConnectionsTest, CountWhatIsNoRequestAsWhatItWasAnswered) {
  Client bad = Connect();
  Exchange(bad, "nonsense\r\n\r\n");
  EXPECT_EQ(slots_[0].metrics.Get("client_errors"), 1U);
  Client unknown = Connect();
  Exchange(unknown, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n");
  EXPECT_EQ(slots_[0].metrics.Get("client_errors"), 1U);
  EXPECT_EQ(slots_[0].metrics.Get("server_errors"), 1U);
  EXPECT_EQ(slots_[0].metrics.Get("requests"), 2U);
}

TEST_F(ConnectionsTest, AnswerARequestThatDoesNotArriveInTimeWith408) {
  for (const std::string_view begin :
       {std::string_view("GET /pi"),
        std::string_view("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nbody")}) {
    Client client = Connect();
    client.Send(begin);
    Settle();
    TickAt(Now() + kTimeout - seconds(5));
    client.Receive();
    EXPECT_EQ(client.text(), "");
    TickAt(Now() + kTimeout);
    RunUntil(client, [&] { return client.ended(); });
    const std::string answer = client.TakeAnswer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
    EXPECT_THAT(answer, HasSubstr("request_timeout"));
    EXPECT_EQ(HeaderOf(answer, "Connection"), "close");
  }
}

TEST_F(ConnectionsTest, CloseIdleOnesSilently) {
  Client fresh = Connect();
  Client used = Connect();
  Exchange(used, kPing);
  used.Send("\r\n");  // begins no request
  Settle();
  TickAt(Now() + kIdleTimeout - seconds(5));
  EXPECT_EQ(connections_.size(), 2U);
  TickAt(Now() + kIdleTimeout);
  EXPECT_EQ(connections_.size(), 0U);
  for (Client* client : {&fresh, &used}) {
    client->Receive();
    EXPECT_TRUE(client->ended());
    EXPECT_EQ(client->text(), "");
  }
}

TEST_F(ConnectionsTest, AnswerARequestThatCameBeforeTheIdleOneWasClosed) {
  Client client = Connect();
  client.Send(kPing);
  connections_.Tick(Now() + kIdleTimeout);  // before the loop has seen the request
  RunUntil(client, [&] { return client.has_answer() || client.ended(); });
  EXPECT_THAT(client.TakeAnswer(), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(ConnectionsTest, DropAPeerThatNeverReads) {
  Client client = Connect(Buffers::kSmall);
  Stuff(client);
  TickAt(Now() + kTimeout - seconds(5));
  EXPECT_EQ(connections_.size(), 1U);
  TickAt(Now() + kTimeout);
  EXPECT_EQ(connections_.size(), 0U);
}

TEST_F(ConnectionsTest, DropAPeerThatReadsForLongerThanARequestMayTake) {
  OrderService service;
  service.clock().Set({});  // time enough to compute
  Connections connections(loop_, clock_, service.router(), slots_[0],
                          {.limits = {}, .timeout = kTimeout}, [] {});
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
  const int small = 4096;
  ::setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  connections.Start(Fd(pair[1]));
  Client client{Fd(pair[0])};
  std::string body = "order_id,timestamp,sku_code,zip_code\n";
  for (int i = 0; i < 1000; ++i) body += "paid,2021-07-01,00123,01001\n";
  const std::string request =
      "POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  ASSERT_EQ(client.Send(request), request.size());
  Settle();
  const MonotonicTime stuck = Now();
  client.Receive();
  Settle();  // sends on, and is stuck again
  connections.Tick(stuck + kTimeout);
  Settle();
  EXPECT_EQ(connections.size(), 0U);
  client.Receive();
  EXPECT_TRUE(client.ended());
  EXPECT_THAT(client.text(), StartsWith("HTTP/1.1 200 OK"));
  EXPECT_FALSE(client.has_answer());
}

TEST_F(ConnectionsTest, DrainWithConnectionCloseOnEveryAnswer) {
  Client busy = Connect();
  Client idle = Connect();
  busy.Send(kPing.substr(0, 10));
  Settle();
  BeginDrain();
  Settle();
  EXPECT_EQ(connections_.size(), 2U);
  EXPECT_EQ(HeaderOf(Exchange(idle, kPing), "Connection"), "close");  // it was on its way
  TickAt(Now() + seconds(1));
  EXPECT_EQ(connections_.size(), 1U);
  EXPECT_EQ(HeaderOf(Exchange(busy, kPing.substr(10)), "Connection"), "close");
  RunUntil(busy, [&] { return connections_.size() == 0; });
}

TEST_F(ConnectionsTest, DrainEndsIdleOnesAfterAMoment) {
  Client before = Connect();
  BeginDrain();
  Client after = Connect();
  TickAt(Now());
  EXPECT_EQ(connections_.size(), 2U);
  TickAt(Now() + seconds(1));
  EXPECT_EQ(connections_.size(), 0U);
  EXPECT_EQ(closed_, 2U);
}

TEST_F(ConnectionsTest, DrainWaitsForAnAnswerThatIsBeingRead) {
  Client client = Connect(Buffers::kSmall);
  Stuff(client);
  BeginDrain();
  TickAt(Now() + seconds(2));
  ASSERT_EQ(connections_.size(), 1U);
  RunUntil(client, [&] { return client.ended() || client.reset(); });
  std::string last;
  while (client.has_answer()) last = client.TakeAnswer();
  EXPECT_EQ(client.text(), "") << "cut short";
  EXPECT_EQ(HeaderOf(last, "Connection"), "close");
}

TEST_F(ConnectionsTest, RefuseWhatIsNotWholeWhenTheServerHasToStop) {
  Client begun = Connect();
  begun.Send(kPing.substr(0, 10));
  Settle();
  connections_.BeginDrain(Now(), kIdlePatience, Now());
  Client late = Connect();
  late.Send(kPing.substr(0, 10));
  Settle();
  TickAt(Now());
  for (Client* client : {&begun, &late}) {
    RunUntil(*client, [&] { return client->ended(); });
    const std::string answer = client->TakeAnswer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
    EXPECT_THAT(answer, HasSubstr("the server is stopping"));
    EXPECT_EQ(HeaderOf(answer, "Connection"), "close");
  }
  EXPECT_EQ(slots_[0].metrics.Get("clipped"), 2U);
}

TEST_F(ConnectionsTest, ASecondDrainOnlyShortensTheFirst) {
  Client client = Connect();
  connections_.BeginDrain(Now(), std::chrono::seconds(10), MonotonicTime::max());
  connections_.BeginDrain(Now(), std::chrono::seconds(1), MonotonicTime::max());
  connections_.BeginDrain(Now(), std::chrono::seconds(10), MonotonicTime::max());
  TickAt(Now() + seconds(2));
  EXPECT_EQ(connections_.size(), 0U);
}

TEST_F(ConnectionsTest, OneWithManyRequestsDoesNotKeepAnotherWaiting) {
  constexpr std::uint64_t kRequests = 2000;
  std::string many;
  for (std::uint64_t i = 0; i < kRequests; ++i) many += kPing;
  Client greedy = ConnectOverTcp();
  Client modest = ConnectOverTcp();
  ASSERT_EQ(greedy.Send(many), many.size());
  ASSERT_EQ(modest.Send(kPing), kPing.size());
  const MonotonicTime deadline = Now() + seconds(20);
  while (!modest.has_answer()) {
    ASSERT_LT(Now(), deadline);
    loop_.restart();
    loop_.poll_one();
    modest.Receive();
  }
  EXPECT_LT(slots_[0].metrics.Get("requests"), kRequests / 4);
  RunUntil(greedy, [&] { return slots_[0].metrics.Get("requests") == kRequests + 1; });
}

TEST_F(ConnectionsTest, CountAConnectionAtOnceWhenStartedWithinTheLoop) {
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
  const Fd client(pair[0]);
  Fd server(pair[1]);
  std::size_t counted = 0;
  boost::asio::post(loop_, [&] {
    connections_.Start(std::move(server));
    counted = connections_.size();
  });
  Settle();
  EXPECT_EQ(counted, 1U);
}

TEST_F(ConnectionsTest, AreLeftByPeersWithoutMuchAdo) {
  for (const std::string_view begin : {std::string_view(), kPing.substr(0, 5), kPing}) {
    Client client = Connect();
    client.Send(begin);
    client.Close();
    Client watcher = Connect();
    RunUntil(watcher, [&] { return connections_.size() == 1; });
    watcher.Close();
    RunUntil(watcher, [&] { return connections_.size() == 0; });
  }
}

TEST_F(ConnectionsTest, AnswerAPeerThatHasClosedItsOutput) {
  Client client = Connect();
  client.Send(kPing);
  client.EndOutput();
  RunUntil(client, [&] { return client.ended(); });
  EXPECT_THAT(client.TakeAnswer(), StartsWith("HTTP/1.1 200 OK"));
}

/// Connections before the model, whose clock passes so that each look at it ends a slice.
class LargeRequestsTest : public ConnectionsTest {
 protected:
  LargeRequestsTest() {
    service_.clock().Set({});
    service_.clock().PassWithEachLook(InvocationJob::kSlice);
  }

  Client Join() {
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
    service_connections_.Start(Fd(pair[1]));
    return Client(Fd(pair[0]));
  }
  /// CSV over the size from which requests take their turns.
  static std::string LargeRequest(std::size_t rows = 3000) {
    std::string body = "order_id,timestamp,sku_code,zip_code\n";
    for (std::size_t i = 0; i < rows; ++i) body += "paid,2021-07-01,00123,01001\n";
    return "POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  /// One handler of the loop.
  void Step() {
    loop_.restart();
    loop_.poll_one();
  }

  [[nodiscard]] static std::string SmallRequest() {
    return "POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n[]";
  }

  OrderService service_;
  Connections service_connections_{
      loop_, clock_, service_.router(), slots_[0], {.limits = {}, .timeout = kTimeout}, [] {}};
};

TEST_F(LargeRequestsTest, LetOthersHaveTheirTurnsMeanwhile) {
  Client large = Join();
  Client small = Join();
  large.Send(LargeRequest());
  small.Send(kPing);
  std::size_t answered = 0;
  const MonotonicTime deadline = Now() + seconds(20);
  while (!large.has_answer()) {
    ASSERT_LT(Now(), deadline);
    Step();
    small.Receive();
    for (; small.has_answer(); ++answered) {
      small.TakeAnswer();
      small.Send(kPing);
    }
    large.Receive();
  }
  EXPECT_THAT(large.TakeAnswer(), StartsWith("HTTP/1.1 200 OK"));
  EXPECT_GT(answered, 20U);  // of some 150 slices
}

TEST_F(LargeRequestsTest, AreAnsweredInTheOrderInWhichTheyCame) {
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(Join());
  for (Client& client : clients) {
    client.Send(LargeRequest());
    Step();
    client.Receive();
    EXPECT_FALSE(client.has_answer());
  }
  std::vector<std::size_t> order;
  const MonotonicTime deadline = Now() + seconds(20);
  while (order.size() < clients.size()) {
    ASSERT_LT(Now(), deadline);
    Step();
    for (std::size_t i = 0; i < clients.size(); ++i) {
      clients[i].Receive();
      if (!clients[i].has_answer()) continue;
      EXPECT_THAT(clients[i].TakeAnswer(), StartsWith("HTTP/1.1 200 OK"));
      order.push_back(i);
    }
  }
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3));
}

TEST_F(LargeRequestsTest, DoNotWaitForTheirTurnLongerThanTheyMayTake) {
  Client first = Join();
  Client second = Join();
  first.Send(LargeRequest());
  Step();
  second.Send(LargeRequest());
  Step();
  service_.clock().Set(Now() + kTimeout * 2);
  service_connections_.Tick(Now() + kTimeout);
  for (Client* client : {&second, &first}) {
    RunUntil(*client, [client] { return client->has_answer(); });
    const std::string answer = client->TakeAnswer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 504 Gateway Timeout\r\n"));
    EXPECT_THAT(answer, HasSubstr(client == &second ? "while it waited for its turn"
                                                    : "while decoding its body"));
  }
  service_.clock().Set({});
  EXPECT_THAT(Exchange(second, LargeRequest()), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(LargeRequestsTest, AreRefusedWhenTheyWouldWaitTooLong) {
  // Nobody is to wait at all; who finds the loop idle has waited for the moment that it took.
  Connections strict(
      loop_, clock_, service_.router(), service_.slot(),
      {.limits = {}, .timeout = kTimeout, .max_queue_delay = std::chrono::milliseconds(0)}, [] {});
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
  strict.Start(Fd(pair[1]));
  Client client{Fd(pair[0])};
  for (const std::string& request : {SmallRequest(), LargeRequest()}) {
    const std::string answer = Exchange(client, request);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
    EXPECT_EQ(HeaderOf(answer, "Retry-After"), "1");
    EXPECT_EQ(HeaderOf(answer, "Connection"), "");
  }
  EXPECT_EQ(service_.slot().metrics.Get("refused"), 2U);
  service_.slot().SetState(WorkerState::kReady);
  EXPECT_THAT(Exchange(client, kPing), StartsWith("HTTP/1.1 200 OK"));
  EXPECT_EQ(service_.slot().metrics.Get("refused"), 2U);
}

TEST_F(LargeRequestsTest, MayBeGivenUpInTheMiddle) {
  Client first = Join();
  {
    Connections others(loop_, clock_, service_.router(), slots_[0],
                       {.limits = {}, .timeout = kTimeout}, [] {});
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
    others.Start(Fd(pair[1]));
    Client given_up{Fd(pair[0])};
    given_up.Send(LargeRequest());
    for (int i = 0; i < 3; ++i) Step();
  }
  EXPECT_THAT(Exchange(first, LargeRequest()), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(ConnectionsTest, SteadyStateAllocatesNothing) {
  Client client = Connect();
  std::size_t before = 0;
  std::size_t after = 0;
  for (int i = 0; i < 5; ++i) {
    client.Send(kPing);
    before = AllocationCount();
    Settle();
    after = AllocationCount();
    client.Receive();
  }
  EXPECT_EQ(slots_[0].metrics.Get("requests"), 5U);
  EXPECT_EQ(after - before, 0U);
}

/// A load of a model that comes to nothing until the test says so.
class HeldControl final : public ModelControl {
 public:
  [[nodiscard]] std::string UsualUrl(const std::string& name) const override { return name; }
  std::shared_ptr<const ModelChange> Load(const std::string& /*name*/, const std::string& /*url*/,
                                          MonotonicTime /*deadline*/) override {
    return change;
  }
  std::shared_ptr<const ModelChange> Unload(const std::string& /*name*/,
                                            MonotonicTime /*deadline*/) override {
    return change;
  }

  std::shared_ptr<ModelChange> change = std::make_shared<ModelChange>();
};

TEST_F(ConnectionsTest, WaitForWhatOthersDoWithoutKeepingTheLoopBusy) {
  HeldControl control;
  TestService service(slots_, 0, clock_, {}, Models::kLoaded);
  service.service.models = &control;
  service.service.catalogue.Serve({});
  Connections connections(loop_, clock_, service.router, slots_[0], {.timeout = kTimeout}, [] {});
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
  connections.Start(Fd(pair[1]));
  Client asker{Fd(pair[0])};
  asker.Send("DELETE /models/m HTTP/1.1\r\nHost: a\r\n\r\n");
  Settle();  // comes back, since nothing can run
  asker.Receive();
  EXPECT_EQ(asker.text(), "");
  control.change->outcome = ModelChange::Outcome::kDone;
  connections.ResumeWaiting();
  Settle();
  asker.Receive();
  EXPECT_THAT(asker.text(), StartsWith("HTTP/1.1 200 OK"));
  EXPECT_EQ(connections.size(), 1U);
}

/// Tells the same again and again, until nobody listens.
class EndlessJob final : public Job {
 public:
  explicit EndlessJob(Service& /*service*/) {}

  Status Begin(forkcast::serving::Exchange& exchange) override {
    response_ = &exchange.response();
    return {};
  }
  Progress Work() override {
    response_->is_stream = true;
    response_->body = "again\n";
    return Progress::kSends;
  }

 private:
  Response* response_ = nullptr;
};

TEST_F(ConnectionsTest, NoteAStreamThatItsReaderHasLeft) {
  const preprocessing::TempFolder folder;
  LogLosses losses;
  auto log = AccessLog::Open(AccessLogFormat::kJson, folder.path() / "access.log", losses);
  ASSERT_TRUE(log);
  const std::vector<Endpoint> endpoints{
      {.method = Method::kGet, .path = "/endless", .make = MakeJob<EndlessJob>}};
  Router router(endpoints, test_.service, slots_[0], test_.series.writer, test_.log, /*seed=*/7);
  Connections connections(loop_, clock_, router, slots_[0],
                          {.timeout = kTimeout, .access_log = &*log}, [] {});
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
  connections.Start(Fd(pair[1]));
  Client reader{Fd(pair[0])};
  reader.Send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
  Settle();
  reader.Receive();
  EXPECT_THAT(reader.text(), AllOf(StartsWith("HTTP/1.1 200 OK"), EndsWith("\r\nagain\n")));
  EXPECT_EQ(preprocessing::ReadWhole(folder.path() / "access.log"), "");
  reader.Close();
  connections.ResumeWaiting();
  Settle();
  EXPECT_EQ(connections.size(), 0U);
  EXPECT_THAT(preprocessing::ReadWhole(folder.path() / "access.log"),
              HasSubstr(R"("target":"/endless","version":"HTTP/1.1","status":200)"));
}

}  // namespace
}  // namespace forkcast::serving
