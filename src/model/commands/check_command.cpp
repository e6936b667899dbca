#include "model/commands/check_command.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "data_preprocessing/document/json_place.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/commands/pipeline_kinds.hpp"
#include "model/commands/training_programs.hpp"
#include "model/learn/trainers/trainer_kinds.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::JsonNode;
using preprocessing::PipelineSpec;
using preprocessing::SpecError;
using preprocessing::TextPlace;

/// What is wrong with a file, and where. Without a place it could not be read at all.
struct Finding {
  std::optional<TextPlace> place;
  std::string message;
};

/// Of a text that is no JSON the message itself says where: "line 3, column 5: not JSON".
Finding FindingOf(std::string_view text, std::string message) {
  TextPlace place;
  int behind = 0;
  if (std::sscanf(message.c_str(), "line %zu, column %zu: %n", &place.line, &place.column,
                  &behind) == 2 &&
      behind > 0) {
    return {.place = place, .message = message.substr(static_cast<std::size_t>(behind))};
  }
  const auto found = preprocessing::PlaceOf(text, message);
  return {.place = found, .message = std::move(message)};
}

/// Whether a model is to be learned, and not only a label be kept from features.
bool IsTrained(const ordered_json& document) {
  const auto training = document.find("training");
  if (training == document.end()) return false;
  return document.contains("forecast") || training->contains("model") ||
         training->contains("metric");
}

std::string Summary(const PipelineSpec& spec, bool is_trained) {
  std::string text =
      fmt::format("pipeline {} version {}: {} tables, {} series, {} features", spec.name,
                  spec.version, spec.tables.size(), spec.series.size(), spec.features.size());
  if (spec.forecast) {
    text +=
        fmt::format(", forecasts {} periods of {}", spec.forecast->horizon, spec.forecast->value);
  }
  return text + (is_trained ? ", can be trained" : ", no training");
}

/// Everything that can be known without data. Throws SpecError.
std::string CheckText(const std::string& text, const std::filesystem::path& folder) {
  const Result<PipelineSpec> spec = preprocessing::ParsePipelineSpec(text, folder);
  if (!spec) throw SpecError(spec.error().message);
  const ordered_json document = preprocessing::ParseJson(text);
  const bool is_trained = IsTrained(document);
  if (is_trained) KindOf(document).check(JsonNode(document), *spec, TrainerKinds());
  if (spec->serving && !spec->serving->model.empty()) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(spec->serving->model, ignored)) {
      throw SpecError(
          fmt::format("$.serving.model: there is no file {}", spec->serving->model.string()));
    }
  }
  return Summary(*spec, is_trained);
}

std::optional<Finding> CheckFile(const std::filesystem::path& file, std::string& summary) {
  std::string text;
  try {
    text = preprocessing::ReadTextFile(file);
  } catch (const SpecError& error) {
    return Finding{.place = std::nullopt, .message = error.what()};
  }
  try {
    summary = CheckText(text, file.parent_path());
    return std::nullopt;
  } catch (const SpecError& error) {
    return FindingOf(text, error.what());
  }
}

ordered_json ToJson(const std::string& file, const std::optional<Finding>& finding) {
  ordered_json json{{"file", file}, {"ok", !finding}};
  if (finding && finding->place) {
    json["line"] = finding->place->line;
    json["column"] = finding->place->column;
  }
  if (finding) json["message"] = finding->message;
  return json;
}

/// As compilers say it, which editors and CI know how to show beside the line.
std::string ToText(const std::string& file, const Finding& finding) {
  if (!finding.place) return finding.message;
  return fmt::format("{}:{}:{}: error: {}", file, finding.place->line, finding.place->column,
                     finding.message);
}

ExitCode Check(const Arguments& arguments, const CommandContext& context) {
  ExitCode code = ExitCode::kDone;
  for (const std::string& file : arguments.Texts("pipeline")) {
    std::string summary;
    const std::optional<Finding> finding = CheckFile(file, summary);
    if (finding && code != ExitCode::kIo) {
      code = finding->place ? ExitCode::kUsage : ExitCode::kIo;
    }
    if (arguments.Has("json")) {
      context.out << ToJson(file, finding).dump() << '\n';
    } else if (finding) {
      context.err << ToText(file, *finding) << '\n';
    } else {
      context.out << fmt::format("ok: {}: {}\n", file, summary);
    }
  }
  return code;
}

}  // namespace

Command CheckCommand() {
  Command command = CheckElsewhere();
  command.program.clear();
  command.description =
      "Reads pipeline files as ingest, train and serve do, and says of each what is wrong with it\n"
      "first, with line and column, in the form in which compilers do. Needs no data, and touches\n"
      "none. What only data tell is for train --dry-run, what only a server needs for serve\n"
      "--check.\n";
  command.flags = {{.name = "pipeline",
                    .argument = "FILE",
                    .kind = preprocessing::Flag::Kind::kManyValues,
                    .meaning = "A pipeline file. May be given several times.",
                    .variable = "FORKCAST_PIPELINE",
                    .need = preprocessing::Flag::Need::kRequired},
                   preprocessing::JsonFlag("Prints one line of JSON a file.")};
  command.endings = {{.code = ExitCode::kDone, .when = "all of them can be used"},
                     {.code = ExitCode::kUsage, .when = "wrong usage, or a file is wrong"},
                     {.code = ExitCode::kIo, .when = "a file cannot be read"}};
  command.run = Check;
  return command;
}

}  // namespace forkcast::model
