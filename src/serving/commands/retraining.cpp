#include "serving/commands/retraining.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "data_preprocessing/command/exit_code.hpp"
#include "data_preprocessing/document/json.hpp"
#include "serving/process/become_program.hpp"

namespace forkcast::serving {
namespace {

constexpr const char* kProgram = "forkcast-train";
constexpr int kLeastPriority = 19;

/// A deployment's model without its version, and that.
struct ModelReference {
  std::string name;
  std::string version;
};
ModelReference ReferenceOf(const Deployment& deployment) {
  const std::size_t mark = deployment.model.find('@');
  if (mark == std::string::npos) return {deployment.model, std::string(kServedAlias)};
  return {deployment.model.substr(0, mark), deployment.model.substr(mark + 1)};
}

bool IsNumber(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool IsProgramThere() {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  return !failed && ::access((self.parent_path() / kProgram).c_str(), X_OK) == 0;
}

Status CheckHook(const nlohmann::ordered_json& hook, const std::string& path,
                 const ServerConfig& config) {
  const auto refuse = [&path](const std::string& why) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{}.on_alarm: {}", path, why), "hooks"};
  };
  const auto watched = hook.value("deployments", std::vector<std::string>());
  for (const Deployment& deployment : config.deployments) {
    if (!watched.empty() && std::ranges::find(watched, deployment.name) == watched.end()) continue;
    if (const std::string why = WhyNotRetrained(deployment); !why.empty()) {
      return refuse(
          fmt::format("the deployment \"{}\" {} (or name those that can in "
                      "\"deployments\" of the hook)",
                      deployment.name, why));
    }
  }
  if (config.store.empty() && config.snapshots.empty()) {
    return refuse("\"store\" is missing: a model is trained anew from the rows in it");
  }
  if (!IsProgramThere()) {
    return refuse(
        fmt::format("the program {} is missing: it is installed beside forkcast", kProgram));
  }
  return {};
}

/// The first deployment of the model, which is what an alarm is of.
const Deployment* FindDeployment(const std::string& model, const ServerConfig& config) {
  const auto found = std::ranges::find(config.deployments, model,
                                       [](const Deployment& one) { return ReferenceOf(one).name; });
  return found == config.deployments.end() ? nullptr : &*found;
}

}  // namespace

std::string WhyNotRetrained(const Deployment& deployment) {
  if (deployment.model.empty()) {
    return "is no model of a registry, which alone can be trained anew";
  }
  if (deployment.model.starts_with(kMlflowScheme)) {
    return "is a model of MLflow's registry: whoever trains it there trains it anew";
  }
  const ModelReference reference = ReferenceOf(deployment);
  if (!IsNumber(reference.version)) return {};
  return fmt::format("serves version {} whatever is promoted: serve {}@{}", reference.version,
                     reference.name, kServedAlias);
}

std::vector<std::string> RetrainWords(const Deployment& deployment, const ServerConfig& config) {
  const ModelReference reference = ReferenceOf(deployment);
  std::vector<std::string> words{"--name", reference.name, "--alias", reference.version};
  const auto add = [&words](const char* flag, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {flag, value});
  };
  add("--models", config.models.string());
  add("--store", config.store);
  const std::filesystem::path& own = deployment.snapshots;
  add("--snapshots", (own.empty() ? config.snapshots : own).string());
  return words;
}

Status CheckRetraining(const ServerConfig& config) {
  if (config.jobs && !IsProgramThere()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the program {} is missing, which jobs need: it is installed beside "
                             "forkcast",
                             kProgram),
                 "jobs"};
  }
  for (const HookConfig& hook : config.hooks) {
    const auto json = preprocessing::ParseJson(hook.json);
    if (hook.type != "drift" || !json.contains("on_alarm")) continue;
    if (Status checked = CheckHook(json, hook.path, config); !checked) return checked;
  }
  return {};
}

int BecomeRetrain(const RetrainWish& wish, const ServerConfig& config) {
  ::setpriority(PRIO_PROCESS, 0, kLeastPriority);
  const Deployment* const deployment = FindDeployment(wish.name, config);
  if (deployment == nullptr) return static_cast<int>(preprocessing::ExitCode::kUsage);
  std::vector<std::string> words{"forkcast", "retrain", "--quiet", "--require-promotion"};
  std::ranges::copy(RetrainWords(*deployment, config), std::back_inserter(words));
  return BecomeForkcast(words);
}

}  // namespace forkcast::serving
