#include "model/evaluate/walk_forward.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace forkcast::model {

FoldSpec ReadFoldSpec(const preprocessing::JsonNode& node, std::size_t horizon) {
  constexpr std::int64_t kMax = 1'000'000;
  node.RequireObject({"window", "n_splits", "gap", "step", "train_periods", "refit"});
  FoldSpec spec{.horizon = horizon};
  const auto count = [&node](const char* key, std::int64_t least) -> std::optional<std::size_t> {
    const auto member = node.Find(key);
    if (!member) return std::nullopt;
    return static_cast<std::size_t>(member->Integer(least, kMax));
  };
  if (const auto window = node.Find("window")) {
    const std::string name = window->String();
    if (name != "anchored" && name != "rolling") window->Fail("expected anchored or rolling");
    if (name == "rolling") spec.window = FoldSpec::Window::kRolling;
  }
  spec.n_splits = count("n_splits", 1).value_or(spec.n_splits);
  spec.gap = count("gap", 0).value_or(spec.gap);
  spec.step = count("step", 1);
  spec.train_periods = count("train_periods", 1);
  if (const auto refit = node.Find("refit")) spec.refit = refit->Bool();
  return spec;
}

Result<std::vector<Fold>> WalkForwardFolds(const FoldSpec& spec, PeriodRange periods) {
  const auto folds = static_cast<std::int64_t>(spec.n_splits);
  const auto horizon = static_cast<std::int64_t>(spec.horizon);
  const auto gap = static_cast<std::int64_t>(spec.gap);
  const auto step = static_cast<std::int64_t>(spec.step.value_or(spec.horizon));
  const auto least_train = static_cast<std::int64_t>(spec.train_periods.value_or(1));
  if (folds < 1 || horizon < 1 || step < 1 || least_train < 1) {
    return Error{ErrorCode::kInvalidArgument,
                 "folds, horizon, step and training periods must be at least 1"};
  }
  const std::int64_t needed = least_train + gap + (folds - 1) * step + horizon;
  if (periods.size() < needed) {
    return Error{ErrorCode::kInvalidArgument,
                 "too little history: " + std::to_string(folds) + " folds with horizon " +
                     std::to_string(horizon) + ", step " + std::to_string(step) + ", gap " +
                     std::to_string(gap) + " and at least " + std::to_string(least_train) +
                     " training periods need " + std::to_string(needed) +
                     " periods, and there are " + std::to_string(periods.size())};
  }
  const std::int64_t first_train =
      spec.window == FoldSpec::Window::kRolling && spec.train_periods
          ? least_train
          : periods.size() - (needed - least_train);  // all there is before the first test
  std::vector<Fold> result;
  for (std::int64_t fold = 0; fold < folds; ++fold) {
    const std::int64_t test_last = periods.last - (folds - 1 - fold) * step;
    const std::int64_t origin = test_last - horizon;
    const std::int64_t train_last = origin - gap;
    result.push_back(
        {.train = {spec.window == FoldSpec::Window::kRolling ? train_last - first_train + 1
                                                             : periods.first,
                   train_last},
         .origin = origin,
         .test = {origin + 1, test_last}});
  }
  if (!spec.refit) {
    for (Fold& fold : result) fold.train = result.front().train;
  }
  return result;
}

Result<std::vector<Fold>> FoldsBefore(const FoldSpec& spec, PeriodRange periods, const Fold& first,
                                      std::size_t count) {
  const auto step = static_cast<std::int64_t>(spec.step.value_or(spec.horizon));
  const bool is_anchored = spec.window == FoldSpec::Window::kAnchored;
  const auto least_train =
      static_cast<std::int64_t>(is_anchored ? spec.train_periods.value_or(1) : 1);
  const std::int64_t there = first.train.last - periods.first + 1;
  const std::int64_t needed = least_train + static_cast<std::int64_t>(count) * step;
  if (there < needed) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("too little history: {} fold{} to calibrate intervals by, with step "
                             "{}, need {} periods that the first judged fold trains on, and there "
                             "are {}",
                             count, count == 1 ? "" : "s", step, needed, there)};
  }
  std::vector<Fold> earlier;
  for (std::size_t i = count; i > 0; --i) {
    const std::int64_t by = static_cast<std::int64_t>(i) * step;
    earlier.push_back(
        {.train = {is_anchored ? periods.first : std::max(periods.first, first.train.first - by),
                   first.train.last - by},
         .origin = first.origin - by,
         .test = {first.test.first - by, first.test.last - by}});
  }
  return earlier;
}

}  // namespace forkcast::model
