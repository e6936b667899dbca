#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/flags.hpp"

namespace forkcast::serving {

// What the commands about tokens and those about users are both told.

/// `who`: whose role it is.
[[nodiscard]] inline preprocessing::Flag RoleFlag(std::string_view who) {
  return {.name = "role",
          .argument = "ROLE",
          .meaning = fmt::format("What {} may do: read (viewer), change what is served and stored "
                                 "(operator), everything (admin).",
                                 who),
          .allowed = preprocessing::OneOf({"viewer", "operator", "admin"}),
          .need = preprocessing::Flag::Need::kRequired};
}

/// Throws the Failure of a NAME that nobody can have, `most` being the characters of one.
inline void RequireAccountName(const std::string& name, std::size_t most) {
  if (IsPlainName(name, most)) return;
  throw preprocessing::Failure(
      preprocessing::ExitCode::kUsage,
      fmt::format("NAME: \"{}\": expected 1 to {} letters, digits, '-', '_' and '.', not beginning "
                  "with '.'",
                  name, most));
}

}  // namespace forkcast::serving
