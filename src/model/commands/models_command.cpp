#include "model/commands/models_command.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "data_preprocessing/base/text_table.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/models_cache.hpp"
#include "model/artefact/registry.hpp"
#include "model/artefact/version_history.hpp"
#include "model/artefact/version_summary.hpp"
#include "model/commands/export_command.hpp"
#include "model/commands/import_command.hpp"
#include "model/commands/pull_command.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::Operand;
using preprocessing::Require;

Registry RegistryOf(const Arguments& arguments) { return Registry(arguments.Text("models")); }

std::string Text(const ordered_json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
  return value.dump();
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "-" : text;
}

/// "all keys", or "only 42, 97 (over 3)".
std::string TrainedKeys(const ordered_json& summary) {
  if (summary["only_keys"].is_null()) return "all";
  constexpr std::size_t kNamed = 3;
  std::vector<std::string> names;
  for (const ordered_json& key : summary["only_keys"]) {
    std::vector<std::string> values;
    for (const ordered_json& value : key) values.push_back(Text(value));
    names.push_back(fmt::format("{}", fmt::join(values, ",")));
  }
  const std::size_t more = names.size() - std::min(names.size(), kNamed);
  names.resize(names.size() - more);
  return fmt::format("only {}{} (over {})", fmt::join(names, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "", Text(summary["base"]));
}

ExitCode List(const Arguments& arguments, const CommandContext& context) {
  const Registry registry = RegistryOf(arguments);
  std::vector<std::string> models = arguments.operands();
  if (models.empty()) models = Require(registry.Models());
  ordered_json all = ordered_json::array();
  using enum TextTable::Align;
  TextTable table({{"model"},
                   {"version", kNumber},
                   {"published"},
                   {"metric"},
                   {"value", kNumber},
                   {"skill", kNumber},
                   {"beats baselines"},
                   {"keys"},
                   {"aliases"}});
  for (const std::string& model : models) {
    for (const VersionInfo& version : Require(registry.Versions(model))) {
      const Result<ordered_json> manifest = registry.ManifestOf(version);
      const ordered_json one = SummaryOf(version, manifest ? *manifest : ordered_json::object());
      table.Add({model, std::to_string(version.number), version.published_at,
                 manifest ? Text(one["metric"]) : "DAMAGED", Text(one["value"]), Text(one["skill"]),
                 Text(one["beats_baselines"]), TrainedKeys(one), Joined(version.aliases)});
      all.push_back(one);
    }
  }
  if (arguments.Has("json")) {
    context.out << all.dump() << '\n';
  } else if (all.empty()) {
    context.out << "no models in " << registry.place() << '\n';
  } else {
    context.out << table.Text(context.style);
  }
  return ExitCode::kDone;
}

ExitCode ShowVersion(const Arguments& arguments, const CommandContext& context) {
  const std::vector<std::string>& words = arguments.operands();
  const VersionInfo version =
      Require(RegistryOf(arguments).Find(words[0], words.size() > 1 ? words[1] : "champion"));
  const ordered_json manifest = Require(Registry::ReadManifest(version));
  ordered_json shown = SummaryOf(version, manifest);
  shown["folder"] = version.folder.string();
  if (VersionHistory history = Require(ReadHistory(version)); !history.empty()) {
    shown["history"] = std::move(history);
  }
  shown["manifest"] = manifest;
  context.out << shown.dump(arguments.Has("json") ? -1 : 2) << '\n';
  return ExitCode::kDone;
}

ExitCode Promote(const Arguments& arguments, const CommandContext& context) {
  const Registry registry = RegistryOf(arguments);
  const std::string& model = arguments.operands()[0];
  const std::string alias = arguments.Text("alias");
  const VersionInfo version = Require(registry.Find(model, arguments.operands()[1]));
  const ordered_json manifest = Require(Registry::ReadManifest(version));
  const std::string why_not = WhyNotPromoted(manifest);
  if (!why_not.empty() && !arguments.Has("force-promote")) {
    throw Failure(ExitCode::kGate,
                  fmt::format("{} {} {}; {} is as before (--force-promote does it all the same)",
                              model, version.number, why_not, alias));
  }
  Require(registry.SetAlias(model, alias, version.number));
  if (arguments.Has("json")) {
    context.out << SummaryOf(Require(registry.Find(model, alias)), manifest).dump() << '\n';
  } else {
    context.out << fmt::format("{} of {} is version {} now\n", alias, model, version.number);
  }
  return ExitCode::kDone;
}

/// Leaves of a manifest by their JSON pointers.
void Flatten(const ordered_json& value, const std::string& pointer, ordered_json& leaves) {
  if (value.is_structured() && !value.empty()) {
    for (const auto& [name, member] : value.items()) Flatten(member, pointer + "/" + name, leaves);
  } else {
    leaves[pointer] = value;
  }
}

/// The leaves in which two manifests differ, each with both values.
ordered_json Differences(const ordered_json& first, const ordered_json& second) {
  ordered_json differences = ordered_json::object();
  const auto value_in = [](const ordered_json& leaves, const std::string& pointer) {
    return leaves.contains(pointer) ? leaves[pointer] : ordered_json();
  };
  for (const ordered_json* side : {&first, &second}) {
    for (const auto& [pointer, value] : side->items()) {
      const ordered_json left = value_in(first, pointer);
      const ordered_json right = value_in(second, pointer);
      if (left != right) differences[pointer] = {left, right};
    }
  }
  return differences;
}

ExitCode Compare(const Arguments& arguments, const CommandContext& context) {
  const std::string& model = arguments.operands()[0];
  ordered_json leaves[2];
  std::vector<TextTable::Column> columns{{""}};
  for (std::size_t i = 0; i < 2; ++i) {
    const VersionInfo version =
        Require(RegistryOf(arguments).Find(model, arguments.operands()[i + 1]));
    columns.push_back({fmt::format("{} {}", model, version.number)});
    Flatten(Require(Registry::ReadManifest(version)), "", leaves[i]);
  }
  const ordered_json differences = Differences(leaves[0], leaves[1]);
  if (arguments.Has("json")) {
    context.out << differences.dump() << '\n';
    return ExitCode::kDone;
  }
  if (differences.empty()) {
    context.out << "no difference\n";
    return ExitCode::kDone;
  }
  TextTable table(std::move(columns));
  for (const auto& [pointer, values] : differences.items()) {
    table.Add({pointer, Text(values[0]), Text(values[1])});
  }
  context.out << table.Text(context.style);
  return ExitCode::kDone;
}

ExitCode Prune(const Arguments& arguments, const CommandContext& context) {
  const bool dry_run = arguments.Has("dry-run");
  const std::string& model = arguments.operands()[0];
  const std::vector<std::uint64_t> removed =
      Require(RegistryOf(arguments).Prune(model, arguments.Whole("keep").value(), dry_run));
  if (arguments.Has("json")) {
    context.out << ordered_json{{"model", model}, {"removed", removed}, {"dry_run", dry_run}}.dump()
                << '\n';
    return ExitCode::kDone;
  }
  for (const std::uint64_t number : removed) {
    context.out << fmt::format("{} {} {}\n", dry_run ? "would remove" : "removed", model, number);
  }
  if (removed.empty()) context.out << "nothing to remove\n";
  return ExitCode::kDone;
}

Flag AliasFlag() {
  return {
      .name = "alias", .argument = "NAME", .meaning = "the alias to move.", .fallback = "champion"};
}

std::vector<Command> ModelsVerbs() {
  using Kind = Flag::Kind;
  constexpr auto kOptional = Operand::Need::kOptional;
  constexpr std::uint64_t kMostKept = 1'000'000;
  return {
      {.name = "list",
       .meaning = "versions with what they are worth",
       .operands = {{"MODEL", kOptional}},
       .run = List},
      {.name = "show",
       .meaning = "one version's manifest; VERSION is a number or an alias, default champion",
       .operands = {{"MODEL"}, {"VERSION", kOptional}},
       .run = ShowVersion},
      {.name = "promote",
       .meaning = "lets an alias mean this version, if it beats its baselines",
       .operands = {{"MODEL"}, {"VERSION"}},
       .flags = {AliasFlag(),
                 {.name = "force-promote",
                  .kind = Kind::kSwitch,
                  .meaning =
                      "also when the version does not beat its baselines, or was not judged."}},
       .run = Promote},
      ImportVerb(AliasFlag()),
      PullVerb(AliasFlag()),
      ExportVerb(),
      {.name = "compare",
       .meaning = "what differs between the manifests of two versions",
       .operands = {{"MODEL"}, {"VERSION"}, {"VERSION"}},
       .run = Compare},
      {.name = "prune",
       .meaning = "removes old versions that have no alias",
       .operands = {{"MODEL"}},
       .flags = {{.name = "keep",
                  .argument = "N",
                  .meaning = "how many of the newest stay.",
                  .fallback = "5",
                  .allowed = preprocessing::WholeNumber(1, kMostKept)},
                 {.name = "dry-run",
                  .kind = Kind::kSwitch,
                  .meaning = "says what it would remove."}},
       .run = Prune},
  };
}

}  // namespace

Command ModelsCommand() {
  return {
      .name = "models",
      .meaning =
          "lists, shows, imports, pulls, exports, compares, promotes and prunes versions of models",
      .flags = {{.name = "models",
                 .argument = "PLACE",
                 .meaning = "The registry of models: a folder, or s3://BUCKET/PREFIX.",
                 .variable = "FORKCAST_MODELS",
                 .fallback = "models"},
                preprocessing::JsonFlag("Prints one line of JSON in place of the table.")},
      .variables = {kModelsCacheVariable},
      .endings = {{.code = ExitCode::kDone},
                  {.code = ExitCode::kNo,
                   .when = "not imported: its predictions are not those that it was given"},
                  {.code = ExitCode::kUsage, .when = "wrong usage"},
                  {.code = ExitCode::kUnfit,
                   .when = "no such model or version, its files are not what was published, a file "
                           "to import is not understood, or a model cannot be exported so"},
                  {.code = ExitCode::kGate, .when = "not promoted: it does not beat the baselines"},
                  {.code = ExitCode::kIo,
                   .when = "the registry, or MLflow, cannot be read or written"}},
      .verbs = ModelsVerbs()};
}

}  // namespace forkcast::model
