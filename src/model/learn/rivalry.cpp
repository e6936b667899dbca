#include "model/learn/rivalry.hpp"

#include <fmt/format.h>

#include "model/artefact/manifest_parts.hpp"

namespace forkcast::model {
namespace {

enum class Verdict : std::uint8_t {
  kBetter,
  kNothingToCompare,
  kNotBetter,
  kTooLittle,
  kByChance,
};

Verdict Judge(const Rivalry& rivalry, const RivalryRules& rules) noexcept {
  if (!rivalry.challenger_error || !rivalry.champion_error) return Verdict::kNothingToCompare;
  if (*rivalry.challenger_error >= *rivalry.champion_error) return Verdict::kNotBetter;
  if (rivalry.gain().value_or(0) < rules.least_gain) return Verdict::kTooLittle;
  return rivalry.chance <= rules.most_chance ? Verdict::kBetter : Verdict::kByChance;
}

std::string Seen(const Rivalry& rivalry) {
  if (rivalry.seen_rows == 0) return {};
  return fmt::format(
      " It may have learned from {} of these rows itself, on which it looks better than it is.",
      rivalry.seen_rows);
}

}  // namespace

std::optional<double> Rivalry::gain() const noexcept {
  if (!challenger_error || !champion_error || *champion_error == 0) return std::nullopt;
  return 1 - *challenger_error / *champion_error;
}

std::string LearnedUpTo(const Version& version) {
  const nlohmann::ordered_json data = version.manifest().value("data", nlohmann::ordered_json());
  return data.is_object() ? data.value("to", std::string()) : std::string();
}

bool IsBetter(const Rivalry& rivalry, const RivalryRules& rules) noexcept {
  return Judge(rivalry, rules) == Verdict::kBetter;
}

std::string Describe(const Rivalry& rivalry, const RivalryRules& rules) {
  const Verdict verdict = Judge(rivalry, rules);
  if (verdict == Verdict::kNothingToCompare) {
    return fmt::format(
        "The challenger cannot be compared with version {}: they have no rows in common of which "
        "{} is defined.",
        rivalry.champion, rivalry.metric);
  }
  const std::string compared = fmt::format(
      "on {} rows that both were asked about its {} is {:.6g}, that of version {} is {:.6g}",
      rivalry.rows, rivalry.metric, *rivalry.challenger_error, rivalry.champion,
      *rivalry.champion_error);
  const std::string seen = Seen(rivalry);
  switch (verdict) {
    case Verdict::kBetter:
      return fmt::format("The challenger is better: {} (p = {:.2g} that this is chance).{}",
                         compared, rivalry.chance, seen);
    case Verdict::kTooLittle:
      return fmt::format("The challenger is better by too little: {}, and {:g} % are asked for.{}",
                         compared, 100 * rules.least_gain, seen);
    case Verdict::kByChance:
      return fmt::format(
          "The challenger may be better by chance: {}; among {} groups of rows that happens by "
          "chance with p = {:.2g}, and {:g} is the most that is allowed.{}",
          compared, rivalry.groups, rivalry.chance, rules.most_chance, seen);
    case Verdict::kNotBetter:
    case Verdict::kNothingToCompare:
      break;
  }
  return fmt::format("The challenger is NOT better: {}.{}", compared, seen);
}

nlohmann::ordered_json ToJson(const Rivalry& rivalry, const RivalryRules& rules) {
  return {{"champion", rivalry.champion},
          {"metric", rivalry.metric},
          {"rows", rivalry.rows},
          {"rows_seen_by_champion", rivalry.seen_rows},
          {"groups", rivalry.groups},
          {"challenger_error", OrNull(rivalry.challenger_error)},
          {"champion_error", OrNull(rivalry.champion_error)},
          {"gain", OrNull(rivalry.gain())},
          {"p", rivalry.chance},
          {"least_gain", rules.least_gain},
          {"most_chance", rules.most_chance},
          {"is_better", IsBetter(rivalry, rules)},
          {"why", Describe(rivalry, rules)}};
}

}  // namespace forkcast::model
