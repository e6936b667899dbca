#include "model/learn/trainers/trainer_kinds.hpp"

#include <array>

#include "model/learn/linear/linear_trainers.hpp"
#include "model/learn/quantile_table/quantile_table_trainer.hpp"
#include "model/learn/xgboost/tree_trainers.hpp"

namespace forkcast::model {
namespace {

constexpr std::array kKinds{
    TrainerKind{.name = "random_forest", .make = &MakeRandomForest},
    TrainerKind{.name = "gradient_boosting", .make = &MakeGradientBoosting},
    TrainerKind{.name = "ridge", .make = &MakeRidge},
    TrainerKind{.name = "lasso", .make = &MakeLasso},
    TrainerKind{.name = "elastic_net", .make = &MakeElasticNet},
    TrainerKind{.name = "logistic", .make = &MakeLogistic},
    TrainerKind{.name = "quantile_table", .make = &MakeQuantileTable},
};

}  // namespace

std::span<const TrainerKind> TrainerKinds() noexcept { return kKinds; }

}  // namespace forkcast::model
