#include "serving/access/access.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace forkcast::serving {
namespace {

using Asked = AccessRule::Asked;

constexpr std::array<AccessRule, 6> kRules{{
    {Access::kOpen, "health", Asked::kNever, Role::kViewer},
    {Access::kLogIn, "sessions", Asked::kNever, Role::kViewer},
    {Access::kInvoke, "invocations", Asked::kIfLocked, Role::kViewer},
    {Access::kWatch, "metrics", Asked::kIfLocked, Role::kViewer},
    {Access::kChange, "changes", Asked::kAlways, Role::kOperator},
    {Access::kAdminister, "administration", Asked::kAlways, Role::kAdmin},
}};

constexpr std::array<std::pair<Role, std::string_view>, 3> kRoles{
    {{Role::kViewer, "viewer"}, {Role::kOperator, "operator"}, {Role::kAdmin, "admin"}}};

}  // namespace

std::span<const AccessRule> AccessRules() noexcept { return kRules; }

const AccessRule& RuleOf(Access access) noexcept {
  return kRules[static_cast<std::size_t>(access)];
}

bool Proofs::AreAskedFor(Access access) const noexcept {
  switch (RuleOf(access).asked) {
    case Asked::kNever:
      return false;
    case Asked::kIfLocked:
      return std::ranges::find(locked, access) != locked.end();
    case Asked::kAlways:
      return true;
  }
  return true;
}

std::string_view WordFor(Role role) noexcept {
  return kRoles[static_cast<std::size_t>(role)].second;
}

std::optional<Role> RoleOf(std::string_view word) noexcept {
  const auto found = std::ranges::find(kRoles, word, &std::pair<Role, std::string_view>::second);
  return found == kRoles.end() ? std::nullopt : std::optional(found->first);
}

}  // namespace forkcast::serving
