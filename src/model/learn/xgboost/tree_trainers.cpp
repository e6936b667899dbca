#include "model/learn/xgboost/tree_trainers.hpp"

#include <optional>

#include "model/learn/xgboost/booster.hpp"
#include "model/learn/xgboost/tree_algorithm.hpp"

namespace forkcast::model {
namespace {

class TreeTrainer final : public Trainer {
 public:
  explicit TreeTrainer(const TreeOptions& options) : options_(options) {}

  [[nodiscard]] std::optional<double> validation_share() const noexcept override {
    if (!options_.early_stopping) return std::nullopt;
    return options_.early_stopping->share;
  }
  [[nodiscard]] std::optional<TrainingLibrary> library() const override {
    return TrainingLibrary{"xgboost", XGBoostLibraryVersion()};
  }
  [[nodiscard]] Result<std::optional<TrainedModel>> Train(const TrainingRows& rows,
                                                          const LearningSetting& setting,
                                                          const OnRound& on_round) const override {
    TreeOptions options = options_;
    static_cast<LearningSetting&>(options) = setting;
    return options.algorithm->train(options, rows, on_round);
  }

 private:
  TreeOptions options_;
};

}  // namespace

std::unique_ptr<const Trainer> MakeTreeTrainer(const TreeOptions& options) {
  return std::make_unique<TreeTrainer>(options);
}

std::unique_ptr<const Trainer> MakeRandomForest(const TrainerDeclaration& declaration) {
  return MakeTreeTrainer(ReadTreeOptions(declaration, kRandomForest));
}

std::unique_ptr<const Trainer> MakeGradientBoosting(const TrainerDeclaration& declaration) {
  return MakeTreeTrainer(ReadTreeOptions(declaration, kGradientBoosting));
}

}  // namespace forkcast::model
