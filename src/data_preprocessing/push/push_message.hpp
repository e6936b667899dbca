#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/result.hpp"

// What a server asks of the refresher that fills its store, and what that answers. A request is one
// message on a SOCK_SEQPACKET socket, which all workers share, with two descriptors: a memory file
// with the body, and the other end of a socket made for this request, on which the answer is one
// message. So an answer needs no number to find who waits for it, the end of either process is the
// end of the socket, and a request that nobody has taken yet waits for the next refresher.
namespace forkcast::preprocessing {

/// By which whoever starts a follower hands it the socket.
inline constexpr const char* kPushVariable = "FORKCAST_PUSH_FD";

struct PushRequest {
  enum class Kind : std::uint8_t {
    kRows,    ///< The body is rows.
    kTables,  ///< What is there?
    kReset,   ///< The tables are to be as their original files.
  };
  Kind kind = Kind::kRows;
  std::string table{};  ///< Of kRows.
  std::string content_type{};
  std::string key{};     ///< By which the same request is known again; empty: none.
  bool partial = false;  ///< Bad rows are left out, and the others taken.
  bool check = false;    ///< Only what would come of it: nothing is stored.

  friend bool operator==(const PushRequest&, const PushRequest&) = default;
};

struct PushReply {
  std::optional<Error> error{};  ///< None: done.
  /// A JSON object: the answer, or what more there is to be said of the error.
  std::string json = "{}";
  std::size_t rows = 0;      ///< Taken, and committed.
  std::size_t left_out = 0;  ///< Bad ones.
};

/// Both ends of the way from workers to refresher: `.first` is the workers'. Throws
/// std::system_error.
[[nodiscard]] std::pair<Fd, Fd> MakePushSockets();

/// Without waiting; false: the queue is full, or something is wrong with a descriptor.
[[nodiscard]] bool SendPush(int socket, const PushRequest& request, int body, int reply);

struct ReceivedPush {
  PushRequest request;
  Fd body;
  Fd reply;

  /// Whether somebody waits for the reply still.
  [[nodiscard]] bool is_waited_for() const noexcept;
  /// Without waiting. Who is gone is not told.
  void Answer(const PushReply& answer) const noexcept;
};
/// Without waiting; none: nothing is there. What is no request is passed over.
[[nodiscard]] std::optional<ReceivedPush> ReceivePush(int socket);

/// The reply on `socket`. kNotReady when the other end is gone; none: not yet there.
[[nodiscard]] std::optional<Result<PushReply>> ReceivePushReply(int socket);

/// All of a memory file. kIo.
[[nodiscard]] Result<std::string> ReadBody(int file);
/// A memory file with these bytes. kIo.
[[nodiscard]] Result<Fd> MakeBody(std::string_view bytes);
/// Adds bytes at its end. kIo.
[[nodiscard]] Status AppendToBody(int file, std::string_view bytes);

}  // namespace forkcast::preprocessing
