// beast-echo PORT: answers every request with its own body, as a server written straight after
// Beast's examples does: one coroutine a connection, http::async_read, http::async_write. The
// yardstick for what the library alone costs.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string_view>
#include <utility>

namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using net::ip::tcp;

net::awaitable<void> Echo(tcp::socket socket) {
  socket.set_option(tcp::no_delay(true));
  boost::beast::flat_buffer buffer;
  try {
    for (bool keep_alive = true; keep_alive;) {
      http::request<http::string_body> request;
      co_await http::async_read(socket, buffer, request, net::use_awaitable);
      http::response<http::string_body> response(http::status::ok, request.version());
      response.set(http::field::content_type, "application/json");
      response.keep_alive(request.keep_alive());
      response.body() = std::move(request.body());
      response.prepare_payload();
      keep_alive = response.keep_alive();
      co_await http::async_write(socket, response, net::use_awaitable);
    }
    socket.shutdown(tcp::socket::shutdown_send);
  } catch (const boost::system::system_error&) {
    // The client has gone.
  }
}

net::awaitable<void> Accept(tcp::acceptor acceptor) {
  while (true) {
    tcp::socket socket = co_await acceptor.async_accept(net::use_awaitable);
    net::co_spawn(acceptor.get_executor(), Echo(std::move(socket)), net::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  const std::string_view given = argc == 2 ? argv[1] : "";
  const auto read = std::from_chars(given.data(), given.data() + given.size(), port);
  if (given.empty() || read.ec != std::errc{} || read.ptr != given.data() + given.size()) {
    std::cerr << "usage: beast-echo PORT\n";
    return 2;
  }
  try {
    net::io_context loop(1);
    tcp::acceptor acceptor(loop, {net::ip::address_v4::loopback(), port});
    net::co_spawn(loop, Accept(std::move(acceptor)), net::detached);
    loop.run();
  } catch (const std::exception& error) {
    std::cerr << "beast-echo: " << error.what() << '\n';
    return 1;
  }
}
