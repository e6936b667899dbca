#pragma once

#include "data_preprocessing/command/command.hpp"

namespace forkcast::model {

/// `forkcast train`, `retrain`, `evaluate` and `check` as the program forkcast-train has them:
/// XGBoost and the threads of OpenMP are in that program alone, so that a server maps neither.
[[nodiscard]] inline preprocessing::Command TrainElsewhere() {
  return {.name = "train",
          .meaning = "judges a pipeline's model, trains it on everything and publishes it",
          .program = "forkcast-train"};
}
[[nodiscard]] inline preprocessing::Command RetrainElsewhere() {
  return {.name = "retrain",
          .meaning = "trains a published model anew and promotes what is better",
          .program = "forkcast-train"};
}
[[nodiscard]] inline preprocessing::Command CheckElsewhere() {
  return {.name = "check",
          .meaning = "says what is wrong with pipeline files, without any data",
          .program = "forkcast-train"};
}
[[nodiscard]] inline preprocessing::Command EvaluateElsewhere() {
  return {.name = "evaluate",
          .meaning = "judges a pipeline's model on its past",
          .program = "forkcast-train"};
}

}  // namespace forkcast::model
