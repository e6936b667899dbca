#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "data_preprocessing/base/result.hpp"
#include "model/inputs/model_inputs.hpp"
#include "model/learn/fit.hpp"
#include "model/predict/predictor.hpp"

namespace forkcast::model {

/// What is ever asked of a model: by that, a shard keeps more or less of it.
enum class FitUse {
  kJudged,     ///< Answers rows of a fold.
  kExplained,  ///< Also says why, and which features matter.
  kPublished,  ///< Also all files of it.
};

/// A training among those of a whole run: the models of one document, over one range of rows.
struct FitPlace {
  FitUse use = FitUse::kJudged;
  /// Its number among all trainings of the run, in their order, whatever became of those before.
  std::size_t number = 0;
};

/// Where the models of a run come from, when not all of them are trained in this process
/// (SHARDS.md): a shard trains some and keeps them, whoever joins shards takes what they kept.
/// Between these two lies the one place at which a run trains a model, so that all that judges,
/// chooses and publishes does not know of either. Thread-safe but for Begin(). Errors of models
/// that cannot be trained come back as they were.
class ModelFits {
 public:
  using Train = std::function<Result<std::optional<TrainedPredictor>>()>;
  using Learn = std::function<nlohmann::ordered_json()>;

  virtual ~ModelFits() = default;

  /// A training begins; the fits that follow are its.
  virtual void Begin(const FitPlace& place) = 0;
  /// Whether the model of all keys is had here, the `model`-th (from 0) of a training.
  [[nodiscard]] virtual bool HasModel(std::size_t model) const noexcept = 0;
  /// Whether the models of one key are; keys are numbered as in the data.
  [[nodiscard]] virtual bool HasKey(std::size_t key) const noexcept = 0;
  /// A model by its name, which no other of the run has. `inputs` and `answer`: as of FitModel().
  /// Nothing when `train` was cancelled.
  [[nodiscard]] virtual Result<std::optional<TrainedPredictor>> Fit(const std::string& name,
                                                                    const ModelInputs& inputs,
                                                                    const TrainedAnswer& answer,
                                                                    const Train& train) = 0;
  /// What was learned of a key's history, as JSON.
  [[nodiscard]] virtual Result<nlohmann::ordered_json> History(const std::string& name,
                                                               const Learn& learn) = 0;
};

}  // namespace forkcast::model
