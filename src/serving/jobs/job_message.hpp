#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/result.hpp"

// What workers ask of the trainer, which alone knows the queue of jobs. As with rows that are
// brought (data_preprocessing/push/push_message.hpp) a request is one message on a socket that all
// workers share, with the other end of a socket made for its answer: so nothing needs a number, and
// what nobody has taken waits for the next trainer.
namespace forkcast::serving {

struct JobRequest {
  enum class Kind : std::uint8_t { kSubmit, kList, kShow, kStop, kFollow };
  Kind kind = Kind::kList;
  std::string id{};    ///< Of kShow, kStop and kFollow.
  std::string body{};  ///< Of kSubmit.
  std::string key{};   ///< Of kSubmit: by which it is known again; empty: none.
  std::string by{};    ///< Who asks.
  // Of kList; empty: any.
  std::string state{};
  std::string job_kind{};
  std::string deployment{};
  std::uint64_t limit = 0;
  std::string last_event{};  ///< Of kFollow: the id of the last event that was seen.

  [[nodiscard]] bool writes() const noexcept {
    return kind == Kind::kSubmit || kind == Kind::kStop;
  }

  friend bool operator==(const JobRequest&, const JobRequest&) = default;
};

struct JobReply {
  std::optional<Error> error{};
  std::string text{};   ///< JSON; of kFollow events, as many answers as it takes.
  bool is_new = false;  ///< Of kSubmit.
  std::string id{};     ///< Of kSubmit.
};

/// Both ends of the way from workers to trainer: `.first` is the workers'. Throws
/// std::system_error. Those for an answer are made likewise.
[[nodiscard]] std::pair<Fd, Fd> MakeJobSockets();

/// Without waiting; false: the queue is full, or the request too long.
[[nodiscard]] bool SendJobRequest(int socket, const JobRequest& request, int reply);

struct ReceivedJobRequest {
  JobRequest request;
  Fd reply;
};
/// Without waiting; none: nothing is there. What is no request is passed over.
[[nodiscard]] std::optional<ReceivedJobRequest> ReceiveJobRequest(int socket);

/// Without waiting; false: who asked is gone, or does not listen.
bool SendJobReply(int socket, const JobReply& reply) noexcept;
/// kNotReady when the other end is gone; none: nothing is there yet.
[[nodiscard]] std::optional<Result<JobReply>> ReceiveJobReply(int socket);

/// The text of one answer is at most so long.
inline constexpr std::size_t kMostReplyBytes = 98'304;

}  // namespace forkcast::serving
