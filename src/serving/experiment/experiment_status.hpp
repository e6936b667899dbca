#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "serving/experiment/experiment.hpp"
#include "serving/experiment/findings.hpp"

namespace forkcast::serving {

/// A number as it is told: without what is not known, as an end that is infinite.
struct ToldEstimate {
  std::optional<double> value{};
  std::optional<double> lower{};
  std::optional<double> upper{};

  friend bool operator==(const ToldEstimate&, const ToldEstimate&) = default;
};

/// What a server tells of an experiment.
struct ExperimentStatus {
  std::uint64_t id = 0;
  std::string deployment;
  std::string asked;  ///< The challenger, as it was asked for.
  std::string mode;
  double share = 0;
  std::string state;  ///< WordFor(), or "starting" while not every worker has the challenger.
  std::string reason;
  std::string champion;  ///< Its version; empty until a worker has told, as what follows.
  std::string champion_place;
  std::string challenger;
  std::string challenger_place;
  std::size_t workers = 0;        ///< That have it,
  std::size_t ready_workers = 0;  ///< of so many.
  std::uint64_t champion_requests = 0;
  std::uint64_t champion_failures = 0;
  std::uint64_t challenger_requests = 0;
  std::uint64_t challenger_failures = 0;
  std::uint64_t lines = 0;
  std::uint64_t agreed = 0;
  std::uint64_t dropped = 0;
  ToldEstimate champion_failure_share{};
  ToldEstimate challenger_failure_share{};
  ToldEstimate difference{};
  ToldEstimate agreement{};
  ToldEstimate slowdown{};

  friend bool operator==(const ExperimentStatus&, const ExperimentStatus&) = default;
};

/// How many workers have the challenger.
struct ExperimentSpread {
  std::size_t workers = 0;
  std::size_t ready_workers = 0;
};

/// `sums`: of all workers, and what was before.
[[nodiscard]] ExperimentStatus StatusOf(const Experiment& experiment, const ExperimentSums& sums,
                                        const ExperimentSpread& spread);

/// A member of `forkcast status --json`, and back; throws what nlohmann::json does.
[[nodiscard]] nlohmann::ordered_json ToJson(const ExperimentStatus& status);
[[nodiscard]] ExperimentStatus ExperimentStatusOf(const nlohmann::ordered_json& json);

/// For people: a line on what it is and how it is, and one on what was found.
[[nodiscard]] std::string ToText(const ExperimentStatus& status);

}  // namespace forkcast::serving
