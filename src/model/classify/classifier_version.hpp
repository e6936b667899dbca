#pragma once

#include <utility>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/artefact/registry.hpp"
#include "model/classify/classifier_model.hpp"
#include "model/classify/classifier_plan.hpp"
#include "model/classify/labelled_rows.hpp"
#include "model/learn/version.hpp"

namespace forkcast::model {

/// A classifier that was published, read back (FORMAT.md); its model is made when it is asked for.
class ClassifierVersion : public Version {
 public:
  /// As Version::Read; kCorrupt also when classes.json is not of the pipeline's label.
  static Result<ClassifierVersion> Read(const VersionInfo& info);

  /// What its document means; with the seed that was used, whatever the document says.
  [[nodiscard]] const ClassifierPlan& plan() const noexcept { return plan_; }
  /// Those that the model knows, in the order of its answers.
  [[nodiscard]] const std::vector<ClassLabel>& classes() const noexcept { return classes_; }

  /// The model; its classes() are positions among those of the version. As ClassifierModel::Load.
  [[nodiscard]] Result<ClassifierModel> Model() const;

 private:
  ClassifierVersion(Version version, ClassifierPlan plan, std::vector<ClassLabel> classes)
      : Version(std::move(version)), plan_(std::move(plan)), classes_(std::move(classes)) {}

  ClassifierPlan plan_;
  std::vector<ClassLabel> classes_;
};

}  // namespace forkcast::model
