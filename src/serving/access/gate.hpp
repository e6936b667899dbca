#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/log_limiter.hpp"
#include "data_preprocessing/base/result.hpp"
#include "serving/access/access.hpp"
#include "serving/access/bearer.hpp"
#include "serving/access/cookie.hpp"
#include "serving/access/same_origin.hpp"
#include "serving/access/session.hpp"
#include "serving/access/token.hpp"
#include "serving/access/watched_file.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

class Sessions;

/// May this caller do this? What the gate is told of a request.
struct Question {
  /// What it would do to the server.
  enum class Effect : std::uint8_t {
    kNone,      ///< By GET and HEAD.
    kLogIn,     ///< Somebody shows a password: no session, and so no CSRF token, has to be there.
    kAnything,  ///< By any other method.
  };

  Access access = Access::kAdminister;
  Hosts hosts = Hosts::kAllowed;
  Effect effect = Effect::kAnything;
  std::string_view host{};  ///< Under which the caller knows us.
  SentField authorization{};
  SentField cookie{};
  std::string_view csrf_token{};  ///< The header X-CSRF-Token.
  AskingPage page{};              ///< The web page that asks; empty: it is no page's browser.
  Channel channel = Channel::kPlain;
  bool is_local = false;  ///< Over a Unix socket or loopback, and for nobody else.
};

/// How a caller has shown who it is.
enum class Proof : std::uint8_t {
  kNone,
  kLocal,     ///< It is on this machine, where nobody can show more.
  kToken,     ///< By the header Authorization,
  kSession,   ///< by a cookie,
  kPassword,  ///< by logging in with this request.
};

struct Admission {
  enum class Outcome : std::uint8_t {
    kAllowed,
    kMalformed,    ///< Nobody can say who asks.
    kUnknown,      ///< Who asks has not shown it, or is nobody we know (any more).
    kForbidden,    ///< Who asks is known, and may not.
    kNoCsrfToken,  ///< It may be a page of somebody else's that asks in the user's name.
    kWrongHost,    ///< It was meant for another host.
    kUnavailable,  ///< Tokens or users cannot be read, so that nobody is known.
  };

  Outcome outcome = Outcome::kAllowed;
  std::string message{};      ///< Unless it is allowed.
  std::string_view field{};   ///< The header concerned; a static text.
  std::string_view reason{};  ///< RFC 6750's word for it, where there is one.
  std::string_view who{};     ///< The token's or user's name, as long as nothing else is asked.
  std::optional<Role> role{};
  Proof proof = Proof::kNone;
  std::optional<Session> session{};  ///< That was shown, and is good.
  std::string cookie{};              ///< What a browser is to keep in its place; empty: that.

  [[nodiscard]] bool allowed() const noexcept { return outcome == Outcome::kAllowed; }
};

/// Decides, by AccessRules() and the files of tokens and users, who may do what. Without either
/// nobody can show who it is: then what changes something is for this machine alone, and not for
/// web pages. Else it is for whoever has a token or a session, wherever it is. A token goes
/// before a session. One a worker, for its loop.
///
/// A browser sends its session by itself, whoever's page has it ask: what changes something has to
/// come from a page of ours, which shows the session's CSRF token.
///
/// The files are looked at for each caller that has to show who it is, so that who has been revoked
/// is refused from the next request on, by all workers. They are the ones that a request
/// waits for: they belong on a disk of the machine's own. While one cannot be read, or is not
/// whole, nobody in it is let in.
class Gate {
 public:
  struct Options {
    std::filesystem::path tokens{};            ///< Empty: there are none.
    std::vector<Access> locked{};              ///< Of those that are asked for if locked.
    std::vector<std::string> allowed_hosts{};  ///< ParseAllowedHost(); empty: all.
    Sessions* sessions = nullptr;              ///< Null: nobody logs in. Outlives the gate.
  };
  /// Clock and log outlive the gate.
  Gate(Options options, const Clock& clock, spdlog::logger& log);
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// Whether there is anything to ask before such an endpoint.
  [[nodiscard]] bool Guards(Access access, Hosts hosts) const noexcept;

  [[nodiscard]] Admission Ask(const Question& question);

  [[nodiscard]] const Proofs& proofs() const noexcept { return proofs_; }

 private:
  /// Of a caller that need not, or cannot, show who it is.
  [[nodiscard]] static Admission AskLocal(const Question& question);
  /// Of one that may, and need not. Nobody has the role of whom need not show who it is.
  [[nodiscard]] Admission AskWho(const Question& question);
  [[nodiscard]] Admission AskProof(const Question& question, Role least);
  [[nodiscard]] Admission AskToken(const Question& question, Role least);
  [[nodiscard]] Admission AskSession(const Question& question, std::string_view cookie, Role least);
  /// Of a session that is good, whether it is its user who asks.
  [[nodiscard]] Admission CheckPage(const Question& question, Admission admission) const;
  /// False: they cannot be read.
  bool LookAtTokens();

  Options options_;
  const Proofs proofs_;
  const Clock& clock_;
  spdlog::logger& log_;
  WatchedFile<std::vector<Token>> tokens_;
  LogLimiter failures_;
};

}  // namespace forkcast::serving
