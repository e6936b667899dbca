#include "serving/upstream/upstream_connection.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace forkcast::serving {

namespace net = boost::asio;
using net::ip::tcp;

namespace {

constexpr std::size_t kReadBytes = 16384;

}  // namespace

UpstreamConnection::UpstreamConnection(net::io_context& loop, RemoteAddress address,
                                       ResponseReader::Limits limits)
    : address_(std::move(address)), resolver_(loop), socket_(loop), reader_(limits) {}

template <typename Handler>
auto UpstreamConnection::Of(Handler handler) {
  return [self = shared_from_this(), turn = turn_, handler = std::move(handler)](const Error& error,
                                                                                 auto&&... rest) {
    if (turn == self->turn_) handler(error, std::forward<decltype(rest)>(rest)...);
  };
}

void UpstreamConnection::Send(InferenceRequest request, Done done) {
  ++turn_;
  request_ = std::move(request);
  done_ = std::move(done);
  reader_.Next();
  was_kept_ = is_open_;
  if (is_open_) return Write();
  Connect();
}

void UpstreamConnection::Close() {
  ++turn_;
  done_ = nullptr;
  resolver_.cancel();
  EndSocket();
}

void UpstreamConnection::Connect() {
  Error is_name;
  const net::ip::address numeric = net::ip::make_address(address_.host, is_name);
  if (!is_name) return ConnectTo({{numeric, address_.port}});
  resolver_.async_resolve(
      address_.host, std::to_string(address_.port), tcp::resolver::numeric_service,
      Of([this](const Error& error, const tcp::resolver::results_type& found) {
        if (error) {
          return Finish({.end = End::kAway,
                         .problem = fmt::format("{}: {}", address_.host, error.message())});
        }
        ConnectTo({found.begin(), found.end()});
      }));
}

void UpstreamConnection::ConnectTo(const std::vector<tcp::endpoint>& endpoints) {
  net::async_connect(socket_, endpoints, Of([this](const Error& error, const auto&... /*where*/) {
                       if (error) {
                         return Finish({.end = End::kAway, .problem = error.message()});
                       }
                       is_open_ = true;
                       Error ignored;
                       socket_.set_option(tcp::no_delay(true), ignored);
                       Write();
                     }));
}

void UpstreamConnection::Write() {
  const std::array<net::const_buffer, 2> parts{net::buffer(request_.head),
                                               net::buffer(request_.body)};
  net::async_write(
      socket_, parts, Of([this](const Error& error, std::size_t) {
        // A server may answer before it has read all, and close: what it said counts.
        if (error && error != net::error::broken_pipe && error != net::error::connection_reset) {
          return Finish({.end = End::kLost, .problem = error.message()});
        }
        ReadOn();
      }));
}

void UpstreamConnection::ReadOn() {
  socket_.async_read_some(
      net::buffer(reader_.Room(kReadBytes), kReadBytes),
      Of([this](const Error& error, std::size_t bytes) {
        if (error) {
          const bool is_stale = was_kept_ && !reader_.has_begun();
          return Finish({.end = End::kLost,
                         .problem = error == net::error::eof
                                        ? std::string("it closed the connection before its answer "
                                                      "was whole")
                                        : error.message(),
                         .was_stale = is_stale});
        }
        const Result<bool> whole = reader_.Filled(bytes);
        if (!whole) return Finish({.end = End::kMalformed, .problem = whole.error().message});
        if (!*whole) return ReadOn();
        Finish({});
      }));
}

void UpstreamConnection::Finish(const Outcome& outcome) {
  ++turn_;
  if (outcome.end != End::kAnswered || !reader_.keep_alive()) {
    EndSocket();
  } else {
    WatchIdle();
  }
  const auto self = shared_from_this();  // whoever is told may let it go
  const Done done = std::exchange(done_, nullptr);
  if (done) done(outcome);
}

void UpstreamConnection::WatchIdle() {
  // Also what comes unasked ends it: it would be taken for the next answer.
  socket_.async_wait(tcp::socket::wait_read, Of([this](const Error&) { EndSocket(); }));
}

void UpstreamConnection::EndSocket() {
  is_open_ = false;
  Error ignored;
  socket_.close(ignored);
}

}  // namespace forkcast::serving
