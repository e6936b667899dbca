#include "serving/schema/file_schema.hpp"

#include <array>
#include <string>
#include <utility>

#include "serving/config/settings.hpp"
#include "serving/schema/schema_files.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;

ordered_json PipelineSchema() { return ordered_json::parse(kPipelineSchema); }

ordered_json TextOf(const Setting& setting) {
  if (!setting.values.words.empty()) return {{"enum", setting.values.words}};
  return {{"type", "string"}, {"minLength", 1}};
}

/// What the config file may hold for it, without what is said of it.
ordered_json ValueOf(const Setting& setting) {
  switch (setting.form) {
    case Setting::FileForm::kNotInFile:
      return false;
    case Setting::FileForm::kBoolean:
      return {{"type", "boolean"}};
    case Setting::FileForm::kInteger:
      return {
          {"type", "integer"}, {"minimum", setting.values.least}, {"maximum", setting.values.most}};
    case Setting::FileForm::kText:
      return TextOf(setting);
    case Setting::FileForm::kTextOrList:
      break;
  }
  // Commas part the texts of one, so that it is any of the words or several.
  return {{"anyOf",
           {{{"type", "string"}, {"minLength", 1}},
            {{"type", "array"}, {"minItems", 1}, {"items", TextOf(setting)}}}}};
}

std::string Description(const Setting& setting) {
  std::string text = setting.meaning + ": " + setting.allowed;
  if (setting.takes == Takes::kRestart) text += ". Changes with a restart alone";
  const std::string& fallback =
      setting.default_meaning.empty() ? setting.default_text : setting.default_meaning;
  if (!fallback.empty() && setting.key != "workers") text += ". Default: " + fallback;
  return text;
}

/// Its structures as they are written down, its settings as the table has them.
ordered_json ServerSchema() {
  ordered_json schema = ordered_json::parse(kServerSchema);
  for (const Setting& setting : ServerSettings()) {
    if (setting.form == Setting::FileForm::kNotInFile) continue;
    ordered_json value = ValueOf(setting);
    value["description"] = Description(setting);
    schema["properties"][setting.key] = std::move(value);
  }
  const ordered_json pipeline = PipelineSchema();
  for (const char* const shared : {"baseline", "cold_start"}) {
    schema["$defs"][shared] = pipeline.at("$defs").at(shared);
  }
  return schema;
}

/// Of a file that `"routes"` of a deployment names: an array, which has no place for "$schema".
ordered_json RoutesSchema() {
  const ordered_json server = ServerSchema();
  ordered_json schema{
      {"$schema", server.at("$schema")},
      {"title", "Forkcast: a file of routes"},
      {"description",
       "Paths of your own, with requests and answers in the words of another service. See "
       "docs/routes.md."},
      {"type", "array"},
      {"items", {{"$ref", "#/$defs/route"}}}};
  for (const char* const used : {"route", "route_errors", "route_job", "parameter"}) {
    schema["$defs"][used] = server.at("$defs").at(used);
  }
  return schema;
}

constexpr std::array<FileSchema, 3> kSchemas{
    {{.name = "pipeline", .meaning = "a pipeline file", .make = &PipelineSchema},
     {.name = "server", .meaning = "the config file of a server", .make = &ServerSchema},
     {.name = "routes",
      .meaning = "a file of routes, which a deployment names",
      .make = &RoutesSchema}}};

}  // namespace

std::span<const FileSchema> FileSchemas() noexcept { return kSchemas; }

}  // namespace forkcast::serving
