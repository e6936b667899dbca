#include "model/import/xgboost_format.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "model/tree/xgboost_reader.hpp"

namespace forkcast::model {
namespace {

/// The round that early stopping found best, as the file says it.
std::optional<std::size_t> BestRound(const ForestSource& forest) {
  const auto best = forest.attributes.find("best_iteration");
  if (best == forest.attributes.end()) return std::nullopt;
  std::size_t round = 0;
  const std::string& text = best->second;
  const auto [behind, failed] = std::from_chars(text.data(), text.data() + text.size(), round);
  if (failed != std::errc() || behind != text.data() + text.size()) return std::nullopt;
  return round;
}

Status ChooseRounds(Rounds rounds, std::size_t trees_a_round, ImportedModel& model) {
  ForestSource& forest = model.forest;
  const std::size_t count = forest.trees.size() / trees_a_round;
  const std::optional<std::size_t> best = BestRound(forest);
  if (rounds == Rounds::kBest) {
    if (!best || *best >= count) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("best_iteration: the file names no best one of its {} rounds: take "
                               "all of them",
                               count)};
    }
    forest.trees.resize((*best + 1) * trees_a_round);
  } else if (rounds == Rounds::kBestIfNamed && best && *best < count) {
    forest.trees.resize((*best + 1) * trees_a_round);
  } else if (best && *best + 1 < count) {
    model.notes.push_back(fmt::format(
        "best_iteration: early stopping found round {} of 0 to {} best. All rounds are taken, as "
        "XGBoost's Booster does; its scikit-learn classes take those up to the best, and so does "
        "--rounds best",
        *best, count - 1));
  }
  return {};
}

/// Numbers that stand for categories by their position become categories themselves.
Status TakeNumbers(std::uint32_t feature, std::span<const double> numbers, ImportedModel& model) {
  std::vector<std::uint32_t> categories;
  for (const double number : numbers) {
    if (!(number >= 0 && number < double{ForestSource::kMostCategories}) ||
        number != std::floor(number)) {
      return Error{
          ErrorCode::kInvalidArgument,
          fmt::format("cats: feature {:?} has the category {}, expected whole numbers "
                      "from 0 to {}",
                      model.forest.features[feature], number, ForestSource::kMostCategories - 1)};
    }
    categories.push_back(static_cast<std::uint32_t>(number));
  }
  return RenumberCategories(feature, categories, model.forest);
}

TrainedAnswer AnswerOf(const XGBoostModel& model) {
  const std::size_t margins = model.forest.base_margins.size();
  std::size_t classes = 0;
  if (model.objective == "binary:logistic" && margins == 1) classes = 2;
  if (model.objective == "multi:softprob") classes = margins;
  if (classes >= 2) {
    ClassAnswer answer;
    for (std::size_t i = 0; i < classes; ++i) answer.classes.push_back(std::to_string(i));
    return answer;
  }
  if (margins == 1 || model.forest.link == Link::kGreatest) return ValueAnswer{};
  return ValuesAnswer{margins};
}

Status TakeCategories(const XGBoostModel& read, ImportedModel& model) {
  for (const auto& [feature, texts] : read.category_texts) {
    if (Status taken = TakeTexts(feature, texts, model); !taken) return taken;
    model.inputs[feature].unknown = UnknownCategory::kError;
  }
  for (const auto& [feature, numbers] : read.category_numbers) {
    if (Status taken = TakeNumbers(feature, numbers, model); !taken) return taken;
  }
  return {};
}

/// A tree of one leaf a margin: its bias and terms, added up as XGBoost does. Of a base_score a
/// class, which 3.1 and later write, it takes the first one for all classes.
LinearForestSource LinearOf(const XGBoostModel& read) {
  const float base = read.forest.base_margins.front();
  const std::size_t margins = read.forest.base_margins.size();
  const std::size_t features = read.forest.features.size();
  LinearForestSource linear{.arithmetic = LinearForestSource::Arithmetic::kFloat,
                            .margins = margins,
                            .link = read.forest.link};
  for (const std::string& name : read.forest.features) linear.inputs.push_back({.name = name});
  for (std::uint32_t margin = 0; margin < margins; ++margin) {
    const float bias = read.linear_weights[features * margins + margin];
    LinearForestSource::Leaf leaf{.constant = double{bias + base}};
    for (std::uint32_t i = 0; i < features; ++i) {
      leaf.terms.push_back(
          {.input = i, .coefficient = double{read.linear_weights[i * margins + margin]}});
    }
    linear.trees.push_back({.margin = margin, .tests = {}, .leaves = {std::move(leaf)}});
  }
  return linear;
}

Status TakeLinear(const XGBoostModel& read, Rounds rounds, ImportedModel& model) {
  if (rounds == Rounds::kBest) {
    return Error{ErrorCode::kInvalidArgument,
                 "gradient_booster: gblinear has one model, whatever its rounds: take all of them"};
  }
  if (read.linear_weights.size() > LinearForestSource::kMostParts) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("weights: over {} numbers", LinearForestSource::kMostParts)};
  }
  model.linear = LinearOf(read);
  for (const LinearForestSource::Tree& tree : model.linear->trees) {
    if (std::isfinite(tree.leaves[0].constant)) continue;
    return Error{ErrorCode::kCorrupt, "weights: a bias that is no finite number"};
  }
  return {};
}

}  // namespace

bool IsXGBoost(std::string_view bytes) noexcept { return bytes.starts_with('{'); }

Result<ImportedModel> ImportXGBoost(std::string_view bytes, Rounds rounds) {
  Result<XGBoostModel> read = ReadXGBoostModel(bytes);
  if (!read) return std::move(read).error();
  ImportedModel model;
  model.format_version = fmt::format("{}", fmt::join(read->version, "."));
  model.objective = read->objective;
  model.has_input_names = read->has_feature_names;
  model.answer = AnswerOf(*read);
  if (!read->linear_weights.empty()) {
    if (Status taken = TakeLinear(*read, rounds, model); !taken) return std::move(taken).error();
    model.forest.features = std::move(read->forest.features);
    for (const std::string& name : model.forest.features) model.inputs.push_back({.name = name});
    return model;
  }
  model.forest = std::move(read->forest);
  for (const std::string& name : model.forest.features) model.inputs.push_back({.name = name});
  if (Status taken = TakeCategories(*read, model); !taken) return std::move(taken).error();
  if (Status chosen = ChooseRounds(rounds, read->trees_a_round, model); !chosen) {
    return std::move(chosen).error();
  }
  model.can_explain = !std::holds_alternative<ValuesAnswer>(model.answer) &&
                      model.forest.link != Link::kGreatest && model.forest.link != Link::kStep;
  return model;
}

}  // namespace forkcast::model
