#include "model/drift/drift_reference.hpp"

#include <utility>

namespace forkcast::model {

Result<std::shared_ptr<const DriftReference>> ReadDriftReference(
    const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / Reference::kFile;
  try {
    const nlohmann::ordered_json json = preprocessing::ReadJsonFile(file);
    auto bins = BinsOf(Reference::FromJson(preprocessing::JsonNode(json, file.string() + ": $")));
    if (!bins) return std::move(bins).error();
    preprocessing::Constraints constraints;
    const std::filesystem::path rules = folder / preprocessing::Constraints::kFile;
    if (std::filesystem::exists(rules)) {
      constraints = preprocessing::Constraints::Read(rules, preprocessing::RuleAction::kCount);
    }
    return std::make_shared<const DriftReference>(folder, *std::move(bins), std::move(constraints));
  } catch (const preprocessing::SpecError& error) {
    return Error{ErrorCode::kCorrupt, error.what()};
  }
}

}  // namespace forkcast::model
