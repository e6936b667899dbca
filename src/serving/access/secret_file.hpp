#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

// A file that says whose word counts: of tokens, of users. Nobody but its owner may write it, or he
// gives himself any role; nobody else need read it.

/// What the file holds. kIo naming it when it cannot be read, kInvalidArgument when it is none that
/// its owner alone may write. `setting` is the field of errors.
[[nodiscard]] Result<std::string> ReadSecretFile(const std::filesystem::path& path,
                                                 std::string_view setting);

/// Whether a change begins with nothing where there is no file.
enum class WhenAbsent { kBegin, kFail };

/// Reads the file, has `change` make another text of it (none: there was no file), and puts that in
/// its place: whole, or not at all, whoever else does the same at that time. It gets mode 0600, and
/// keeps its owner. An error of `change` leaves it as it is.
[[nodiscard]] Status ChangeSecretFile(
    const std::filesystem::path& path, std::string_view setting, WhenAbsent when_absent,
    const std::function<Result<std::string>(const std::optional<std::string>& text)>& change);

}  // namespace forkcast::serving
