#include "model/commands/pull_command.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/commands/import_command.hpp"
#include "model/mlflow/pull_model.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Flag;
using preprocessing::Require;

ExitCode Pull(const Arguments& arguments, const CommandContext& context) {
  const MlflowReference reference =
      Require(ParseMlflowReference(arguments.operands()[0]), ExitCode::kUsage);
  ImportRequest request{.name = arguments.Has("name") ? arguments.Text("name") : reference.name};
  ReadInputFlags(arguments, request);
  const std::string alias = arguments.Has("promote") ? arguments.Text("alias") : std::string();
  Require(Registry::CheckNames(request.name, alias.empty() ? "champion" : alias), ExitCode::kUsage);
  MlflowClient client(
      Require(ReadMlflowSettings(arguments.Has("mlflow") ? arguments.Text("mlflow") : std::string(),
                                 context.environment),
              ExitCode::kUsage));
  const Registry registry(arguments.Text("models"));
  const PulledVersion pulled =
      Require(PullInto(registry, client, reference, request, alias, context.clock.Now()),
              preprocessing::UnfitUnlessIo);
  if (arguments.Has("json")) {
    context.out << ordered_json{{"model", request.name},
                                {"version", pulled.number},
                                {"new", pulled.is_new},
                                {"notes", pulled.notes}}
                       .dump()
                << '\n';
    return ExitCode::kDone;
  }
  context.out << fmt::format("{} {}: {}\n", request.name, pulled.number,
                             pulled.is_new
                                 ? fmt::format("{} {} of MLflow", reference.name, reference.version)
                                 : "is there already");
  for (const std::string& note : pulled.notes) context.out << fmt::format("note: {}\n", note);
  if (!alias.empty()) {
    context.out << fmt::format("{} of {} is version {} now\n", alias, request.name, pulled.number);
  }
  return ExitCode::kDone;
}

std::vector<Flag> PullFlags(Flag alias) {
  std::vector<Flag> flags{{.name = "mlflow",
                           .argument = "URL",
                           .meaning = "MLflow's tracking server, as http://HOST:PORT.",
                           .variable = "MLFLOW_TRACKING_URI"},
                          {.name = "name",
                           .argument = "NAME",
                           .meaning = "The model's name in the registry.",
                           .when_absent = "as in MLflow"}};
  for (Flag& flag : InputFlags()) flags.push_back(std::move(flag));
  flags.push_back({.name = "promote",
                   .kind = Flag::Kind::kSwitch,
                   .meaning = "Also lets the alias mean the version."});
  flags.push_back(std::move(alias));
  return flags;
}

}  // namespace

Command PullVerb(Flag alias) {
  return {.name = "pull",
          .meaning = "publishes a model of MLflow's registry: mlflow:NAME@ALIAS",
          .operands = {{"MODEL"}},
          .flags = PullFlags(std::move(alias)),
          .run = Pull};
}

}  // namespace forkcast::model
