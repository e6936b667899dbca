#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace forkcast::client {

/// How one try of a request ended.
enum class TryEnd {
  kAnswered,            ///< A whole HTTP answer, of any status.
  kNotConnected,        ///< The name was not found, or the connection refused.
  kNothingSent,         ///< The connection broke before a byte of the request was sent.
  kClosedBeforeAnswer,  ///< The connection broke before a byte of the answer came.
  kCutShort,            ///< The connection broke within the answer.
  kNotHttp,             ///< What came is not an HTTP answer, or a longer one than we take.
  kTimedOut,
  kAborted,  ///< We were told to stop.
};

/// Name of a failed end in results, such as "timed_out". Precondition: not kAnswered.
[[nodiscard]] std::string_view ToString(TryEnd end) noexcept;

struct TryResult {
  TryEnd end = TryEnd::kAborted;
  bool reused_connection = false;  ///< The connection had carried a request before.
  unsigned status = 0;             ///< HTTP status, when answered.
  std::string body{};
  std::optional<std::chrono::seconds> retry_after{};  ///< What the answer's header said.
  std::string message{};                              ///< What went wrong, when not answered.
};

struct RetryRules {
  int max_tries = 3;
  std::chrono::milliseconds first_delay{100};  ///< Four times as long before each further try.
  std::chrono::milliseconds max_retry_after{5000};
};

/// How long to wait before the request is sent again; none when it must not be, or was tried often
/// enough. `tries_made` counts this one.
[[nodiscard]] std::optional<std::chrono::milliseconds> RetryDelay(const RetryRules& rules,
                                                                  const TryResult& result,
                                                                  int tries_made) noexcept;

}  // namespace forkcast::client
