#pragma once

#include "serving/access/ended_sessions.hpp"
#include "serving/access/login_attempts.hpp"
#include "serving/access/random_bytes.hpp"
#include "serving/access/session.hpp"

namespace forkcast::serving {

/// What the workers of a server share of who is logged in: made by the master, in memory that all
/// that it forks have. The key is written before that, and is that of this start of the server:
/// nothing on a disk makes a session, and all end with the server.
struct LoginMemory {
  /// Throws std::system_error.
  LoginMemory() { FillRandom(key); }

  SessionKey key{};
  EndedSessions ended;
  LoginAttempts attempts;
};

}  // namespace forkcast::serving
