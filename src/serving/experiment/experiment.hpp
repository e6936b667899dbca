#pragma once

// An *experiment* compares the version that answers, the *champion*, with another one, the
// *challenger*, on the requests of one deployment:
//   shadow  the challenger scores a copy of a share of the requests, behind the answer;
//   canary  a share of the answers is the challenger's.
// What it may be is data here; who does it is in service/ (Challenger, ShadowQueue), who decides on
// it in process/ (ExperimentKeeper).

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "serving/experiment/experiment_sums.hpp"

namespace forkcast::serving {

enum class ExperimentMode : std::uint8_t { kShadow, kCanary };
/// "shadow", "canary".
[[nodiscard]] std::string_view WordFor(ExperimentMode mode) noexcept;

/// When an experiment ends by itself: the challenger is worse than one of these allows, and that is
/// certain.
struct ExperimentGuards {
  /// The probability with which no experiment ends whose challenger keeps to all of them.
  double confidence = 0.95;
  double max_failures = 0.01;  ///< Share of requests that fail and would not with the champion.
  double max_slowdown = 5;     ///< How many times as long scoring may take.
  std::optional<double> max_difference{};  ///< Of the compared output's mean, up or down.

  friend bool operator==(const ExperimentGuards&, const ExperimentGuards&) = default;
};

/// What a user declares.
struct ExperimentPlan {
  std::string deployment;  ///< By name.
  /// "2", "ALIAS", "MODEL@2", "MODEL:2", or with `is_pipeline` the path of a pipeline's file or of
  /// a folder with one or with a version.
  std::string challenger;
  bool is_pipeline = false;
  ExperimentMode mode = ExperimentMode::kShadow;
  double share = 0;                ///< Of the requests, 0 to 1.
  std::string compare{};           ///< The output that is compared; empty: DefaultOutput().
  std::vector<std::string> key{};  ///< Request fields by which a canary is split; empty: the keys.
  ExperimentGuards end{};

  friend bool operator==(const ExperimentPlan&, const ExperimentPlan&) = default;
};

/// Reads a deployment's member "challenger", and what `forkcast deploy` sends:
///   {"version": "2", "shadow": 0.1, "end": {"max_difference": 3}}
///   {"pipeline": "conf/pipelines/new.json", "canary": 0.05, "key": ["shop"], "compare": "value"}
/// Throws SpecError.
[[nodiscard]] ExperimentPlan ReadExperimentPlan(const preprocessing::JsonNode& node,
                                                std::string deployment);
/// The other way round.
[[nodiscard]] nlohmann::ordered_json ToJson(const ExperimentPlan& plan);

enum class ExperimentState : std::uint8_t {
  kRunning,
  kStopped,   ///< As a user said.
  kPromoted,  ///< The challenger is the champion now.
  kEnded,     ///< By a guard, or since one of both versions changed.
  kFailed,    ///< The challenger could not be loaded, does not fit, or took a worker along.
};
/// "running", "stopped", "promoted", "ended", "failed".
[[nodiscard]] std::string_view WordFor(ExperimentState state) noexcept;

struct Experiment {
  std::uint64_t id = 0;  ///< Another one for each; only grows.
  ExperimentPlan plan;
  ExperimentState state = ExperimentState::kRunning;
  std::string reason{};  ///< Why it runs no more.
  Instant begun{};
  // As the first worker that had loaded the challenger told; empty before.
  std::string champion{};          ///< Its version,
  std::string champion_place{};    ///< and where it is published: "MODEL@ALIAS", or a path.
  std::string challenger{};        ///< Likewise.
  std::string challenger_place{};  ///< "MODEL@2", or a path.
  /// What had been found before an upgrade of the server's program.
  ExperimentSums before{};

  [[nodiscard]] bool is_running() const noexcept { return state == ExperimentState::kRunning; }
};

/// One JSON document for all of them, and back. kCorrupt when `text` is none.
[[nodiscard]] std::string ToText(const std::vector<Experiment>& experiments);
[[nodiscard]] Result<std::vector<Experiment>> ParseExperiments(std::string_view text);

}  // namespace forkcast::serving
