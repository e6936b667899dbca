#include "model/learn/linear/linear_options.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace forkcast::model {

using preprocessing::JsonNode;

namespace {

constexpr std::array<std::pair<LinearAlgorithm, std::string_view>, 4> kAlgorithms{
    {{LinearAlgorithm::kRidge, "ridge"},
     {LinearAlgorithm::kLasso, "lasso"},
     {LinearAlgorithm::kElasticNet, "elastic_net"},
     {LinearAlgorithm::kLogistic, "logistic"}}};
constexpr double kLeast = 1e-12;  // of what must be greater than 0
constexpr double kMost = 1e12;
constexpr std::int64_t kMostFeatures = 1'000'000;

bool IsByDescent(LinearAlgorithm algorithm) noexcept {
  return algorithm == LinearAlgorithm::kLasso || algorithm == LinearAlgorithm::kElasticNet;
}

void RefuseWhatHasNoMeaning(const JsonNode& node, LinearAlgorithm algorithm) {
  const auto refuse = [&node](const char* key, const char* why) {
    if (const auto member = node.Find(key)) member->Fail(why);
  };
  if (algorithm != LinearAlgorithm::kElasticNet) {
    refuse("l1_ratio", "only an elastic_net has it: a ridge's is 0, a lasso's 1");
  }
  if (IsByDescent(algorithm)) return;
  for (const char* const key : {"tolerance", "max_rounds"}) {
    refuse(key, "only lasso and elastic_net have it: others are solved to rounding");
  }
}

FeatureScore ReadScore(const JsonNode& node, bool of_classes) {
  const std::string name = node.String();
  if (name == "mutual_information") return FeatureScore::kMutualInformation;
  if (of_classes) {
    if (name == "f_classif") return FeatureScore::kFClassif;
    node.Fail("expected f_classif or mutual_information: classes are learned");
  }
  if (name == "f_regression") return FeatureScore::kFRegression;
  node.Fail("expected f_regression or mutual_information: a number is learned");
}

BestFeatures ReadBest(const JsonNode& node, bool of_classes) {
  node.RequireObject({"k", "score"});
  return {.k = static_cast<std::size_t>(node.Get("k").Integer(1, kMostFeatures)),
          .score = ReadScore(node.Get("score"), of_classes)};
}

Polynomial ReadPolynomial(const JsonNode& node) {
  node.RequireObject({"degree", "interaction_only"});
  Polynomial polynomial{.degree =
                            static_cast<unsigned>(node.Get("degree").Integer(1, kMostDegree))};
  if (const auto only = node.Find("interaction_only")) polynomial.interaction_only = only->Bool();
  return polynomial;
}

}  // namespace

std::string_view ToString(LinearAlgorithm algorithm) noexcept {
  return std::ranges::find(kAlgorithms, algorithm,
                           &std::pair<LinearAlgorithm, std::string_view>::first)
      ->second;
}

LinearOptions ReadLinearOptions(const TrainerDeclaration& declaration, LinearAlgorithm algorithm) {
  const JsonNode& node = declaration.node;
  node.RequireObject({"algorithm", "task", "classes", "alpha", "l1_ratio", "scale", "k_best",
                      "polynomial", "tolerance", "max_rounds", "seed", "threads"});
  const bool is_logistic = algorithm == LinearAlgorithm::kLogistic;
  if (is_logistic != declaration.of_classes) {
    node.Get("algorithm")
        .Fail(is_logistic ? "it tells classes apart: a forecast is a number"
                          : "it learns a number: of linear models logistic tells classes apart");
  }
  RefuseWhatHasNoMeaning(node, algorithm);
  LinearOptions options{.algorithm = algorithm};
  if (const auto alpha = node.Find("alpha")) {
    options.alpha = alpha->Number(algorithm == LinearAlgorithm::kRidge ? 0 : kLeast, kMost);
  }
  if (algorithm == LinearAlgorithm::kLasso) options.l1_ratio = 1;
  if (const auto ratio = node.Find("l1_ratio")) {
    constexpr double kLeastRatio = 1e-3;
    options.l1_ratio = ratio->Number(kLeastRatio, 1);
  }
  if (const auto scale = node.Find("scale")) {
    if (scale->String() != "standard") scale->Fail("expected standard");
    options.is_scaled = true;
  }
  if (const auto best = node.Find("k_best")) {
    options.best = ReadBest(*best, declaration.of_classes);
  }
  if (const auto polynomial = node.Find("polynomial")) {
    options.polynomial = ReadPolynomial(*polynomial);
  }
  if (const auto tolerance = node.Find("tolerance")) {
    constexpr double kLeastTolerance = 1e-15;
    options.tolerance = tolerance->Number(kLeastTolerance, 1);
  }
  if (const auto rounds = node.Find("max_rounds")) {
    options.max_rounds = static_cast<std::size_t>(rounds->Integer(1, 100'000'000));
  }
  return options;
}

}  // namespace forkcast::model
