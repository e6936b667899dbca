#pragma once

// "May this caller do this?" has two halves: what an endpoint lets its callers do (Access), and who
// a caller is (Role). They meet in one table, AccessRules(), which docs/access.md shows and a test
// compares; Gate alone decides by it.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace forkcast::serving {

/// Who somebody is to the server. Each may do what those before it may.
enum class Role : std::uint8_t { kViewer, kOperator, kAdmin };

/// What an endpoint lets its callers do.
enum class Access : std::uint8_t {
  kOpen,        ///< Ask whether the server is there: health checks, and platforms around it.
  kLogIn,       ///< Say who they are, and be told so.
  kInvoke,      ///< Have models answer, and read how that is done.
  kWatch,       ///< See how the server, its models and its data are.
  kChange,      ///< Change what is served or stored.
  kAdminister,  ///< Take away what others have brought.
};

/// Under which of the host's names an endpoint is asked.
enum class Hosts : std::uint8_t {
  kAllowed,  ///< Those that the setting `allowed_hosts` lists.
  kAny,      ///< Also those that a platform's health check has for it.
};

/// A row of the table.
struct AccessRule {
  /// When a caller has to show who it is.
  enum class Asked : std::uint8_t { kNever, kIfLocked, kAlways };

  Access access = Access::kAdminister;
  std::string_view name;  ///< As the setting `locked` and the documentation call it.
  Asked asked = Asked::kAlways;
  Role role = Role::kAdmin;  ///< The least that may.
};

/// What callers can show to a server, and where else they have to.
struct Proofs {
  bool tokens = false;           ///< The header Authorization,
  bool sessions = false;         ///< a cookie.
  std::vector<Access> locked{};  ///< Of those that are asked for if locked.

  /// Whether a caller has to show who it is.
  [[nodiscard]] bool AreAskedFor(Access access) const noexcept;
};

/// Every Access once, in their order.
[[nodiscard]] std::span<const AccessRule> AccessRules() noexcept;
[[nodiscard]] const AccessRule& RuleOf(Access access) noexcept;

/// "viewer", "operator" or "admin".
[[nodiscard]] std::string_view WordFor(Role role) noexcept;
/// None for any other word.
[[nodiscard]] std::optional<Role> RoleOf(std::string_view word) noexcept;

}  // namespace forkcast::serving
