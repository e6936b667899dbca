#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "data_preprocessing/base/fd.hpp"

namespace forkcast::serving {

class RequestReader;

/// The socket of one connection, in an epoll set that reports edges: reads and writes what it takes
/// without waiting, and remembers what is known of it, since an edge is reported once. Moves at
/// most kBytesOfATurn before it is the others' turn.
class ConnectionSocket {
 public:
  static constexpr std::size_t kBytesOfATurn = 262144;

  /// A connected, non-blocking stream socket.
  explicit ConnectionSocket(Fd socket) noexcept : socket_(std::move(socket)) {}

  enum class Io : std::uint8_t {
    kDone,
    kGoesOn,      ///< There is more, after the others' turn.
    kWouldBlock,  ///< Until epoll says that it can be read, or written.
    kEnded,       ///< The peer is gone, or nothing can be had of it.
  };
  /// Takes what has come, if any.
  Io Read(RequestReader& reader);
  /// The same, and forgets it.
  Io Discard() noexcept;
  /// What Write() has to write; both are to live until it has.
  void Send(std::string_view head, std::string_view body) noexcept;
  /// Writes what is left of that.
  Io Write() noexcept;
  /// The peer reads the end.
  void EndOutput() noexcept;

  /// Has `epoll` report to `owner` what `events` (EPOLLIN, EPOLLOUT) ask for, if it does not yet.
  /// When it cannot, broken().
  void Watch(int epoll, std::uint32_t events, void* owner) noexcept;
  /// What epoll has said.
  void OnEvents(std::uint32_t events) noexcept;
  /// Whether `events`, as epoll has said them, let Write() go on.
  [[nodiscard]] static bool SayWritable(std::uint32_t events) noexcept;
  /// Whatever is known, trying to read is worth it.
  void AssumeReadable() noexcept { readable_ = true; }
  /// The others have had their turn.
  void BeginTurn() noexcept { moved_ = 0; }

  [[nodiscard]] bool readable() const noexcept { return readable_; }
  [[nodiscard]] bool broken() const noexcept { return broken_; }
  [[nodiscard]] bool has_unsent() const noexcept {
    return !unsent_head_.empty() || !unsent_body_.empty();
  }
  [[nodiscard]] std::size_t unsent_body_bytes() const noexcept { return unsent_body_.size(); }
  [[nodiscard]] bool is_unix() const noexcept;
  /// Of the peer, without its port; empty for a Unix socket.
  [[nodiscard]] std::string PeerAddress() const;

 private:
  Fd socket_;
  std::uint32_t watched_ = 0;
  bool readable_ = true;
  bool ending_ = false;    // the peer's end has been reported: no edge will follow what is read
  bool broken_ = false;    // cannot be watched
  std::size_t moved_ = 0;  // bytes, since others had their turn
  std::string_view unsent_head_;
  std::string_view unsent_body_;
};

}  // namespace forkcast::serving
