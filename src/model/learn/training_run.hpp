#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/learn/contest.hpp"
#include "model/learn/training_job.hpp"

namespace forkcast::model {

/// Opens the job of a pipeline document, not checked against its data yet: the Load() of its kind.
using OpenJob =
    std::function<Result<std::unique_ptr<TrainingJob>>(const nlohmann::ordered_json& document)>;

/// Where a version goes, and what it is called there.
struct Publication {
  std::filesystem::path models;  ///< The folder of models.
  std::string name;              ///< Of the model; empty: the pipeline's.
  std::string alias = "champion";
  bool force_promote = false;  ///< Moves the alias also when the baselines are not beaten.
  /// None: whoever beats the baselines is promoted, else who is better than the champion, too.
  std::optional<Contest> contest{};
  bool even_if_known = false;  ///< Trains also what would only be a known version again.
};

/// What is to be trained and judged, and how far.
struct TrainingRequest {
  nlohmann::ordered_json document;  ///< The pipeline.
  OpenJob open;
  std::optional<Publication> publication{};  ///< None: the validation alone.
  std::filesystem::path report{};            ///< A page that shows the validation; empty: none.
  bool wants_page = false;                   ///< The same page in TrainingOutcome::page.
  std::ostream* standard_output = nullptr;   ///< With a report: where `-` leads to.
  std::vector<std::string> report_keys{};    ///< As in Validation::ReportPage.
  std::filesystem::path judged_rows{};       ///< Every judged row, as CSV; empty: none.
  bool dry_run = false;                      ///< Checks pipeline, data and folds alone.
};

/// Follows a run, from the thread that runs it.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;

  /// A stage begins ("validation", "search 2 of 6", "training"); what is returned is told how far
  /// it is, and destroyed when it ends.
  [[nodiscard]] virtual OnProgress Begin(const std::string& stage) = 0;
  /// What was found, for people: whole lines, to be laid out (base/text_table.hpp).
  virtual void Tell(const std::string& text) = 0;
  /// Whether the run is to end as soon as it can.
  [[nodiscard]] virtual bool Stops() const = 0;
};

/// How a run ended.
enum class TrainingEnd {
  kDone,
  kNothingNew,   ///< A version of the same data is there, and was judged.
  kNotPromoted,  ///< Published, but not better than the baselines, or than the champion.
  kRefused,      ///< What the user wrote is wrong: the document or a flag.
  kData,         ///< The data do not allow it; trying again changes nothing.
  kIo,           ///< Something cannot be read or written.
  kStopped,      ///< Nothing was published.
};

/// `message` says why there is nothing else, unless the end is kDone, kNothingNew or kNotPromoted.
struct TrainingOutcome {
  TrainingEnd end = TrainingEnd::kDone;
  std::string message{};
  /// pipeline, evaluation, search (all points, what they are worth, and which was chosen), and of
  /// what was published model, version, folder, whether it was promoted, and beside a champion
  /// `contest`. Of a dry run: what was checked. When nothing is new: pipeline, model, version,
  /// folder, promoted (false), nothing_new (true), why and, if any, its contest.
  nlohmann::ordered_json summary{};
  std::string page{};  ///< What shows the validation, if it was wanted.
};

/// Opens a pipeline's job, tries the points of its search, judges the best on its past, and, when
/// asked to, learns from everything and publishes a version. Whatever goes wrong is in the outcome.
[[nodiscard]] TrainingOutcome RunTraining(const TrainingRequest& request, const Clock& clock,
                                          TrainingObserver& observer);

}  // namespace forkcast::model
