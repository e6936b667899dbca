#include "model/classify/classifier_version.hpp"

#include "data_preprocessing/document/json_node.hpp"
#include "model/classify/class_files.hpp"
#include "model/learn/model_files.hpp"

namespace forkcast::model {

Result<ClassifierVersion> ClassifierVersion::Read(const VersionInfo& info) {
  Result<Version> version = Version::Read(info, "classifier");
  if (!version) return std::move(version).error();
  try {
    ClassifierPlan plan =
        ReadClassifierPlan(preprocessing::JsonNode(version->document()), version->spec(), {});
    plan.setting.seed = version->seed();
    const PublishedFile* const file = version->FindFile(kClassesFile);
    if (file == nullptr) {
      return version->InFolder({ErrorCode::kCorrupt, std::string(kClassesFile) + ": missing"});
    }
    std::vector<ClassLabel> classes = ReadClasses(LoadFile(*file), version->spec());
    return ClassifierVersion(*std::move(version), std::move(plan), std::move(classes));
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, info.folder.string() + ": " + error.what()};
  }
}

Result<ClassifierModel> ClassifierVersion::Model() const {
  Result<ClassifierModel> model = ClassifierModel::Load(files(), plan_, classes_);
  if (!model) return InFolder(std::move(model).error());
  return model;
}

}  // namespace forkcast::model
