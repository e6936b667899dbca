#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "serving/http/exchange.hpp"
#include "serving/http/job.hpp"
#include "serving/http/request_reader.hpp"
#include "serving/http/response.hpp"
#include "serving/net/connection_deadlines.hpp"
#include "serving/net/connection_socket.hpp"
#include "serving/net/coroutine.hpp"

namespace forkcast::serving {

class ConnectionLoop;

/// One connection: a coroutine with one loop, read, route, write, that waits by suspending. What it
/// has in common with the others it has from its ConnectionLoop, which resumes it. It goes by the
/// loop's time.
class Connection {
 public:
  /// `loop` must outlive it.
  Connection(ConnectionLoop& loop, Fd socket);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { LeaveLarge(Outcome::kGivenUp); }

  /// Goes on until it waits or ends; in that case the object is gone afterwards.
  void Resume();
  /// What epoll has said of the socket.
  void OnEvents(std::uint32_t events);
  /// Whether its request waits for what others do.
  [[nodiscard]] bool waits_for_news() const noexcept { return wait_ == Wait::kNews; }
  /// Ends the wait in progress when it is overdue.
  void Tick(MonotonicTime now);
  /// Shortens the wait in progress to what draining allows.
  void BeginDrain();

  std::list<Connection>::iterator place{};  ///< Among those of the loop.

 private:
  using Io = ConnectionSocket::Io;
  enum class Wait {
    kNone,
    kReadable,
    kWritable,
    kTurn,   ///< For the others to have had theirs.
    kFirst,  ///< For being the first of the large ones.
    kNews,   ///< For what others do: ResumeWaiting().
  };
  enum class Outcome { kAnswered, kGivenUp };
  struct Suspension {
    bool over;
    [[nodiscard]] bool await_ready() const noexcept { return over; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept {}
  };

  /// In turn with the others, when what its request waits for has come.
  void ResumeSoon();

  Coroutine Serve();
  /// Suspends until then, or until the deadline has passed.
  Suspension Until(Wait wait);
  Suspension UntilMoreCame(Io read);
  Suspension UntilWrittenOn(Io written);
  /// After such a wait.
  Io ReadOn(Io before);
  Io WriteOn() noexcept;

  void BeginAnswer();
  /// Whether it is a large one that others are before.
  bool JoinLarge();
  void LeaveLarge(Outcome outcome);
  /// One slice.
  Progress WorkOnAnswer();
  /// Of an answer that is a stream: what there is of it is to be written.
  void SendPart();
  void EndAnswer();
  void AnswerFault(const RequestFault& fault);
  void AnswerLateRequest();
  void Compose(bool keep_alive, bool with_body);
  void NoteRequest(const RequestView& request);
  void LogAnswer();

  ConnectionLoop& loop_;
  ConnectionSocket socket_;
  const std::string peer_;
  RequestReader reader_;
  ConnectionDeadlines deadlines_;
  Coroutine serve_;
  Wait wait_ = Wait::kNone;
  Response response_;
  Exchange exchange_;
  bool begun_ = false;     // the router has taken the request on
  bool is_large_ = false;  // it is among the large ones
  bool faulty_ = false;    // what came was no request
  bool streams_ = false;   // the head of its answer has been written
  std::string head_;
  std::size_t body_bytes_ = 0;
  bool keep_alive_ = true;
  int requests_since_wait_ = 0;
  /// What the access log will say of the request whose answer is being written; by then the buffer
  /// holds the next one.
  struct Noted {
    bool pending = false;
    std::string client;
    std::string method;
    std::string target;
    std::string_view version;
    std::string traceparent;
    MonotonicTime started;
  };
  Noted noted_;
};

}  // namespace forkcast::serving
