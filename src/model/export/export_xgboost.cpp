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
  file.notes.push_back(
      fmt::format("it reads the columns that the transforms make, not the features: {}",
                  fmt::join(std::get<ForestSource>(model.scorer).features, ", ")));
  const std::string steps = model.target ? model.target->StepsText() : std::string();
  if (!steps.empty()) {
    file.notes.push_back(fmt::format("it answers the transformed target ({})", steps));
  }
  return file;
}

}  // namespace forkcast::model
