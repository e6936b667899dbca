#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/command/command.hpp"
#include "serving/config/settings.hpp"
#include "support/test_files.hpp"

namespace forkcast::serving {

using Variables = std::map<std::string, std::string>;
using Words = std::vector<std::string>;

/// Parses with pipeline and store given, a config file of text `file` (none when empty), and the
/// variables. "FILE" in an expectation stands for the config file's path.
class Parser {
 public:
  explicit Parser(const std::string& file = {}) {
    if (!file.empty()) config_ = folder_.Write("server.json", file);
  }

  [[nodiscard]] Result<ParsedSettings> Parse(Words arguments, Variables variables = {}) const {
    const Words required{"--pipeline", "p.json", "--store", "sqlite:s.db"};
    arguments.insert(arguments.begin(), required.begin(), required.end());
    return ParseBare(std::move(arguments), std::move(variables));
  }

  [[nodiscard]] Result<ParsedSettings> ParseBare(Words arguments, Variables variables = {}) const {
    if (!config_.empty()) {
      arguments.emplace_back("--config");
      arguments.push_back(config_.string());
    }
    const preprocessing::Command serve{.name = "serve", .meaning = "", .flags = ServeFlags()};
    const Environment environment = [variables](const char* name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    const auto words = preprocessing::ReadArguments(serve, arguments, environment);
    if (!words) return words.error();
    return ReadServerSettings(words->given(), environment);
  }

  /// `text` with the config file's path as FILE.
  [[nodiscard]] std::string Generic(std::string text) const {
    if (config_.empty()) return text;
    for (std::size_t at = text.find(config_); at != std::string::npos; at = text.find(config_)) {
      text.replace(at, config_.native().size(), "FILE");
    }
    return text;
  }

 private:
  preprocessing::TempFolder folder_;
  std::filesystem::path config_;
};

}  // namespace forkcast::serving
