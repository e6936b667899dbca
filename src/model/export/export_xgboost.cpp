#include <fmt/format.h>
#include <fmt/ranges.h>

#include "model/export/exported_model.hpp"

namespace forkcast::model {

Result<ExportedFile> ExportXGBoost(const ExportableModel& model) {
  if (model.interchange.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "a linear model: XGBoost's format holds trees alone (--format onnx writes it)"};
  }
  ExportedFile file{.bytes = model.interchange};
  const auto& forest = std::get<ForestSource>(model.scorer);
  file.notes.push_back(
      fmt::format("it reads the columns that the transforms make, not the features: {}",
                  fmt::join(forest.features, ", ")));
  if (model.classes.size() > 2 && forest.link == Link::kIdentity) {
    file.notes.emplace_back("it answers a share of trees for each class: divide them by their sum");
  }
  const std::string steps = model.target ? model.target->StepsText() : std::string();
  if (!steps.empty()) {
    file.notes.push_back(fmt::format("it answers the transformed target ({})", steps));
  }
  return file;
}

}  // namespace forkcast::model
