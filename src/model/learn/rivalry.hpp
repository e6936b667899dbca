#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "model/learn/version.hpp"

namespace forkcast::model {

/// When a challenger takes the champion's place.
struct RivalryRules {
  /// By how much its error has to be smaller, as a share of the champion's.
  double least_gain = 0.01;
  /// The most that chance may explain it: the p value of ChanceOfLead().
  double most_chance = 0.05;
};

/// A challenger beside the champion, on the same rows of the same folds: of those that both
/// answered. The challenger's models had not seen them; the champion is as it was published.
struct Rivalry {
  std::uint64_t champion = 0;  ///< Its number.
  std::string metric;          ///< The error that decides, smaller is better.
  std::uint64_t rows = 0;
  /// Of these, rows that the champion may have learned from: on them it looks better than it is.
  std::uint64_t seen_rows = 0;
  std::size_t groups = 0;  ///< Into which the rows fall (ChanceOfLead()).
  std::optional<double> challenger_error{};
  std::optional<double> champion_error{};
  double chance = 1;  ///< p

  /// 1 - challenger / champion; not there when the champion makes no error.
  [[nodiscard]] std::optional<double> gain() const noexcept;
};

/// Of which day or instant the newest row is that a version has learned from; empty when it does
/// not say.
[[nodiscard]] std::string LearnedUpTo(const Version& version);

/// Whether the challenger is better by these rules.
[[nodiscard]] bool IsBetter(const Rivalry& rivalry, const RivalryRules& rules) noexcept;

/// Why it is, or why not, in a sentence or two.
[[nodiscard]] std::string Describe(const Rivalry& rivalry, const RivalryRules& rules);

/// For manifests and `--json`.
[[nodiscard]] nlohmann::ordered_json ToJson(const Rivalry& rivalry, const RivalryRules& rules);

}  // namespace forkcast::model
