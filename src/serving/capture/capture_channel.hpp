#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "data_preprocessing/base/fd.hpp"
#include "serving/capture/capture_message.hpp"

namespace forkcast::serving {

/// Both ends of the way from workers to recorder, made before the first fork: `.first` is the
/// workers', shared by all of them, `.second` the recorder's. Throws std::system_error.
[[nodiscard]] std::pair<Fd, Fd> MakeCaptureSockets();

/// The greatest message that fits into one datagram; a greater one goes through a memory file.
inline constexpr std::size_t kMaxDatagramBytes = 65536;

/// Sends capture messages without ever waiting (FORMAT.md, "On the socket"). Not thread-safe.
class CaptureSender {
 public:
  /// `socket` stays the caller's and must outlive this object.
  explicit CaptureSender(int socket);

  /// True when the message is in the recorder's queue; false when the queue is full, the recorder
  /// gone, four great messages are unread, or the message is over kMaxCaptureBytes. A message of up
  /// to kMaxDatagramBytes allocates nothing.
  [[nodiscard]] bool Send(const CaptureTarget& target, const Invocation& invocation) noexcept;

 private:
  [[nodiscard]] bool SendInMemoryFile(const CaptureTarget& target, const Invocation& invocation,
                                      std::size_t size) noexcept;
  [[nodiscard]] Fd* FreeMemoryFile() noexcept;

  int socket_;
  std::vector<std::byte> datagram_;
  std::array<Fd, 4> memory_files_;
};

/// Receives what CaptureSender sends. Not thread-safe.
class CaptureReceiver {
 public:
  /// `socket` stays the caller's and must outlive this object.
  explicit CaptureReceiver(int socket);

  enum class Outcome {
    kMessage,  ///< message() holds it until the next Receive().
    kDamaged,  ///< Something arrived that is no message of ours; it is gone.
    kNothing,  ///< Nothing is there now.
    kClosed,   ///< Nothing is there and no sender is left.
  };
  /// Takes the next message, without waiting. Throws std::system_error when the socket fails.
  Outcome Receive();
  [[nodiscard]] std::span<const std::byte> message() const noexcept { return message_; }

 private:
  [[nodiscard]] bool ReadMemoryFile(int file);

  int socket_;
  std::vector<std::byte> datagram_;
  std::vector<std::byte> great_;  // a message that came through a memory file
  std::span<const std::byte> message_;
};

}  // namespace forkcast::serving
