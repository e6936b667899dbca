#pragma once

#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "serving/access/login_memory.hpp"
#include "serving/access/password.hpp"
#include "serving/access/sessions.hpp"
#include "serving/access/user_file.hpp"
#include "support/test_clock.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {

/// Users and their sessions, whose passwords nobody looks at: `LogIn()` says that it was right.
class SessionTest : public testing::Test {
 protected:
  static constexpr MonotonicTime kStart{std::chrono::hours(100)};

  SessionTest() {
    clock_.Set(kStart);
    clock_.SetNow(Instant(std::chrono::hours(500'000)));
    SetUsers({Named("viewer", Role::kViewer), Named("operator", Role::kOperator),
              Named("admin", Role::kAdmin)});
  }

  static User Named(const std::string& name, Role role) {
    return {.name = name,
            .role = role,
            .password = std::string(NobodysHash()),
            .stamp = std::hash<std::string>()(name) | 1U};
  }
  [[nodiscard]] std::filesystem::path users() const { return folder_.path() / "users.json"; }
  void SetUsers(const std::vector<User>& users_now) const {
    const auto replace = [&users_now](std::vector<User>& stored) -> Status {
      stored = users_now;
      return {};
    };
    ASSERT_TRUE(ChangeUsers(users(), WhenAbsent::kBegin, replace));
  }
  void ChangeUser(const std::string& name, const std::function<void(User&)>& change) const {
    const auto one = [&](std::vector<User>& stored) -> Status {
      for (User& user : stored) {
        if (user.name == name) change(user);
      }
      return {};
    };
    ASSERT_TRUE(ChangeUsers(users(), WhenAbsent::kFail, one));
  }
  /// Those of another worker, too.
  std::unique_ptr<Sessions> Open() {
    return std::make_unique<Sessions>(Sessions::Options{.users = users()}, *memory_, clock_, log_);
  }
  Sessions::Begun LogIn(Sessions& sessions, const std::string& name) {
    const Attempt attempt{.name = name, .address = "192.0.2.1"};
    return sessions.Begin(attempt, sessions.Knock(attempt)).value();
  }
  void Pass(MonotonicTime::duration span) {
    now_ += span;
    clock_.Set(now_);
  }

  preprocessing::TempFolder folder_;
  TestClock clock_;
  MonotonicTime now_ = kStart;
  std::ostringstream logged_;
  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(logged_)};
  std::unique_ptr<LoginMemory> memory_ = std::make_unique<LoginMemory>();
};

}  // namespace forkcast::serving
