#include "model/classify/class_files.hpp"

#include <algorithm>
#include <limits>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/learn/model_files.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ColumnType;
using preprocessing::JsonNode;
using preprocessing::PipelineSpec;

ColumnType LabelType(const PipelineSpec& spec) {
  const preprocessing::TableSpec& table =
      *std::ranges::find(spec.tables, spec.training->table, &preprocessing::TableSpec::name);
  return table.schema.columns[*table.schema.Find(spec.training->label)].type;
}

ClassLabel ReadLabel(const JsonNode& node, ColumnType type) {
  if (type == ColumnType::kBool) return node.Bool();
  if (type == ColumnType::kInt64) {
    return node.Integer(std::numeric_limits<std::int64_t>::min(),
                        std::numeric_limits<std::int64_t>::max());
  }
  if (!node.json().is_string()) node.Fail("expected a text");
  return node.json().get<std::string>();  // which may be empty, unlike a name
}

}  // namespace

ArtefactFile ClassesFile(std::span<const ClassLabel> classes, const PipelineSpec& spec) {
  nlohmann::ordered_json values = nlohmann::ordered_json::array();
  for (const ClassLabel& one : classes) values.push_back(ToJson(one));
  const nlohmann::ordered_json json{{"label", spec.training->label}, {"classes", values}};
  return {kClassesFile, json.dump() + "\n"};
}

std::vector<ClassLabel> ReadClasses(const ArtefactFile& file, const PipelineSpec& spec) {
  std::vector<ClassLabel> classes;
  ReadJson(file, [&](const JsonNode& root) {
    root.RequireObject({"label", "classes"});
    if (root.Get("label").String() != spec.training->label) {
      root.Get("label").Fail("expected the pipeline's label \"" + spec.training->label + "\"");
    }
    for (const JsonNode& node : root.Get("classes").Elements()) {
      ClassLabel label = ReadLabel(node, LabelType(spec));
      if (!classes.empty() && !(classes.back() < label)) {
        node.Fail("expected the classes in ascending order, none twice");
      }
      classes.push_back(std::move(label));
    }
    if (classes.size() < 2) root.Get("classes").Fail("expected two classes at least");
  });
  return classes;
}

}  // namespace forkcast::model
