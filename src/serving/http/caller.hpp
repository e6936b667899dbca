#pragma once

#include <optional>
#include <string>

#include "serving/access/cookie.hpp"
#include "serving/access/gate.hpp"
#include "serving/access/session.hpp"

namespace forkcast::serving {

/// Who asks for what changes something, or to be let in, as far as is known.
struct Caller {
  std::string name{};  ///< The token's or user's; empty: nobody's.
  std::optional<Role> role{};
  Proof proof = Proof::kNone;
  std::optional<Session> session{};  ///< That was shown.
  Channel channel = Channel::kPlain;
  std::string address{};  ///< ClientAddress(); empty of a Unix socket.
};

}  // namespace forkcast::serving
