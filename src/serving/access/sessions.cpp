#include "serving/access/sessions.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "serving/access/login_memory.hpp"
#include "serving/access/password.hpp"
#include "serving/access/user_file.hpp"

namespace forkcast::serving {
namespace {

/// A browser gets its session anew when a quarter of the time has passed: often enough, and not
/// with each of the requests of a page that come together.
constexpr int kRenewals = 4;

}  // namespace

Sessions::Sessions(Options options, LoginMemory& memory, const Clock& clock, spdlog::logger& log)
    : options_(std::move(options)),
      memory_(memory),
      clock_(clock),
      log_(log),
      users_(options_.users, ReadUsers) {}

std::string_view Sessions::WhyOver(const Session& session, MonotonicTime now) const noexcept {
  if (now - session.begun >= options_.lifetime) return "the session is over: log in again";
  if (now - session.renewed >= options_.idle) {
    return "nothing was asked for a while, and the session is over: log in again";
  }
  if (memory_.ended.Has(session)) return "the session was ended: log in again";
  return {};
}

Sessions::Shown Sessions::Show(std::string_view cookie) {
  using State = Shown::State;
  std::optional<Session> session = Unseal(cookie, memory_.key);
  if (!session) return {.why = "the session is not one of this server's: log in again"};
  const MonotonicTime now = clock_.Monotonic();
  if (const std::string_view why = WhyOver(*session, now); !why.empty()) return {.why = why};
  if (!LookAtUsers()) return {.state = State::kUnavailable};
  const User* const user = FindUser(users_.contents(), session->user);
  if (user == nullptr || user->stamp != session->stamp) {
    return {.why = "the user was changed, and the session is over: log in again"};
  }
  Shown shown{.state = State::kGood, .user = user, .session = *std::move(session)};
  if (now - shown.session.renewed >= options_.idle / kRenewals) {
    shown.session.renewed = now;
    shown.renewed = Seal(shown.session, memory_.key);
  }
  return shown;
}

Sessions::Door Sessions::Knock(const Attempt& attempt) {
  using State = Door::State;
  const std::chrono::seconds wait = memory_.attempts.Take(attempt, memory_.key, clock_.Monotonic());
  if (wait.count() > 0) return {.state = State::kTooOften, .wait = wait};
  if (!LookAtUsers()) {
    TakeBack(attempt);
    return {.state = State::kUnavailable};
  }
  const User* const user = FindUser(users_.contents(), attempt.name);
  if (user == nullptr) return {.hash = std::string(NobodysHash())};
  return {.hash = user->password, .stamp = user->stamp};
}

void Sessions::TakeBack(const Attempt& attempt) { memory_.attempts.GiveBack(attempt, memory_.key); }

std::optional<Sessions::Begun> Sessions::Begin(const Attempt& attempt, const Door& door) {
  TakeBack(attempt);  // a good one does not count, either
  const User* const user = LookAtUsers() ? FindUser(users_.contents(), attempt.name) : nullptr;
  if (user == nullptr || user->stamp != door.stamp) return std::nullopt;
  const MonotonicTime now = clock_.Monotonic();
  Begun begun{.session = {.id = NewStamp(),
                          .stamp = user->stamp,
                          .begun = now,
                          .renewed = now,
                          .user = user->name},
              .role = user->role};
  begun.cookie = Seal(begun.session, memory_.key);
  log_.info("logged_in user={:?} from={:?}", user->name, attempt.address);
  return begun;
}

void Sessions::NoteRefused(const Attempt& attempt, const Door& door) {
  // What nobody is called may be a password that was typed into the wrong field.
  const std::string_view name = door.stamp == 0 ? std::string_view() : attempt.name;
  if (const auto held_back = refusals_.Pass(clock_.Monotonic())) {
    log_.warn("login_refused user={:?} from={:?} suppressed={}", name, attempt.address, *held_back);
  }
}

void Sessions::End(const Session& session) noexcept {
  memory_.ended.End(session, session.begun + options_.lifetime, clock_.Monotonic());
}

std::string Sessions::CsrfToken(const Session& session) const {
  return CsrfTokenOf(session, memory_.key);
}

bool Sessions::HasUsers() { return LookAtUsers() && !users_.contents().empty(); }

bool Sessions::LookAtUsers() {
  using Look = WatchedFile<std::vector<User>>::Look;
  switch (users_.LookAgain()) {
    case Look::kSame:
      return true;
    case Look::kNew:
      log_.info("users_read path={:?} users={}", users_.path().string(), users_.contents().size());
      return true;
    case Look::kUnreadable:
      break;
  }
  if (const auto held_back = failures_.Pass(clock_.Monotonic())) {
    log_.error("users_unreadable error={:?} suppressed={}", users_.error().message, *held_back);
  }
  return false;
}

}  // namespace forkcast::serving
