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
#include "serving/access/token.hpp"

namespace spdlog {
class logger;
}

namespace forkcast::serving {

/// May this caller do this? What the gate is told of a request.
struct Question {
  Access access = Access::kAdminister;
  Hosts hosts = Hosts::kAllowed;
  std::string_view host{};  ///< Under which the caller knows us.
  SentField authorization{};
  std::string_view origin{};  ///< Of the web page that asks; empty: it is no page's browser.
  bool is_local = false;      ///< Over a Unix socket or loopback, and for nobody else.
};

struct Admission {
  enum class Outcome : std::uint8_t {
    kAllowed,
    kMalformed,    ///< Nobody can say who asks.
    kUnknown,      ///< Who asks has not shown it, or is nobody we know (any more).
    kForbidden,    ///< Who asks is known, and may not.
    kWrongHost,    ///< It was meant for another host.
    kUnavailable,  ///< The tokens cannot be read, so that nobody is known.
  };

  Outcome outcome = Outcome::kAllowed;
  std::string message{};      ///< Unless it is allowed.
  std::string_view field{};   ///< The header concerned; a static text.
  std::string_view reason{};  ///< RFC 6750's word for it, where there is one.
  std::string_view who{};     ///< The token's name, as long as nothing else is asked.
  std::optional<Role> role{};

  [[nodiscard]] bool allowed() const noexcept { return outcome == Outcome::kAllowed; }
};

/// Decides, by AccessRules() and the tokens file, who may do what. Without a tokens file nobody can
/// show who it is: then what changes something is for this machine alone, and not for web pages.
/// With one, for whoever has a token, wherever it is. One a worker, for its loop.
///
/// The file is looked at for each caller that has to show who it is, so that who has been revoked
/// is refused from the next request on, by all workers. It is the one file that a request
/// waits for: it belongs on a disk of the machine's own. While it cannot be read, or is not whole,
/// nobody is let in.
class Gate {
 public:
  struct Options {
    std::filesystem::path tokens{};            ///< Empty: there are none.
    std::vector<Access> locked{};              ///< Of those that are asked for if locked.
    std::vector<std::string> allowed_hosts{};  ///< ParseAllowedHost(); empty: all.
  };
  /// Clock and log outlive the gate.
  Gate(Options options, const Clock& clock, spdlog::logger& log);
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// Whether there is anything to ask before such an endpoint.
  [[nodiscard]] bool Guards(Access access, Hosts hosts) const noexcept;

  [[nodiscard]] Admission Ask(const Question& question);

 private:
  /// What tells one content of the file from another.
  struct Version {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t changed_ns = 0;
    friend bool operator==(const Version&, const Version&) = default;
  };

  [[nodiscard]] bool TakesProof(Access access) const noexcept;
  /// Of a caller that need not, or cannot, show who it is.
  [[nodiscard]] static Admission AskLocal(const Question& question);
  [[nodiscard]] Admission AskToken(const Question& question);
  /// Reads the file if it is another than before. False: it cannot be read.
  bool LookAtTokens();

  Options options_;
  const Clock& clock_;
  spdlog::logger& log_;
  std::optional<Version> seen_;
  bool is_good_ = false;
  std::vector<Token> tokens_;
  LogLimiter failures_;
};

}  // namespace forkcast::serving
