#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
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

  /// A message on its way, in slices of about a quarter of a millisecond, so that whoever sends has
  /// its other work between. Must not outlive its sender.
  class Transfer {
   public:
    Transfer(CaptureSender& sender, const CaptureTarget& target, const Invocation& invocation);
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    enum class Progress {
      kMore,
      kSent,  ///< It is in the recorder's queue.
      kLost,  ///< As Send() says.
    };
    /// What `invocation` views must be there as long as there is more.
    Progress Continue() noexcept;

   private:
    bool WriteSlice();
    bool Finish() noexcept;

    CaptureSender& sender_;
    Fd file_;
    CaptureEncoder encoder_;
    std::string slice_;
    std::size_t written_ = 0;
    bool more_ = true;
  };

  /// True when the message is in the recorder's queue; false when the queue is full, the recorder
  /// gone, four great messages are unread, or the message is over kMaxCaptureBytes. A message of up
  /// to kMaxDatagramBytes allocates nothing.
  [[nodiscard]] bool Send(const CaptureTarget& target, const Invocation& invocation) noexcept;

 private:
  /// Hands the file to the recorder, and keeps it to be used again.
  [[nodiscard]] bool SendMemoryFile(Fd file) noexcept;
  /// A memory file that nobody else has, or none.
  [[nodiscard]] Fd TakeMemoryFile() noexcept;

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
