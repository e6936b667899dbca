#include "model/commands/models_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "data_preprocessing/command/flags.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::CommandContext;
using preprocessing::Flag;
using preprocessing::FlagValues;

constexpr const char* kModelsVariable = "FORKCAST_MODELS";
constexpr const char* kDefaultFolder = "models";

/// An error with the exit code that it means.
struct Failure {
  ModelsExit exit = ModelsExit::kIo;
  std::string message;
};

struct Request {
  std::vector<std::string> words;  ///< What stands before the flags, without the verb.
  FlagValues flags;
  Registry registry;

  [[nodiscard]] bool Has(std::string_view flag) const { return flags.contains(flag); }
  [[nodiscard]] std::string Value(std::string_view flag, const std::string& fallback) const {
    const auto found = flags.find(flag);
    return found == flags.end() ? fallback : found->second.front();
  }
};

struct Verb {
  std::string_view name;
  std::string_view operands;
  std::string_view meaning;
  std::size_t least_words;
  std::size_t most_words;
  std::string_view flags;  ///< Names of its own flags, separated by blanks.
  void (*run)(const Request& request, const CommandContext& context);
};

template <typename T>
T Require(Result<T> result) {
  if (result) return *std::move(result);
  switch (result.error().code) {
    case ErrorCode::kInvalidArgument:
      throw Failure{ModelsExit::kUsage, result.error().message};
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
      throw Failure{ModelsExit::kNotFound, result.error().message};
    default:
      throw Failure{ModelsExit::kIo, result.error().message};
  }
}
void Require(const Status& status) {
  if (!status) Require(Result<bool>(status.error()));
}

/// A value deep in a manifest, or null: manifests of other versions may have less.
ordered_json At(const ordered_json& manifest, const std::string& pointer) {
  const ordered_json::json_pointer path(pointer);
  return manifest.contains(path) ? manifest.at(path) : ordered_json();
}

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

/// Rows of text in columns as wide as their widest cell.
void PrintColumns(std::ostream& out, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    out << line << '\n';
  }
}

ordered_json Summary(const VersionInfo& version, const ordered_json& manifest) {
  return {{"model", version.model},
          {"version", version.number},
          {"aliases", version.aliases},
          {"published_at", version.published_at},
          {"metric", At(manifest, "/evaluation/metric")},
          {"value", At(manifest, "/evaluation/value")},
          {"skill", At(manifest, "/evaluation/skill")},
          {"beats_baselines", At(manifest, "/evaluation/beats_baselines")}};
}

void List(const Request& request, const CommandContext& context) {
  std::vector<std::string> models = request.words;
  if (models.empty()) models = Require(request.registry.Models());
  ordered_json all = ordered_json::array();
  std::vector<std::vector<std::string>> rows{
      {"model", "version", "published", "metric", "value", "skill", "beats baselines", "aliases"}};
  for (const std::string& model : models) {
    for (const VersionInfo& version : Require(request.registry.Versions(model))) {
      const Result<ordered_json> manifest = Registry::ReadManifest(version);
      const ordered_json one = Summary(version, manifest ? *manifest : ordered_json::object());
      rows.push_back({model, std::to_string(version.number), version.published_at,
                      manifest ? Text(one["metric"]) : "DAMAGED", Text(one["value"]),
                      Text(one["skill"]), Text(one["beats_baselines"]), Joined(version.aliases)});
      all.push_back(one);
    }
  }
  if (request.Has("json")) {
    context.out << all.dump() << '\n';
  } else if (all.empty()) {
    context.out << "no models in " << request.registry.root().string() << '\n';
  } else {
    PrintColumns(context.out, rows);
  }
}

void Show(const Request& request, const CommandContext& context) {
  const VersionInfo version = Require(request.registry.Find(
      request.words[0], request.words.size() > 1 ? request.words[1] : "champion"));
  const ordered_json manifest = Require(Registry::ReadManifest(version));
  ordered_json shown = Summary(version, manifest);
  shown["folder"] = version.folder.string();
  shown["manifest"] = manifest;
  context.out << shown.dump(request.Has("json") ? -1 : 2) << '\n';
}

void Promote(const Request& request, const CommandContext& context) {
  const std::string& model = request.words[0];
  const std::string alias = request.Value("alias", "champion");
  const VersionInfo version = Require(request.registry.Find(model, request.words[1]));
  const ordered_json manifest = Require(Registry::ReadManifest(version));
  const ordered_json beats = At(manifest, "/evaluation/beats_baselines");
  if (beats != true && !request.Has("force-promote")) {
    throw Failure{ModelsExit::kGate,
                  fmt::format("{} {} {}; {} is as before (--force-promote does it all the same)",
                              model, version.number,
                              beats.is_null() ? "was not judged against baselines"
                                              : "does not beat the baselines",
                              alias)};
  }
  Require(request.registry.SetAlias(model, alias, version.number));
  if (request.Has("json")) {
    context.out << Summary(Require(request.registry.Find(model, alias)), manifest).dump() << '\n';
  } else {
    context.out << fmt::format("{} of {} is version {} now\n", alias, model, version.number);
  }
}

/// Leaves of a manifest by their JSON pointers.
void Flatten(const ordered_json& value, const std::string& pointer, ordered_json& leaves) {
  if (value.is_structured() && !value.empty()) {
    for (const auto& [name, member] : value.items()) Flatten(member, pointer + "/" + name, leaves);
  } else {
    leaves[pointer] = value;
  }
}

void Compare(const Request& request, const CommandContext& context) {
  const std::string& model = request.words[0];
  ordered_json leaves[2];
  std::vector<std::string> names;
  for (std::size_t i = 0; i < 2; ++i) {
    const VersionInfo version = Require(request.registry.Find(model, request.words[i + 1]));
    names.push_back(fmt::format("{} {}", model, version.number));
    Flatten(Require(Registry::ReadManifest(version)), "", leaves[i]);
  }
  ordered_json differences = ordered_json::object();
  const auto note = [&](const std::string& pointer) {
    const auto value_in = [&](const ordered_json& all) {
      return all.contains(pointer) ? all[pointer] : ordered_json();
    };
    const ordered_json first = value_in(leaves[0]);
    const ordered_json second = value_in(leaves[1]);
    if (first != second) differences[pointer] = {first, second};
  };
  for (const auto& side : leaves) {
    for (const auto& [pointer, value] : side.items()) note(pointer);
  }
  if (request.Has("json")) {
    context.out << differences.dump() << '\n';
    return;
  }
  std::vector<std::vector<std::string>> rows{{"", names[0], names[1]}};
  for (const auto& [pointer, values] : differences.items()) {
    rows.push_back({pointer, Text(values[0]), Text(values[1])});
  }
  if (differences.empty()) {
    context.out << "no difference\n";
  } else {
    PrintColumns(context.out, rows);
  }
}

void Prune(const Request& request, const CommandContext& context) {
  const std::string text = request.Value("keep", "5");
  std::size_t keep = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), keep);
  if (failed != std::errc() || end != text.data() + text.size() || keep == 0) {
    throw Failure{ModelsExit::kUsage,
                  fmt::format("--keep: expected a number from 1, got \"{}\"", text)};
  }
  const bool dry_run = request.Has("dry-run");
  const std::string& model = request.words[0];
  const std::vector<std::uint64_t> removed = Require(request.registry.Prune(model, keep, dry_run));
  if (request.Has("json")) {
    context.out << ordered_json{{"model", model}, {"removed", removed}, {"dry_run", dry_run}}.dump()
                << '\n';
    return;
  }
  for (const std::uint64_t number : removed) {
    context.out << fmt::format("{} {} {}\n", dry_run ? "would remove" : "removed", model, number);
  }
  if (removed.empty()) context.out << "nothing to remove\n";
}

constexpr Verb kVerbs[] = {
    {"list", "[MODEL]", "versions with what they are worth", 0, 1, "", &List},
    {"show", "MODEL [VERSION]",
     "one version's manifest; VERSION is a number or an alias, default champion", 1, 2, "", &Show},
    {"promote", "MODEL VERSION", "lets an alias mean this version, if it beats its baselines", 2, 2,
     "alias force-promote", &Promote},
    {"compare", "MODEL VERSION VERSION", "what differs between the manifests of two versions", 3, 3,
     "", &Compare},
    {"prune", "MODEL", "removes old versions that have no alias", 1, 1, "keep dry-run", &Prune},
};

std::vector<Flag> AllFlags() {
  using Kind = Flag::Kind;
  return {
      {"models", "DIR", Kind::kOneValue,
       "The folder of models. Environment: FORKCAST_MODELS. Default: models."},
      {"alias", "NAME", Kind::kOneValue, "promote: the alias to move. Default: champion."},
      {"force-promote", "", Kind::kSwitch,
       "promote: also when the version does not beat its baselines, or was not judged."},
      {"keep", "N", Kind::kOneValue, "prune: how many of the newest stay. Default: 5."},
      {"dry-run", "", Kind::kSwitch, "prune: says what it would remove."},
      {"json", "", Kind::kSwitch, "Prints one line of JSON in place of the table."},
      {"help", "", Kind::kSwitch, "Prints this."},
  };
}

bool IsFlagOf(const Verb& verb, const std::string& flag) {
  if (flag == "models" || flag == "json" || flag == "help") return true;
  return (" " + std::string(verb.flags) + " ").find(" " + flag + " ") != std::string::npos;
}

std::string Help() {
  std::string text = "usage: forkcast models VERB ... [flags]\n\n";
  for (const Verb& verb : kVerbs) {
    text +=
        fmt::format("  {:<32}{}\n", fmt::format("{} {}", verb.name, verb.operands), verb.meaning);
  }
  return text + "\n" + preprocessing::DescribeFlags(AllFlags()) +
         "\nExit codes:\n"
         "  0  done\n"
         "  2  wrong usage\n"
         "  3  no such model or version, or its files are not what was published\n"
         "  4  not promoted: it does not beat the baselines\n"
         "  5  the folder cannot be read or written\n";
}

void Run(const std::vector<std::string>& arguments, const CommandContext& context) {
  const auto is_flag = [](const std::string& word) { return word.starts_with("--"); };
  const auto first_flag = std::ranges::find_if(arguments, is_flag);
  std::vector<std::string> words(arguments.begin(), first_flag);
  const auto usage = [](const std::string& message) {
    return Failure{ModelsExit::kUsage, message + " (--help lists verbs and flags)"};
  };
  if (words.empty()) throw usage("no verb given");
  const auto* const verb = std::ranges::find(kVerbs, words.front(), &Verb::name);
  if (verb == std::end(kVerbs)) throw usage("unknown verb \"" + words.front() + "\"");
  words.erase(words.begin());
  if (words.size() < verb->least_words || words.size() > verb->most_words) {
    throw usage(fmt::format("expected: forkcast models {} {}", verb->name, verb->operands));
  }
  FlagValues flags = Require(preprocessing::ParseFlags(AllFlags(), {first_flag, arguments.end()}));
  for (const auto& [name, values] : flags) {
    if (!IsFlagOf(*verb, name)) throw usage(fmt::format("--{} is no flag of {}", name, verb->name));
  }
  const auto given = flags.find("models");
  const std::string folder = given != flags.end()
                                 ? given->second.front()
                                 : context.environment(kModelsVariable).value_or(kDefaultFolder);
  verb->run({.words = std::move(words), .flags = std::move(flags), .registry = Registry(folder)},
            context);
}

}  // namespace

int RunModelsCommand(const std::vector<std::string>& arguments, const CommandContext& context) {
  if (preprocessing::AsksForHelp(arguments)) {
    context.out << Help();
    return static_cast<int>(ModelsExit::kDone);
  }
  try {
    Run(arguments, context);
    context.out.flush();
    return static_cast<int>(ModelsExit::kDone);
  } catch (const Failure& failure) {
    context.err << "forkcast models: " << failure.message << '\n';
    return static_cast<int>(failure.exit);
  }
}

}  // namespace forkcast::model
