#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/environment.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/command/flags.hpp"
#include "serving/config/server_config.hpp"

namespace forkcast::serving {

/// What has to be done for a setting's new value to hold.
enum class Takes {
  kReload,   ///< New workers go by it.
  kRestart,  ///< The master goes by it as long as it lives.
};

/// A variable that others have for what is a setting here.
struct ForeignVariable {
  /// Whether it goes before the setting's own variable, or counts where that is silent.
  enum class Rank { kBeforeOwn, kBehindOwn };

  std::string name;
  Rank rank = Rank::kBehindOwn;
  std::string reading{};  ///< What help says of a value that is not taken as it is.
  /// The setting's value for it; none: as it is.
  std::function<std::string(const std::string& value)> translate{};
};

/// What is known of a setting's values beside the text that says it, for what checks a config file
/// without being the server: an editor.
struct SettingValues {
  std::int64_t least = 0;  ///< Of an integer.
  std::int64_t most = 0;
  std::vector<std::string> words{};  ///< All that a text may be; empty: others, too.
};

/// One setting of the server: a line of the table that command line, environment, config file, help
/// and documentation share.
struct Setting {
  /// What the config file holds for it.
  enum class FileForm { kNotInFile, kBoolean, kInteger, kText, kTextOrList };

  std::string key;          ///< In the config file.
  std::string environment;  ///< Its own variable, "FORKCAST_MAX_ROWS" for "max_rows".
  std::string argument;     ///< What help calls its value.
  std::string meaning;
  std::string allowed;
  /// Applied when nobody gives a value; empty when there is none.
  std::string default_text;
  /// What help says instead of `default_text`, where that depends on machine or other settings.
  std::string default_meaning;
  FileForm form = FileForm::kText;
  Takes takes = Takes::kReload;
  /// Puts one value into the config; of a list, one after the other. The error says what was
  /// expected.
  std::function<Status(const std::string& text, ServerConfig& config)> apply;
  SettingValues values{};
  /// Variables of other servers and of platforms around us that mean the same.
  std::vector<ForeignVariable> foreign{};

  [[nodiscard]] std::string Flag() const;  ///< "--max-rows" for "max_rows".
};

/// The table, in the order of help. Defaults that depend on the machine are looked up.
[[nodiscard]] std::vector<Setting> ServerSettings();

/// Every variable that gives a setting.
[[nodiscard]] std::vector<std::string> SettingVariables();

/// A setting's value as text, and what gave it: "--workers", "MODEL_SERVER_WORKERS", the config
/// file's path, or "default".
struct EffectiveSetting {
  std::string key;
  std::string text;  ///< Empty when it has no value; of a list, with commas between.
  std::string origin;
};

enum class ServerAction {
  kServe,
  kPrintConfig,  ///< PrintConfig(), then exit; pipeline and store may be absent.
  kCheck,        ///< Load what serving needs, then exit.
};

struct ParsedSettings {
  ServerAction action = ServerAction::kServe;
  ServerConfig config;
  std::vector<EffectiveSetting> values;  ///< Of all settings, in the table's order.
};

/// The flags of `forkcast serve`: every setting, with variable, file key and default, and those
/// that ask for something else than serving.
[[nodiscard]] std::vector<preprocessing::Flag> ServeFlags();

/// What holds is the flag, else the environment variable, else the config file, else the default.
/// Relative paths, in the config file as well, are relative to the working directory.
/// kInvalidArgument names setting, value, where it came from and what is allowed; passwords in URLs
/// are blanked there.
Result<ParsedSettings> ReadServerSettings(const preprocessing::FlagValues& flags,
                                          const Environment& environment);

/// The settings that differ and that a reload does not change, by their keys.
[[nodiscard]] std::vector<std::string> ChangedForRestart(const ParsedSettings& running,
                                                         const ParsedSettings& wanted);

/// Every setting with its value and origin, one a line; passwords blanked.
[[nodiscard]] std::string PrintConfig(const ParsedSettings& settings);

/// `text` with `***` in place of the password of a URL (`kind://user:password@host`,
/// `password=...`). Rather blanks too much than too little.
[[nodiscard]] std::string BlankSecrets(std::string_view text);

}  // namespace forkcast::serving
