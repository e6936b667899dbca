#include "serving/access/access.hpp"

#include <gtest/gtest.h>

namespace forkcast::serving {
namespace {

TEST(AccessRules, HaveARowOfEachAccessInTheirOrder) {
  std::size_t place = 0;
  for (const AccessRule& rule : AccessRules()) {
    EXPECT_EQ(static_cast<std::size_t>(rule.access), place++) << rule.name;
    EXPECT_EQ(RuleOf(rule.access).name, rule.name);
  }
}

TEST(AccessRules, AlwaysAskForARoleThatMayMoreThanRead) {
  for (const AccessRule& rule : AccessRules()) {
    const bool changes = rule.asked == AccessRule::Asked::kAlways;
    EXPECT_EQ(changes, rule.role > Role::kViewer) << rule.name;
  }
}

TEST(Roles, MayWhatThoseBeforeThemMay) {
  EXPECT_LT(Role::kViewer, Role::kOperator);
  EXPECT_LT(Role::kOperator, Role::kAdmin);
}

TEST(Roles, AreFoundByTheirWord) {
  for (const Role role : {Role::kViewer, Role::kOperator, Role::kAdmin}) {
    EXPECT_EQ(RoleOf(WordFor(role)), role);
  }
  for (const char* const other : {"", "Admin", "root", "admin ", "viewer,admin"}) {
    EXPECT_EQ(RoleOf(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace forkcast::serving
