#include "model/commands/import_command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "model/artefact/registry.hpp"
#include "model/import/import_model.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;
using preprocessing::Flag;
using preprocessing::Require;

/// "a,b,c"
std::vector<std::string> Names(const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    names.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

ImportRequest RequestOf(const Arguments& arguments) {
  ImportRequest request{.file = arguments.operands()[0],
                        .name = arguments.Text("name"),
                        .rounds = arguments.Text("rounds") == "best" ? Rounds::kBest : Rounds::kAll,
                        .tolerance = *preprocessing::ParseDouble(arguments.Text("tolerance"))};
  ReadInputFlags(arguments, request);
  if (arguments.Has("check")) request.check = arguments.Text("check");
  return request;
}

void RequireAgreement(const PreparedImport& prepared) {
  if (!prepared.check || prepared.check->differing == 0) return;
  const PredictionCheck& check = *prepared.check;
  throw Failure(
      ExitCode::kNo,
      fmt::format("{} of {} predictions differ, by up to {:.3g} (--tolerance allows "
                  "more); the first: {}. Nothing is published",
                  check.differing, check.numbers, check.greatest, check.first_difference));
}

ordered_json ReportOf(const ImportRequest& request, std::uint64_t number,
                      const PreparedImport& prepared) {
  ordered_json report{{"model", request.name},
                      {"version", number},
                      {"source", prepared.manifest["source"]},
                      {"outputs", prepared.outputs},
                      {"notes", prepared.notes}};
  if (prepared.check) report["check"] = prepared.manifest["check"];
  return report;
}

void PrintImport(const ordered_json& report, const CommandContext& context) {
  const ordered_json& source = report["source"];
  context.out << fmt::format(
      "{} {}: {} {}, {}, {} trees, {} inputs\n", report["model"].get<std::string>(),
      report["version"].dump(), source["format"].get<std::string>(),
      source["format_version"].get<std::string>(), source["objective"].get<std::string>(),
      source["trees"].dump(), source["inputs"].dump());
  context.out << fmt::format("answers: {}\n",
                             fmt::join(report["outputs"].get<std::vector<std::string>>(), ", "));
  if (report.contains("check")) {
    const ordered_json& check = report["check"];
    context.out << fmt::format("{} predictions of {}: the greatest difference is {:.3g}\n",
                               check["rows"].dump(), check["file"].get<std::string>(),
                               check["greatest_difference"].get<double>());
  }
  for (const ordered_json& note : report["notes"]) {
    context.out << fmt::format("note: {}\n", note.get<std::string>());
  }
}

ExitCode Import(const Arguments& arguments, const CommandContext& context) {
  const ImportRequest request = RequestOf(arguments);
  const Registry registry(arguments.Text("models"));
  Require(Registry::CheckNames(request.name, arguments.Text("alias")), ExitCode::kUsage);
  const std::string alias = arguments.Has("promote") ? arguments.Text("alias") : std::string();
  const PreparedImport prepared = Require(PrepareImport(request), preprocessing::UnfitUnlessIo);
  RequireAgreement(prepared);
  const std::uint64_t number = Require(registry.Publish(
      request.name, prepared.manifest, prepared.files, context.clock.Now(), alias));
  const ordered_json report = ReportOf(request, number, prepared);
  if (arguments.Has("json")) {
    context.out << report.dump() << '\n';
    return ExitCode::kDone;
  }
  PrintImport(report, context);
  if (!alias.empty()) {
    context.out << fmt::format("{} of {} is version {} now\n", alias, request.name, number);
  }
  return ExitCode::kDone;
}

std::vector<Flag> ImportFlags(Flag alias) {
  using Kind = Flag::Kind;
  const auto is_tolerance = [](std::string_view text) {
    const Result<double> number = preprocessing::ParseDouble(text);
    return number.ok() && *number >= 0;
  };
  std::vector<Flag> flags{{.name = "name",
                           .argument = "NAME",
                           .meaning = "The model's name.",
                           .need = Flag::Need::kRequired}};
  std::ranges::move(InputFlags(), std::back_inserter(flags));
  const std::vector<Flag> others{
      {.name = "rounds",
       .argument = "WHICH",
       .meaning = "Which rounds of boosting count: all, or those up to the best that early "
                  "stopping noted in the file.",
       .fallback = "all",
       .allowed = preprocessing::OneOf({"all", "best"})},
      {.name = "check",
       .argument = "FILE",
       .meaning = "A CSV with the inputs and what the model's own library predicts for them, in "
                  "columns called as the answers; nothing is published when they differ.",
       .when_absent = "nothing is compared"},
      {.name = "tolerance",
       .argument = "NUMBER",
       .meaning = "How much predictions may differ, of numbers above 1 as a share.",
       .fallback = "1e-6",
       .allowed = {.expected = "a number from 0", .is_value = is_tolerance}},
      {.name = "promote",
       .kind = Kind::kSwitch,
       .meaning = "Also lets the alias mean the new version."},
      std::move(alias)};
  flags.insert(flags.end(), others.begin(), others.end());
  return flags;
}

}  // namespace

std::vector<Flag> InputFlags() {
  return {
      {.name = "pipeline",
       .argument = "FILE",
       .meaning = "The pipeline whose features the model reads: inputs and features are matched "
                  "by name.",
       .when_absent = "requests are the model's inputs themselves"},
      {.name = "inputs",
       .argument = "A,B,C",
       .meaning = "What the model's inputs are called, in its order.",
       .when_absent = "as the file calls them"},
      {.name = "classes",
       .argument = "A,B",
       .meaning = "What the classes are called that it tells apart, in its order.",
       .when_absent = "0, 1 and so on"}};
}

void ReadInputFlags(const Arguments& arguments, ImportRequest& request) {
  if (arguments.Has("pipeline")) request.pipeline = arguments.Text("pipeline");
  if (arguments.Has("inputs")) request.inputs = Names(arguments.Text("inputs"));
  if (arguments.Has("classes")) request.classes = Names(arguments.Text("classes"));
}

Command ImportVerb(Flag alias) {
  return {.name = "import",
          .meaning = "publishes a model that XGBoost, LightGBM or, as ONNX, others trained",
          .operands = {{"FILE"}},
          .flags = ImportFlags(std::move(alias)),
          .run = Import};
}

}  // namespace forkcast::model
