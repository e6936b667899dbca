#pragma once

#include <string>
#include <string_view>

namespace forkcast::model {

/// A model of XGBoost of two inputs, `price` and `stock`: 0.5, and 1 more where the price is 10 or
/// more, and 4 more where the stock is missing or 3 or more.
inline std::string SmallXGBoost(std::string_view objective = "reg:squarederror",
                                std::string_view names = R"(["price", "stock"])",
                                std::string_view attributes = "{}") {
  constexpr std::string_view kBegin = R"({"version": [2, 1, 4], "learner": {"attributes": )";
  constexpr std::string_view kTrees = R"(, "gradient_booster": {"name": "gbtree", "model": {
    "gbtree_model_param": {"num_trees": "2", "num_parallel_tree": "1"}, "tree_info": [0, 0], "trees": [
    {"id": 0, "left_children": [1, -1, -1], "right_children": [2, -1, -1], "split_indices": [0, 0, 0],
     "split_conditions": [1E1, 0E0, 1E0], "default_left": [1, 0, 0], "sum_hessian": [8, 4, 4]},
    {"id": 1, "left_children": [1, -1, -1], "right_children": [2, -1, -1], "split_indices": [1, 0, 0],
     "split_conditions": [3E0, 0E0, 4E0], "default_left": [0, 0, 0], "sum_hessian": [8, 6, 2]}]}},
    "learner_model_param": {"base_score": "5E-1", "num_class": "0", "num_feature": "2", "num_target": "1"},
    "objective": {"name": ")";
  std::string text(kBegin);
  text += attributes;
  text += R"(, "feature_names": )";
  text += names;
  text += kTrees;
  text += objective;
  text += R"("}}})";
  return text;
}

}  // namespace forkcast::model
