#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/span_body.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "client/retry_rules.hpp"
#include "client/service_url.hpp"

namespace forkcast::client {

/// TCP and Unix sockets alike, so that everything behind it is written once.
using Protocol = boost::asio::generic::stream_protocol;
using HttpRequest = boost::beast::http::request<boost::beast::http::span_body<const char>>;

/// Addresses of the service, to be tried in order; none when the name is not known (`problem` says
/// so). Never throws for a network's failure.
boost::asio::awaitable<std::vector<Protocol::endpoint>> Resolve(const ServiceUrl& url,
                                                                std::string& problem);

/// One keep-alive connection, opened when a request needs it. One request at a time.
class Connection {
 public:
  /// `endpoints` must outlive the object, and may change between requests.
  Connection(boost::asio::any_io_executor executor,
             const std::vector<Protocol::endpoint>& endpoints)
      : executor_(std::move(executor)), endpoints_(endpoints) {}

  /// Sends the request and reads its whole answer, within `timeout`, connecting included. How it
  /// ended is in the result; nothing is tried twice here. Connects again when the server closed
  /// the last connection or announced that it would.
  boost::asio::awaitable<TryResult> Send(HttpRequest& request, std::chrono::milliseconds timeout);
  /// Ends what is under way, and every later try, with kAborted.
  void Abort();

 private:
  using Stream = boost::beast::basic_stream<Protocol>;

  boost::asio::awaitable<boost::system::error_code> Connect(
      std::chrono::steady_clock::time_point deadline);
  boost::asio::awaitable<void> Exchange(HttpRequest& request, TryResult& result);
  [[nodiscard]] TryEnd EndOf(boost::system::error_code error, TryEnd otherwise) const;

  boost::asio::any_io_executor executor_;
  const std::vector<Protocol::endpoint>& endpoints_;
  std::optional<Stream> stream_;  // none: not connected
  boost::beast::flat_buffer buffer_;
  bool aborted_ = false;
};

}  // namespace forkcast::client
