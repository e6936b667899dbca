#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "serving/access/secret_file.hpp"
#include "serving/access/user.hpp"

namespace forkcast::serving {

// {"users": [{"name": "ana", "role": "operator", "password": "$argon2id$...", "stamp": "16
//             hexadecimal digits", "created": "2026-11-30T13:00:00.123456Z", "changed": "..."}]}
//
// Names differ. It holds no password, but what passwords can be tried against: nobody but its owner
// need read it.

/// The text of such a file. kCorrupt names the place of what is wrong.
[[nodiscard]] Result<std::vector<User>> ParseUsers(std::string_view text);
[[nodiscard]] std::string ToText(const std::vector<User>& users);

/// kIo naming the file when it cannot be read, kInvalidArgument when others than its owner may
/// write it, kCorrupt.
[[nodiscard]] Result<std::vector<User>> ReadUsers(const std::filesystem::path& path);

/// Has `change` change what the file holds: see ChangeSecretFile().
[[nodiscard]] Status ChangeUsers(const std::filesystem::path& path, WhenAbsent when_absent,
                                 const std::function<Status(std::vector<User>&)>& change);

}  // namespace forkcast::serving
