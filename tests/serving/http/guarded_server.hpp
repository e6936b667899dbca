#pragma once

#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "serving/access/gate.hpp"
#include "serving/access/login_memory.hpp"
#include "serving/access/password.hpp"
#include "serving/access/sessions.hpp"
#include "serving/access/token_file.hpp"
#include "serving/access/user_file.hpp"
#include "serving/http/audit_log.hpp"
#include "serving/http/guarded_job.hpp"
#include "serving/http/request_reader.hpp"
#include "serving/http/router.hpp"
#include "serving/process/worker_slot.hpp"
#include "support/test_clock.hpp"
#include "support/test_files.hpp"
#include "support/test_series.hpp"

namespace forkcast::serving {

/// What these endpoints work with: they note that they were reached.
struct Service {
  std::vector<std::string> done;
};

/// Done in as many slices as the query's `slices` says; `throws`: with an exception.
class NotingJob final : public Job {
 public:
  explicit NotingJob(Service& service) : service_(service) {}

  Status Begin(Exchange& exchange) override {
    exchange_ = &exchange;
    if (exchange.request().query == "unfit") return Error{ErrorCode::kConflict, "not now"};
    is_first_ = true;
    return {};
  }
  Progress Work() override {
    const std::string_view query = exchange_->request().query;
    if (query == "throws") throw std::runtime_error("a bug at /srv/secret.cpp:7");
    if (query == "waits" && std::exchange(is_first_, false)) return Progress::kWaits;
    service_.done.emplace_back(exchange_->endpoint().operation);
    exchange_->response().body = "done";
    return Progress::kDone;
  }

 private:
  Service& service_;
  Exchange* exchange_ = nullptr;
  bool is_first_ = true;
};

/// Routes of the server, by what they let callers do (serving/endpoints/endpoint_table.cpp).
inline constexpr std::array kGuarded{
    Endpoint{.path = "/ping",
             .operation = "ping",
             .access = Access::kOpen,
             .hosts = Hosts::kAny,
             .make = MakeJob<NotingJob>},
    Endpoint{.method = Method::kPost,
             .path = "/invocations",
             .operation = "invoke",
             .access = Access::kInvoke,
             .hosts = Hosts::kAny,
             .load = Load::kWork,
             .make = MakeJob<NotingJob>},
    Endpoint{.method = Method::kPost,
             .path = "/endpoints/{name}/invocations",
             .operation = "invokeEndpoint",
             .access = Access::kInvoke,
             .load = Load::kWork,
             .errors = ErrorForm::kSageMaker,
             .make = MakeJob<NotingJob>},
    Endpoint{.path = "/metrics",
             .operation = "metrics",
             .access = Access::kWatch,
             .make = MakeJob<NotingJob>},
    Endpoint{.path = "/models",
             .operation = "listModels",
             .access = Access::kWatch,
             .load = Load::kWork,
             .errors = ErrorForm::kModels,
             .make = MakeJob<NotingJob>},
    Endpoint{.method = Method::kPost,
             .path = "/models",
             .operation = "loadModel",
             .access = Access::kChange,
             .load = Load::kWork,
             .errors = ErrorForm::kModels,
             .make = MakeJob<NotingJob>},
    Endpoint{.method = Method::kDelete,
             .path = "/models/{name}",
             .operation = "unloadModel",
             .access = Access::kChange,
             .load = Load::kWork,
             .errors = ErrorForm::kModels,
             .make = MakeJob<NotingJob>},
    Endpoint{.method = Method::kPost,
             .path = "/tables/reset",
             .operation = "resetTables",
             .access = Access::kAdminister,
             .load = Load::kWork,
             .make = MakeJob<NotingJob>},
    Endpoint{.path = "/session",
             .operation = "showSession",
             .access = Access::kLogIn,
             .load = Load::kWork,
             .make = MakeJob<NotingJob>},
    Endpoint{.method = Method::kPost,
             .path = "/session",
             .operation = "logIn",
             .access = Access::kLogIn,
             .load = Load::kWork,
             .make = MakeJob<NotingJob>},
    Endpoint{.method = Method::kDelete,
             .path = "/session",
             .operation = "logOut",
             .access = Access::kLogIn,
             .load = Load::kWork,
             .make = MakeJob<NotingJob>},
    Endpoint{.method = Method::kPost,
             .path = "/tables/{name}/rows",
             .operation = "pushRows",
             .access = Access::kChange,
             .load = Load::kWork,
             .make = MakeJob<NotingJob>},
};

/// A worker's reader, router, gate and audit log without its sockets.
class GuardedServer {
 public:
  static constexpr Instant kNow{std::chrono::hours(500'000)};
  static constexpr std::string_view kFromOutside = "203.0.113.9";

  GuardedServer() { clock_.SetNow(kNow); }

  /// Makes a token, and says what its bearer shows.
  std::string NewToken(const std::string& name, Role role,
                       std::optional<Instant> expires = std::nullopt,
                       std::optional<Instant> revoked = std::nullopt) {
    const std::string secret = NewSecret();
    secrets_.push_back(secret);
    const auto add = [&](std::vector<Token>& tokens) -> Status {
      tokens.push_back({.name = name,
                        .role = role,
                        .hash = HashOf(secret),
                        .expires = expires,
                        .revoked = revoked});
      return {};
    };
    EXPECT_TRUE(ChangeTokens(tokens(), WhenAbsent::kBegin, add));
    return secret;
  }

  /// Makes a user, whose password is nobody's: LogIn() asks for none.
  void NewUser(const std::string& name, Role role) {
    const auto add = [&](std::vector<User>& users) -> Status {
      users.push_back({.name = name,
                       .role = role,
                       .password = std::string(NobodysHash()),
                       .stamp = NewStamp()});
      return {};
    };
    EXPECT_TRUE(ChangeUsers(users(), WhenAbsent::kBegin, add));
  }
  void RemoveUser(const std::string& name) {
    const auto remove = [&](std::vector<User>& users) -> Status {
      std::erase_if(users, [&name](const User& user) { return user.name == name; });
      return {};
    };
    EXPECT_TRUE(ChangeUsers(users(), WhenAbsent::kFail, remove));
  }
  /// Once it has been started.
  Sessions::Begun LogIn(const std::string& name) {
    const Attempt attempt{.name = name};
    Sessions::Begun begun = sessions_->Begin(attempt, sessions_->Knock(attempt)).value();
    secrets_.push_back(begun.cookie);
    return begun;
  }
  [[nodiscard]] Sessions& sessions() { return *sessions_; }

  /// From now on; tokens and users are used where there are some.
  void Start(std::vector<Access> locked = {}, std::vector<std::string> allowed_hosts = {}) {
    const bool has_tokens = std::filesystem::exists(tokens());
    const bool has_users = std::filesystem::exists(users());
    if (has_users) sessions_.emplace(Sessions::Options{.users = users()}, *logins_, clock_, log_);
    gate_.emplace(Gate::Options{.tokens = has_tokens ? tokens() : "",
                                .locked = std::move(locked),
                                .allowed_hosts = std::move(allowed_hosts),
                                .sessions = has_users ? &*sessions_ : nullptr},
                  clock_, log_);
    audit_.emplace(AuditLog::Open(audit_path(), losses_).value());
    guards_.emplace(
        Guards{.gate = *gate_, .audit = &*audit_, .trusted_proxies = trusted_, .clock = clock_});
    router_.emplace(kGuarded, service_, slot_, series_.writer, log_, 7, CorsPolicy{}, &*guards_);
  }

  /// Answers the bytes of one request, as a connection from `address` (empty: a Unix socket) would.
  const Response& Send(std::string_view bytes, std::string_view address = kFromOutside) {
    reader_.emplace(RequestLimits{}, clock_);
    response_.Clear();
    while (true) {
      const RequestReader::Progress progress = reader_->Parse();
      if (progress == RequestReader::Progress::kRequest) break;
      if (progress == RequestReader::Progress::kFault) {
        router_->AnswerFault(reader_->fault(), reader_->Glimpse(), response_);
        return response_;
      }
      if (bytes.empty()) throw std::logic_error("the request is not whole");
      const auto room = reader_->Prepare();
      const std::size_t taken = std::min(room.size(), bytes.size());
      std::memcpy(room.data(), bytes.data(), taken);
      reader_->Commit(taken);
      bytes.remove_prefix(taken);
    }
    reader_->request().retry_after = retry_after;
    exchange_.emplace();
    exchange_->SetPeer({.address = address, .is_unix = address.empty(), .reader = &*reader_});
    progress_ = router_->Start(reader_->request(), response_, *exchange_);
    return response_;
  }
  void GoOn() { progress_ = router_->Continue(*exchange_); }
  /// As a connection that is closed.
  void GiveUp() { exchange_.reset(); }

  [[nodiscard]] Progress progress() const noexcept { return progress_; }
  /// What endpoints have done, by their operations.
  [[nodiscard]] const std::vector<std::string>& done() const noexcept { return service_.done; }
  [[nodiscard]] std::string audit() const { return preprocessing::ReadWhole(audit_path()); }
  [[nodiscard]] std::string log() const { return logged_.str(); }
  [[nodiscard]] const std::vector<std::string>& secrets() const noexcept { return secrets_; }
  [[nodiscard]] std::filesystem::path tokens() const { return folder_.path() / "tokens.json"; }
  [[nodiscard]] std::filesystem::path users() const { return folder_.path() / "users.json"; }
  void Pass(MonotonicTime::duration span) { clock_.Set(clock_.Monotonic() + span); }

  TrustedProxies trusted_;
  std::chrono::seconds retry_after{0};

 private:
  [[nodiscard]] std::filesystem::path audit_path() const { return folder_.path() / "audit.log"; }

  preprocessing::TempFolder folder_;
  TestClock clock_;
  std::ostringstream logged_;
  spdlog::logger log_{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(logged_)};
  std::vector<std::string> secrets_;
  Service service_;
  WorkerSlot slot_;
  TestSeries series_;
  LogLosses losses_;
  std::unique_ptr<LoginMemory> logins_ = std::make_unique<LoginMemory>();
  std::optional<Sessions> sessions_;
  std::optional<Gate> gate_;
  std::optional<AuditLog> audit_;
  std::optional<Guards> guards_;
  std::optional<Router> router_;
  std::optional<RequestReader> reader_;
  Response response_;
  std::optional<Exchange> exchange_;
  Progress progress_ = Progress::kDone;
};

}  // namespace forkcast::serving
