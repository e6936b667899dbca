#include "client/retry_rules.hpp"

#include <algorithm>

namespace forkcast::client {

std::string_view ToString(TryEnd end) noexcept {
  switch (end) {
    case TryEnd::kAnswered:
      break;
    case TryEnd::kNotConnected:
      return "not_connected";
    case TryEnd::kNothingSent:
    case TryEnd::kClosedBeforeAnswer:
      return "connection_closed";
    case TryEnd::kCutShort:
      return "answer_cut_short";
    case TryEnd::kNotHttp:
      return "bad_answer";
    case TryEnd::kTimedOut:
      return "timed_out";
    case TryEnd::kAborted:
      return "interrupted";
  }
  return "answered";
}

std::optional<std::chrono::milliseconds> RetryDelay(const RetryRules& rules,
                                                    const TryResult& result,
                                                    int tries_made) noexcept {
  if (tries_made >= rules.max_tries) return std::nullopt;
  std::chrono::milliseconds backoff = rules.first_delay;
  for (int i = 1; i < tries_made; ++i) backoff *= 4;
  switch (result.end) {
    case TryEnd::kNotConnected:
      return backoff;
    case TryEnd::kNothingSent:
    case TryEnd::kClosedBeforeAnswer:
      // A server may close an idle connection at the moment at which we use it again. It has then
      // most likely not read the request; should it have, an invocation changes nothing, so that
      // sending it once more is safe. A new connection has no such excuse: the request itself may
      // have ended its worker, and must not end the next one.
      if (result.reused_connection) return std::chrono::milliseconds{0};
      if (result.end == TryEnd::kNothingSent) return backoff;
      return std::nullopt;
    case TryEnd::kAnswered:
      // Too busy or not ready: refused before any work was done.
      if (result.status != 429 && result.status != 503) return std::nullopt;
      if (!result.retry_after) return backoff;
      // Compared in seconds: what a server names may not fit in milliseconds.
      if (*result.retry_after >= rules.max_retry_after) return rules.max_retry_after;
      return std::chrono::milliseconds(*result.retry_after);
    case TryEnd::kCutShort:
    case TryEnd::kNotHttp:
    case TryEnd::kTimedOut:  // the server may still be at it: more of the same makes it worse
    case TryEnd::kAborted:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace forkcast::client
