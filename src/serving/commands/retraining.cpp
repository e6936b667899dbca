#include "serving/commands/retraining.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "data_preprocessing/document/json.hpp"
#include "serving/process/process_log.hpp"

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

/// Why a deployment's model cannot be trained anew; empty: it can.
std::string WhyNot(const Deployment& deployment) {
  if (deployment.model.empty()) {
    return "is no model of a registry, which alone can be trained anew";
  }
  const ModelReference reference = ReferenceOf(deployment);
  if (!IsNumber(reference.version)) return {};
  return fmt::format("serves version {} whatever is promoted: serve {}@{}", reference.version,
                     reference.name, kServedAlias);
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
    if (const std::string why = WhyNot(deployment); !why.empty()) {
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

std::vector<std::string> WordsFor(const RetrainWish& wish, const ServerConfig& config) {
  std::vector<std::string> words{"forkcast", "retrain",   "--name", wish.name,
                                 "--models", wish.models, "--quiet"};
  if (!config.store.empty()) words.insert(words.end(), {"--store", config.store});
  std::filesystem::path snapshots = config.snapshots;
  for (const Deployment& deployment : config.deployments) {
    const ModelReference reference = ReferenceOf(deployment);
    if (reference.name != wish.name) continue;
    words.insert(words.end(), {"--alias", reference.version});
    if (!deployment.snapshots.empty()) snapshots = deployment.snapshots;
    break;
  }
  if (!snapshots.empty()) words.insert(words.end(), {"--snapshots", snapshots.string()});
  return words;
}

}  // namespace

Status CheckRetraining(const ServerConfig& config) {
  for (const HookConfig& hook : config.hooks) {
    const auto json = preprocessing::ParseJson(hook.json);
    if (hook.type != "drift" || !json.contains("on_alarm")) continue;
    if (Status checked = CheckHook(json, hook.path, config); !checked) return checked;
  }
  return {};
}

int BecomeRetrain(const RetrainWish& wish, const ServerConfig& config) {
  ::setpriority(PRIO_PROCESS, 0, kLeastPriority);
  for (const int signal : {SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const std::vector<std::string> words = WordsFor(wish, config);
  std::vector<char*> arguments;
  // exec takes pointers to what it does not change.
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv("/proc/self/exe", arguments.data());
  return kExitCannotBind;
}

}  // namespace forkcast::serving
