#include "serving/commands/retrain_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/suggestion.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "model/commands/training_programs.hpp"
#include "serving/commands/retraining.hpp"
#include "serving/config/settings.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::FlagValues;
using preprocessing::Require;
using Words = std::vector<std::string>;

/// Whether `word` is the flag, with its value or before it.
bool IsFlag(std::string_view word, std::string_view flag) {
  return word == flag || (word.starts_with(flag) && word.substr(flag.size()).starts_with('='));
}

bool Has(const Words& words, std::string_view flag) {
  return std::ranges::any_of(words, [flag](const std::string& word) { return IsFlag(word, flag); });
}

/// Takes a flag with its value out of `words`; none when it is not there.
std::optional<std::string> Take(Words& words, std::string_view flag) {
  const auto found =
      std::ranges::find_if(words, [flag](const std::string& word) { return IsFlag(word, flag); });
  if (found == words.end()) return std::nullopt;
  if (found->size() > flag.size()) {
    std::string value = found->substr(flag.size() + 1);
    words.erase(found);
    return value;
  }
  const auto value = std::next(found);
  if (value == words.end()) throw Failure(ExitCode::kUsage, fmt::format("{}: needs a value", flag));
  std::string text = std::move(*value);
  words.erase(found, std::next(value));
  return text;
}

/// The deployment of this name; where a server is told of none, the model of this name.
Deployment FindDeployment(const std::string& name, const ServerConfig& config) {
  if (config.deployments.empty()) {
    const Result<Deployment> model = ParseDeployment(name);
    if (!model) {
      throw Failure(ExitCode::kUsage,
                    fmt::format("--deploy: \"{}\": {}", name, model.error().message));
    }
    return *model;
  }
  const auto found = std::ranges::find(config.deployments, name, &Deployment::name);
  if (found != config.deployments.end()) return *found;
  Words known;
  for (const Deployment& deployment : config.deployments) known.push_back(deployment.name);
  throw Failure(ExitCode::kUsage,
                fmt::format("--deploy: no deployment \"{}\"{} (there are: {})", name,
                            DidYouMean(name, known), fmt::join(known, ", ")));
}

/// What a server would be told by this config file and the environment.
ServerConfig ReadConfig(const std::optional<std::string>& file, const CommandContext& context) {
  FlagValues flags;
  flags["print-config"].emplace_back();  // so that it may lack what serving alone needs
  if (file) flags["config"].push_back(*file);
  return Require(ReadServerSettings(flags, context.environment), ExitCode::kUsage).config;
}

/// In place of `--deploy` and `--config`, what the server's configuration says of the deployment;
/// of what the user says, too, the user's words alone.
Words Reword(const Words& words, const CommandContext& context) {
  Words others = words;
  const auto name = Take(others, "--deploy");
  const auto file = Take(others, "--config");
  if (!name) {
    if (file) throw Failure(ExitCode::kUsage, "--config: only --deploy has something in it");
    return others;
  }
  for (const char* const flag : {"--name", "--alias"}) {
    if (!Has(others, flag)) continue;
    throw Failure(ExitCode::kUsage,
                  fmt::format("{}: the deployment says it; leave it, or --deploy, "
                              "out",
                              flag));
  }
  const ServerConfig config = ReadConfig(file, context);
  const Deployment deployment = FindDeployment(*name, config);
  if (const std::string why = WhyNotRetrained(deployment); !why.empty()) {
    throw Failure(ExitCode::kUsage, fmt::format("--deploy: the deployment \"{}\" {}", *name, why));
  }
  Words all = RetrainWords(deployment, config);
  for (auto flag = all.begin(); flag != all.end();) {
    flag = Has(others, *flag) ? all.erase(flag, flag + 2) : flag + 2;
  }
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

}  // namespace

preprocessing::Command RetrainCommand() {
  preprocessing::Command command = model::RetrainElsewhere();
  command.reword = &Reword;
  return command;
}

}  // namespace forkcast::serving
