#include "model/commands/export_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/export/exported_model.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;
using preprocessing::Arguments;
using preprocessing::Command;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Flag;
using preprocessing::Require;

/// A format that other programs read.
struct ExportFormat {
  std::string_view name;
  Result<ExportedFile> (*write)(const ExportableModel& model);
};
constexpr std::array<ExportFormat, 2> kFormats{{{"onnx", ExportOnnx}, {"xgboost", ExportXGBoost}}};

ExitCode Export(const Arguments& arguments, const CommandContext& context) {
  const std::string& which = arguments.operands()[0];
  const std::size_t at = std::min(which.find('@'), which.size());
  const std::string version = at < which.size() ? which.substr(at + 1) : "champion";
  const std::string format = arguments.Text("format");
  const std::filesystem::path out = arguments.Text("out");
  Require(OutputFile::Check(out), ExitCode::kIo);
  const Registry registry(arguments.Text("models"));
  const VersionInfo info = Require(registry.Find(which.substr(0, at), version));
  const ExportableModel model =
      Require(ReadTrained(info, arguments.Has("part") ? arguments.Text("part") : std::string()),
              preprocessing::UnfitUnlessIo);
  const auto* const writer = std::ranges::find(kFormats, format, &ExportFormat::name);
  const ExportedFile file = Require(writer->write(model), preprocessing::UnfitUnlessIo);
  Require(WriteOutput(out, file.bytes, context.out), ExitCode::kIo);
  if (OutputFile::IsStandardOutput(out)) return ExitCode::kDone;
  if (arguments.Has("json")) {
    const ordered_json report{{"model", info.model},        {"version", info.number},
                              {"format", format},           {"file", out.string()},
                              {"bytes", file.bytes.size()}, {"notes", file.notes}};
    context.out << report.dump() << '\n';
    return ExitCode::kDone;
  }
  context.out << fmt::format("{} {}: {}, {} bytes in {}\n", info.model, info.number, format,
                             file.bytes.size(), out.string());
  for (const std::string& note : file.notes) context.out << fmt::format("note: {}\n", note);
  return ExitCode::kDone;
}

}  // namespace

Command ExportVerb() {
  return {.name = "export",
          .meaning = "writes a model that was trained here as a file for other programs",
          .operands = {{"MODEL@VERSION"}},
          .flags = {{.name = "format",
                     .argument = "FORMAT",
                     .meaning = "onnx: from the features to the answer; xgboost: the trees alone.",
                     .fallback = "onnx",
                     .allowed = preprocessing::OneOf({"onnx", "xgboost"})},
                    {.name = "out",
                     .argument = "FILE",
                     .meaning = "The file that is written.",
                     .need = Flag::Need::kRequired},
                    {.name = "part",
                     .argument = "PART",
                     .meaning = "Which of the version's models, where it has several: a step, or "
                                "step/key, as files under model/ are called.",
                     .when_absent = "the only one"}},
          .run = Export};
}

}  // namespace forkcast::model
