#include "serving/commands/deploy_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "serving/experiment/experiment.hpp"
#include "serving/process/control_socket.hpp"
#include "serving/process/server_status.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::Allowed;
using preprocessing::Arguments;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::Require;

constexpr std::chrono::milliseconds kBetweenAsks{100};
constexpr std::chrono::seconds kPatience{120};  // for large models that are loaded

/// "10%" or "0.1", as a share from 0 to 1.
std::optional<double> ShareIn(std::string_view text) {
  const bool is_percent = text.ends_with('%');
  if (is_percent) text.remove_suffix(1);
  double number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (is_percent) number /= 100;
  return number >= 0 && number <= 1 ? std::optional(number) : std::nullopt;
}

std::optional<double> NumberIn(std::string_view text) {
  double number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = failed == std::errc() && end == text.data() + text.size();
  return is_whole && number >= 0 ? std::optional(number) : std::nullopt;
}

Allowed Share() {
  return {.expected = "a share such as 10% or 0.1",
          .is_value = [](std::string_view text) { return ShareIn(text).has_value(); }};
}

Allowed Number() {
  return {.expected = "a number, 0 or more",
          .is_value = [](std::string_view text) { return NumberIn(text).has_value(); }};
}

/// Asks for one thing: what of these flags is given.
constexpr std::string_view kActions[] = {"challenger", "pipeline", "share",
                                         "promote",    "stop",     "status"};

std::string ActionOf(const Arguments& arguments) {
  std::string action;
  for (const std::string_view name : kActions) {
    if (!arguments.Has(name)) continue;
    if (!action.empty()) {
      throw Failure(ExitCode::kUsage,
                    fmt::format("--{} and --{} exclude each other", action, name));
    }
    action = name;
  }
  if (!action.empty()) return action;
  throw Failure(ExitCode::kUsage, fmt::format("expected one of --{}", fmt::join(kActions, ", --")));
}

ordered_json GuardsOf(const Arguments& arguments) {
  ordered_json end = ordered_json::object();
  if (arguments.Has("confidence")) end["confidence"] = *ShareIn(arguments.Text("confidence"));
  if (arguments.Has("max-failures")) end["max_failures"] = *ShareIn(arguments.Text("max-failures"));
  for (const auto& [flag, member] :
       {std::pair("max-slowdown", "max_slowdown"), std::pair("max-difference", "max_difference")}) {
    if (arguments.Has(flag)) end[member] = *NumberIn(arguments.Text(flag));
  }
  return end;
}

/// Reads what it has made as the server will, so that what is wrong is told before it is asked.
ordered_json PlanOf(const Arguments& arguments) {
  ordered_json plan = ordered_json::object();
  if (arguments.Has("challenger")) plan["version"] = arguments.Text("challenger");
  if (arguments.Has("pipeline")) plan["pipeline"] = arguments.Text("pipeline");
  for (const char* const mode : {"shadow", "canary"}) {
    if (arguments.Has(mode)) plan[mode] = *ShareIn(arguments.Text(mode));
  }
  if (arguments.Has("compare")) plan["compare"] = arguments.Text("compare");
  if (arguments.Has("key")) plan["key"] = arguments.Texts("key");
  plan["end"] = GuardsOf(arguments);
  try {
    static_cast<void>(ReadExperimentPlan(preprocessing::JsonNode(plan, "challenger"), {}));
  } catch (const preprocessing::SpecError& error) {
    throw Failure(ExitCode::kUsage, error.what());
  }
  return plan;
}

/// A running server, asked about one deployment.
class AskedServer {
 public:
  AskedServer(std::string control, std::string deployment)
      : control_(std::move(control)), deployment_(std::move(deployment)) {}

  /// Returns the experiment's id.
  std::uint64_t Order(std::string_view what, ordered_json value) const {
    ordered_json order;
    order["deployment"] = deployment_;
    order[std::string(what)] = std::move(value);
    const std::string answer = Require(AskControlSocket(control_, order.dump()), ExitCode::kIo);
    const ordered_json json = ordered_json::parse(answer, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.contains("error")) {
      throw Failure(ExitCode::kUnfit, json.at("error").get<std::string>());
    }
    if (!json.is_object() || !json.contains("id")) {
      throw Failure(ExitCode::kIo, fmt::format("{}: the server takes no orders: is it of an older "
                                               "version?",
                                               control_));
    }
    return json.at("id");
  }

  [[nodiscard]] ExperimentStatus Status() const {
    const std::string answer = Require(AskControlSocket(control_), ExitCode::kIo);
    const auto status = ParseServerStatus(answer);
    if (!status) {
      throw Failure(ExitCode::kIo, fmt::format("{}: {}", control_, status.error().message));
    }
    const auto& all = status->experiments;
    const auto found = std::ranges::find(all, deployment_, &ExperimentStatus::deployment);
    if (found != all.end()) return *found;
    throw Failure(ExitCode::kUnfit,
                  fmt::format("deployment \"{}\" has no challenger", deployment_));
  }

  /// Until all workers have the challenger, or it is over.
  [[nodiscard]] ExperimentStatus WaitForAll(std::uint64_t id) const {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (true) {
      ExperimentStatus status = Status();
      const bool is_settled = status.id != id || status.state != "starting";
      const bool has_some = status.state != "running" || status.workers > 0;
      if (is_settled && has_some) return status;
      if (std::chrono::steady_clock::now() >= until) return status;
      std::this_thread::sleep_for(kBetweenAsks);
    }
  }

 private:
  std::string control_;
  std::string deployment_;
};

/// What makes the challenger the champion: the alias by which this one is deployed.
struct Promotion {
  std::string model;
  std::string alias;
  std::uint64_t version = 0;
};

/// Throws where there is no such alias, or the version is not whole.
Promotion PromotionOf(const ExperimentStatus& experiment, const model::Registry& registry) {
  if (experiment.state != "running") {
    throw Failure(ExitCode::kUnfit,
                  fmt::format("the challenger of \"{}\" is not running but {}: {}",
                              experiment.deployment, experiment.state, experiment.reason));
  }
  const auto split = [](const std::string& place) {
    const std::size_t at = std::min(place.find('@'), place.size());
    return std::pair(place.substr(0, at), place.substr(std::min(at + 1, place.size())));
  };
  const auto [name, alias] = split(experiment.champion_place);
  const bool is_alias = alias.find_first_not_of("0123456789") != std::string::npos;
  if (!is_alias || name != split(experiment.challenger_place).first) {
    throw Failure(ExitCode::kUnfit,
                  fmt::format("only a version of the model whose alias is served can be promoted: "
                              "{} is served, {} is the challenger; change the deployment instead",
                              experiment.champion_place, experiment.challenger_place));
  }
  const model::VersionInfo version = Require(registry.Find(name, experiment.challenger));
  static_cast<void>(Require(model::Registry::ReadManifest(version)));
  return {.model = name, .alias = alias, .version = version.number};
}

/// The server takes it as it takes any version that is published.
void Promote(const AskedServer& server, const Arguments& arguments) {
  const model::Registry registry(arguments.Text("models"));
  const Promotion promotion = PromotionOf(server.Status(), registry);
  // First, so that the end of the champion is not taken for one of its own.
  server.Order("stop", WordFor(ExperimentState::kPromoted));
  Require(registry.SetAlias(promotion.model, promotion.alias, promotion.version));
}

void PrintStatus(const ExperimentStatus& status, const Arguments& arguments,
                 const CommandContext& context) {
  context.out << (arguments.Has("json") ? ToJson(status).dump() + "\n" : ToText(status));
}

ExitCode Begin(const AskedServer& server, const Arguments& arguments,
               const CommandContext& context) {
  const std::uint64_t id = server.Order("challenger", PlanOf(arguments));
  const ExperimentStatus status = server.WaitForAll(id);
  if (status.state == "failed") throw Failure(ExitCode::kUnfit, status.reason);
  PrintStatus(status, arguments, context);
  return status.state == "running" ? ExitCode::kDone : ExitCode::kNo;
}

ExitCode Deploy(const Arguments& arguments, const CommandContext& context) {
  const std::string action = ActionOf(arguments);
  const AskedServer server(arguments.Text("control"), arguments.operands().front());
  if (action == "challenger" || action == "pipeline") return Begin(server, arguments, context);
  if (action == "share") server.Order("share", *ShareIn(arguments.Text("share")));
  if (action == "stop") server.Order("stop", WordFor(ExperimentState::kStopped));
  if (action == "promote") Promote(server, arguments);
  PrintStatus(server.Status(), arguments, context);
  return ExitCode::kDone;
}

/// When an experiment ends by itself.
std::vector<Flag> GuardFlags() {
  return {
      {.name = "max-difference",
       .argument = "NUMBER",
       .meaning = "Ends when the mean of the output certainly differs by more.",
       .when_absent = "never",
       .allowed = Number()},
      {.name = "max-failures",
       .argument = "SHARE",
       .meaning = "Ends when certainly a greater share of requests fails than with the champion.",
       .when_absent = "1%",
       .allowed = Share()},
      {.name = "max-slowdown",
       .argument = "TIMES",
       .meaning = "Ends when scoring certainly takes more times as long.",
       .when_absent = "5",
       .allowed = Number()},
      {.name = "confidence",
       .argument = "SHARE",
       .meaning = "What \"certainly\" means.",
       .when_absent = "95%",
       .allowed = Share()}};
}

std::vector<Flag> Flags() {
  std::vector<Flag> flags{
      {.name = "control",
       .argument = "PATH",
       .meaning = "Control socket of the server, as its setting of that name says.",
       .variable = "FORKCAST_CONTROL",
       .need = Flag::Need::kRequired},
      {.name = "challenger",
       .argument = "VERSION",
       .meaning = "Begins: NUMBER or ALIAS of the deployment's model, or MODEL:VERSION."},
      {.name = "pipeline",
       .argument = "PATH",
       .meaning = "Begins with another pipeline: its file, or a folder with one or a version, as "
                  "the server sees it."},
      {.name = "shadow",
       .argument = "SHARE",
       .meaning = "The challenger also scores this share of the requests, behind their answers.",
       .allowed = Share()},
      {.name = "canary",
       .argument = "SHARE",
       .meaning = "The challenger answers this share of the requests, by their key.",
       .allowed = Share()},
      {.name = "compare",
       .argument = "OUTPUT",
       .meaning = "Which output is compared.",
       .when_absent = "the class, or the first number"},
      {.name = "key",
       .argument = "FIELD",
       .kind = Flag::Kind::kManyValues,
       .meaning = "Request field by which a canary is split; may be given again.",
       .when_absent = "the fields by which data are looked up"},
      {.name = "share", .argument = "SHARE", .meaning = "Changes the share.", .allowed = Share()},
      {.name = "promote",
       .kind = Flag::Kind::kSwitch,
       .meaning = "Ends, and makes the alias that is served mean the challenger."},
      {.name = "stop", .kind = Flag::Kind::kSwitch, .meaning = "Ends; the champion goes on."},
      {.name = "status", .kind = Flag::Kind::kSwitch, .meaning = "Tells what was found so far."},
      {.name = "models",
       .argument = "FOLDER",
       .meaning = "The registry, for --promote.",
       .variable = "FORKCAST_MODELS",
       .fallback = "models"},
      preprocessing::JsonFlag("Prints one line of JSON instead of text.")};
  std::ranges::copy(GuardFlags(), std::back_inserter(flags));
  return flags;
}

}  // namespace

preprocessing::Command DeployCommand() {
  return {.name = "deploy",
          .meaning = "tries another version beside the one that a server answers with",
          .description =
              "Tries a challenger beside the version that a running server answers with, its\n"
              "champion, on a share of the requests of one deployment.\n",
          .operands = {{.name = "DEPLOYMENT"}},
          .flags = Flags(),
          .endings = {{.code = ExitCode::kDone, .when = "done"},
                      {.code = ExitCode::kNo,
                       .when = "the challenger is not at every worker yet, or over already"},
                      {.code = ExitCode::kUsage, .when = "wrong usage"},
                      {.code = ExitCode::kUnfit,
                       .when = "the challenger cannot be loaded, does not fit, or is not there"},
                      {.code = ExitCode::kIo, .when = "no server answers"}},
          .run = Deploy};
}

}  // namespace forkcast::serving
