#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/log_limiter.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/access/login_attempts.hpp"
#include "serving/access/session.hpp"
#include "serving/access/user.hpp"
#include "serving/access/watched_file.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

struct LoginMemory;

/// Who may log in, who has, and for how long: begins sessions, takes them when they are shown, and
/// ends them. Whatever the users file says holds from the next request on: a user's new role, and
/// the end of the sessions of who was removed or has another password. One a worker, for its loop.
class Sessions {
 public:
  struct Options {
    std::filesystem::path users{};
    std::chrono::seconds idle{1800};        ///< A session without a request for so long is over.
    std::chrono::seconds lifetime{43'200};  ///< So is one that began so long ago.
  };
  /// The references outlive it.
  Sessions(Options options, LoginMemory& memory, const Clock& clock, spdlog::logger& log);
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  /// What a cookie's value is worth.
  struct Shown {
    enum class State : std::uint8_t {
      kGood,
      kUnknown,      ///< `why` says why.
      kUnavailable,  ///< The users file cannot be read, so that nobody is known.
    };
    State state = State::kUnknown;
    std::string_view why{};
    const User* user = nullptr;  ///< Of a good one, until the next call.
    Session session{};           ///< Likewise.
    std::string renewed{};       ///< What the browser is to keep instead; empty: what it has.
  };
  [[nodiscard]] Shown Show(std::string_view cookie);

  /// What is known before a password is looked at.
  struct Door {
    enum class State : std::uint8_t { kOpen, kTooOften, kUnavailable };
    State state = State::kOpen;
    std::chrono::seconds wait{0};  ///< Of kTooOften.
    std::string hash{};            ///< That the password is to be tried against.
    std::uint64_t stamp = 0;       ///< 0: there is no such user, and nobody is let in.
  };
  /// Counts the attempt, whether there is such a user or not.
  [[nodiscard]] Door Knock(const Attempt& attempt);

  /// That the password of Knock() could not be looked at: the attempt does not count.
  void TakeBack(const Attempt& attempt);

  /// A session, for whom the password of Knock() was right; none when the user has changed since.
  struct Begun {
    Session session{};
    std::string cookie{};
    Role role = Role::kViewer;
  };
  [[nodiscard]] std::optional<Begun> Begin(const Attempt& attempt, const Door& door);

  /// That the password was wrong, or there is no such user: in the log, but for what comes too
  /// often.
  void NoteRefused(const Attempt& attempt, const Door& door);

  /// From now on no worker takes it.
  void End(const Session& session) noexcept;

  [[nodiscard]] std::string CsrfToken(const Session& session) const;

  /// Whether anybody could log in.
  [[nodiscard]] bool HasUsers();

 private:
  bool LookAtUsers();
  [[nodiscard]] std::string_view WhyOver(const Session& session, MonotonicTime now) const noexcept;

  Options options_;
  LoginMemory& memory_;
  const Clock& clock_;
  spdlog::logger& log_;
  WatchedFile<std::vector<User>> users_;
  LogLimiter failures_;
  LogLimiter refusals_;
};

}  // namespace forkcast::serving
