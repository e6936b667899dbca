#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/features/feature_computer.hpp"
#include "data_preprocessing/table/value.hpp"
#include "serving/http/job.hpp"
#include "serving/wire/request_decoder.hpp"

namespace forkcast::serving {

class RemoteModels;

/// What is wanted of rows.
enum class Wanted {
  kOutputs,   ///< Of the model, and the features that they are made of.
  kFeatures,  ///< Alone. A forecast has none but those of its steps, so it gives outputs, too.
};

/// What is asked of a scorer: the rows that could be decoded.
struct ScoringTask {
  const wire::DecodedRequest& decoded;
  Instant received;  ///< Stands in for an absent time where that is allowed.
  /// Set: as it would have been answered at this instant (FeatureMoment::known_by).
  std::optional<Instant> known_by{};
  Wanted wanted = Wanted::kOutputs;
  /// Set: lines also say what they are made of, with so many of the largest contributions.
  /// Precondition: ServedPipeline::CheckExplains().
  std::optional<std::size_t> explain{};
  /// Those that may be asked, by a scorer of a remote model; null: none.
  RemoteModels* remotes = nullptr;
  /// When the request has to be answered.
  MonotonicTime deadline = MonotonicTime::max();
  /// To be called on the loop, later, when a scorer that waits can go on.
  std::function<void()> wake{};
};

/// What became of the rows of a request, in their order. A row that was scored has a line, or
/// several where it asks for several; one that could not be has an error. Kept from request to
/// request, so that its memory is.
struct Scores {
  std::vector<std::size_t> rows;                 ///< By line: position of its row in decoded.rows,
  std::vector<std::size_t> row_numbers;          ///< and within the request.
  std::vector<preprocessing::SeriesMask> stale;  ///< By line.
  std::vector<preprocessing::Value> features;    ///< Lines x the pipeline's features.
  /// Lines x the outputs of the pipeline; texts are views that live as long as the scorer has not
  /// been started again.
  std::vector<preprocessing::Value> outputs;
  /// By line: members of its JSON object, ready to be written; empty where none were asked for.
  std::vector<std::string> members;
  std::vector<wire::RowError> errors;

  void Clear() noexcept;

  /// Lines of these rows are dropped, and the rows get these errors instead. Precondition: `bad` is
  /// in ascending order of rows, each once.
  void Refuse(std::span<const wire::RowError> bad);
};

/// Scores the rows of one request after the other, in slices; scratch memory of one thread. Made by
/// a ServedPipeline, which it must not outlive. Allocates nothing in steady state.
class Scorer {
 public:
  virtual ~Scorer() = default;

  /// Begins with `task`, whose rows stay as they are, and `scores` where they are, until the last
  /// call. `scores` is cleared.
  virtual void Start(const ScoringTask& task, Scores& scores) = 0;
  /// Computes features, and whatever they depend on, for further rows, about `lines` lines. Returns
  /// how many rows are left.
  virtual std::size_t ComputeFeatures(std::size_t lines) = 0;
  /// Scores further rows, about `lines` lines, behind all features. kWaits: others have to do their
  /// part, and ScoringTask::wake will tell when they have. An error is that of all rows.
  virtual Result<Progress> Predict(std::size_t lines) = 0;
  /// Gives up what it waits for: `wake` is not called any more.
  virtual void GiveUp() noexcept {}
};

}  // namespace forkcast::serving
