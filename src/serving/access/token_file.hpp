#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/access/secret_file.hpp"
#include "serving/access/token.hpp"

namespace forkcast::serving {

// {"tokens": [{"name": "ci", "role": "operator", "sha256": "64 hexadecimal digits",
//              "created": "2026-11-30T13:00:00.123456Z", "expires": "never", "revoked": null}]}
//
// `expires` is a time or "never", `revoked` a time or null. It holds no secret: it says whose word
// counts, which is why nobody but its owner may write it.

/// The text of such a file. kCorrupt names the place of what is wrong.
[[nodiscard]] Result<std::vector<Token>> ParseTokens(std::string_view text);
[[nodiscard]] std::string ToText(const std::vector<Token>& tokens);

/// kIo naming the file when it cannot be read, kInvalidArgument when others than its owner may
/// write it, kCorrupt.
[[nodiscard]] Result<std::vector<Token>> ReadTokens(const std::filesystem::path& path);

/// Has `change` change what the file holds: see ChangeSecretFile().
[[nodiscard]] Status ChangeTokens(const std::filesystem::path& path, WhenAbsent when_absent,
                                  const std::function<Status(std::vector<Token>&)>& change);

}  // namespace forkcast::serving
