#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "serving/config/remote_model.hpp"
#include "serving/upstream/inference_message.hpp"
#include "serving/upstream/response_reader.hpp"

namespace forkcast::serving {

/// One kept connection to another server, opened when a request needs it; one request at a time.
/// Everything runs on the loop and nothing waits, the look for a name's address included. Nothing
/// is tried twice here, and nothing has a deadline: whoever asks has.
class UpstreamConnection : public std::enable_shared_from_this<UpstreamConnection> {
 public:
  enum class End : std::uint8_t {
    kAnswered,   ///< answer() is whole.
    kAway,       ///< There was no connection to be had.
    kLost,       ///< It ended before the answer did.
    kMalformed,  ///< What came is no answer, or too large.
  };
  struct Outcome {
    End end = End::kAnswered;
    std::string problem{};  ///< Unless it was answered.
    /// The connection had been kept, and nothing came over it any more: it may have been closed
    /// before the request was there, which tells nothing of the server.
    bool was_stale = false;
  };
  using Done = std::function<void(const Outcome&)>;

  UpstreamConnection(boost::asio::io_context& loop, RemoteAddress address,
                     ResponseReader::Limits limits);
  UpstreamConnection(const UpstreamConnection&) = delete;
  UpstreamConnection& operator=(const UpstreamConnection&) = delete;

  /// Sends the request, and calls `done` on the loop, later, when it is known how that ended.
  /// Precondition: no other one is under way.
  void Send(InferenceRequest request, Done done);
  /// Ends the connection for good: nothing is sent over it again, for what was under way may still
  /// be opening the socket. Its `done` is never called.
  void Close();

  /// Of the last request. Until the next one.
  [[nodiscard]] const ResponseReader& answer() const noexcept { return reader_; }

 private:
  using Error = boost::system::error_code;

  void Connect();
  void ConnectTo(const std::vector<boost::asio::ip::tcp::endpoint>& endpoints);
  void Write();
  void ReadOn();
  void Finish(const Outcome& outcome);
  /// While nothing is asked: a server that closes is noticed.
  void WatchIdle();
  void EndSocket();
  /// A handler that does nothing when the request that it was for is not under way any more.
  template <typename Handler>
  auto Of(Handler handler);

  const RemoteAddress address_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::ip::tcp::socket socket_;
  bool is_open_ = false;
  bool was_kept_ = false;
  std::uint64_t turn_ = 0;  // what a handler was made for
  InferenceRequest request_;
  Done done_;
  ResponseReader reader_;
};

}  // namespace forkcast::serving
