#include "serving/commands/schema_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "data_preprocessing/command/failure.hpp"
#include "serving/schema/file_schema.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Arguments;
using preprocessing::CommandContext;
using preprocessing::ExitCode;
using preprocessing::Failure;

ExitCode Print(const Arguments& arguments, const CommandContext& context) {
  const std::string& name = arguments.operands()[0];
  const auto schemas = FileSchemas();
  const auto schema = std::ranges::find(schemas, name, &FileSchema::name);
  if (schema == schemas.end()) {
    std::vector<std::string_view> names;
    for (const FileSchema& one : schemas) names.push_back(one.name);
    throw Failure(ExitCode::kUsage,
                  fmt::format("KIND: \"{}\": expected one of {}", name, fmt::join(names, ", ")));
  }
  context.out << schema->make().dump(2) << '\n';
  return ExitCode::kDone;
}

std::string Description() {
  std::string text =
      "Prints the JSON Schema (draft 2020-12) of a kind of file. An editor that has it completes\n"
      "keys, explains them, and marks what is wrong while it is written. Kinds:";
  for (const FileSchema& schema : FileSchemas()) {
    text += fmt::format("\n{}: {};", schema.name, schema.meaning);
  }
  text.back() = '.';
  return text + "\n";
}

}  // namespace

preprocessing::Command SchemaCommand() {
  return {.name = "schema",
          .meaning = "prints the JSON Schema of a kind of file, for editors",
          .description = Description(),
          .operands = {{"KIND"}},
          .endings = {{.code = ExitCode::kDone}, {.code = ExitCode::kUsage}},
          .remark =
              "forkcast schema pipeline > pipeline.schema.json, and in a pipeline beside it "
              "\"$schema\": \"./pipeline.schema.json\".",
          .run = Print};
}

}  // namespace forkcast::serving
