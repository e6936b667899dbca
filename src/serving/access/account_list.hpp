#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "serving/access/access.hpp"
#include "serving/access/secret_file.hpp"

namespace forkcast::serving {

// Of lists of accounts, which secret files hold: tokens, users. Within this folder.

/// Members that all accounts have. Throw SpecError with the place of what is wrong.
/// `most`: characters of a name.
[[nodiscard]] std::string ReadAccountName(const preprocessing::JsonNode& node, std::size_t most);
[[nodiscard]] Role ReadRole(const preprocessing::JsonNode& node);
[[nodiscard]] Instant ReadTime(const preprocessing::JsonNode& node);

/// What such a file is: a document, and back.
template <typename Account>
struct AccountList {
  std::string_view setting;  ///< That names the file, the field of errors.
  Result<std::vector<Account>> (*parse)(std::string_view text);
  std::string (*to_text)(const std::vector<Account>& accounts);

  [[nodiscard]] Result<std::vector<Account>> Read(const std::filesystem::path& path) const {
    const Result<std::string> text = ReadSecretFile(path, setting);
    if (!text) return text.error();
    return ParseNaming(path, *text);
  }

  /// See ChangeSecretFile().
  [[nodiscard]] Status Change(const std::filesystem::path& path, WhenAbsent when_absent,
                              const std::function<Status(std::vector<Account>&)>& change) const {
    return ChangeSecretFile(path, setting, when_absent,
                            [&](const std::optional<std::string>& text) -> Result<std::string> {
                              Result<std::vector<Account>> accounts =
                                  text ? ParseNaming(path, *text) : Result(std::vector<Account>());
                              if (!accounts) return std::move(accounts).error();
                              if (Status changed = change(*accounts); !changed) {
                                return std::move(changed).error();
                              }
                              return to_text(*accounts);
                            });
  }

 private:
  /// Names the file in errors.
  [[nodiscard]] Result<std::vector<Account>> ParseNaming(const std::filesystem::path& path,
                                                         std::string_view text) const {
    Result<std::vector<Account>> accounts = parse(text);
    if (accounts) return accounts;
    return Error{ErrorCode::kCorrupt,
                 fmt::format("{}: {}", path.string(), accounts.error().message),
                 std::string(setting)};
  }
};

}  // namespace forkcast::serving
