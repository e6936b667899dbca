#include "client/connection.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <charconv>
#include <string_view>

namespace forkcast::client {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

/// An answer over this is refused: most likely it is not ours.
constexpr std::uint64_t kMaxAnswerBytes = std::uint64_t{256} << 20;

constexpr const char* kAbortedMessage = "the replay was told to stop";

/// Retry-After in seconds; none when there is none, or it is a date.
std::optional<std::chrono::seconds> RetryAfter(std::string_view value) {
  std::uint32_t seconds = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, problem] = std::from_chars(value.data(), end, seconds);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace

asio::awaitable<std::vector<Protocol::endpoint>> Resolve(const ServiceUrl& url,
                                                         std::string& problem) {
  std::vector<Protocol::endpoint> endpoints;
  if (!url.socket_path.empty()) {
    endpoints.emplace_back(asio::local::stream_protocol::endpoint(url.socket_path));
    co_return endpoints;
  }
  asio::ip::tcp::resolver resolver(co_await asio::this_coro::executor);
  error_code error;
  const auto found = co_await resolver.async_resolve(
      url.host, url.port, asio::redirect_error(asio::use_awaitable, error));
  if (error) problem = url.host + ": " + error.message();
  for (const auto& entry : found) endpoints.emplace_back(entry.endpoint());
  co_return endpoints;
}

asio::awaitable<error_code> Connection::Connect(std::chrono::steady_clock::time_point deadline) {
  error_code error = asio::error::host_not_found;
  for (const Protocol::endpoint& endpoint : endpoints_) {
    if (aborted_) co_return asio::error::operation_aborted;
    stream_.emplace(executor_);
    stream_->expires_at(deadline);
    co_await stream_->async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      if (endpoint.protocol().family() != AF_UNIX) {
        error_code ignored;  // slower, not wrong
        stream_->socket().set_option(asio::ip::tcp::no_delay(true), ignored);
      }
      co_return error;
    }
    stream_.reset();
    if (error == beast::error::timeout) co_return error;
  }
  co_return error;
}

asio::awaitable<TryResult> Connection::Send(HttpRequest& request,
                                            std::chrono::milliseconds timeout) {
  TryResult result;
  if (aborted_) {
    result.message = kAbortedMessage;
    co_return result;
  }
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  result.reused_connection = stream_.has_value();
  if (!stream_) {
    const error_code error = co_await Connect(deadline);
    if (error) {
      result.end = EndOf(error, TryEnd::kNotConnected);
      result.message = error.message();
    }
  } else {
    stream_->expires_at(deadline);
  }
  if (stream_) co_await Exchange(request, result);
  if (result.end == TryEnd::kTimedOut) {
    result.message = "no whole answer within " + std::to_string(timeout.count()) + " ms";
  } else if (result.end == TryEnd::kAborted) {
    result.message = kAbortedMessage;
  }
  co_return result;
}

asio::awaitable<void> Connection::Exchange(HttpRequest& request, TryResult& result) {
  error_code write_error;
  const std::size_t sent = co_await http::async_write(
      *stream_, request, asio::redirect_error(asio::use_awaitable, write_error));

  // Read even when writing broke off: a server may refuse a body before it has read all of it.
  http::response_parser<http::string_body> answer;
  answer.body_limit(kMaxAnswerBytes);
  error_code error;
  if (write_error == beast::error::timeout || write_error == asio::error::operation_aborted) {
    error = write_error;
  } else {
    co_await http::async_read(*stream_, buffer_, answer,
                              asio::redirect_error(asio::use_awaitable, error));
  }

  if (!error) {
    result.end = TryEnd::kAnswered;
    result.status = answer.get().result_int();
    result.retry_after = RetryAfter(answer.get()[http::field::retry_after]);
    result.body = std::move(answer.get().body());
    // More bytes than the answer has: whose they are is not known, so no request may follow.
    const bool keep = answer.get().keep_alive() && !write_error && buffer_.size() == 0;
    if (!keep) stream_.reset();
  } else {
    const bool answer_began = answer.got_some() || buffer_.size() > 0;
    const bool broke_off = error == http::error::end_of_stream ||
                           error == http::error::partial_message ||
                           error.category() == boost::system::system_category();
    TryEnd otherwise = TryEnd::kNotHttp;
    if (!answer_began) {
      otherwise = sent == 0 ? TryEnd::kNothingSent : TryEnd::kClosedBeforeAnswer;
    } else if (broke_off) {
      otherwise = TryEnd::kCutShort;
    }
    result.end = EndOf(error, otherwise);
    result.message = (write_error ? write_error : error).message();
    stream_.reset();
  }
  if (!stream_) buffer_.clear();
}

TryEnd Connection::EndOf(error_code error, TryEnd otherwise) const {
  if (aborted_) return TryEnd::kAborted;
  return error == beast::error::timeout ? TryEnd::kTimedOut : otherwise;
}

void Connection::Abort() {
  aborted_ = true;
  if (stream_) stream_->cancel();
}

}  // namespace forkcast::client
