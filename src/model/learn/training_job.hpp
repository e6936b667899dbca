#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/learn/data_window.hpp"
#include "model/learn/parameter_search.hpp"
#include "model/learn/rivalry.hpp"
#include "model/learn/trainer.hpp"

namespace forkcast::model {

class ModelFits;

/// From what a job is loaded besides its pipeline document.
struct JobSources {
  std::filesystem::path folder;     ///< Of the pipeline's file.
  std::filesystem::path snapshots;  ///< Where ingest published them.
  std::string store;                ///< Its URL; empty: none was given.
  DataWindow window;
  std::optional<std::uint32_t> seed;  ///< In place of the pipeline's, as the next.
  std::optional<unsigned> threads;
  std::span<const TrainerKind> trainers;  ///< Those that a document may name.
  /// Where the models come from; null: they are trained. Outlives the job.
  ModelFits* fits = nullptr;
};

/// How far a stage is, in steps of its own; false cancels. Called from the thread that trains.
using OnProgress = std::function<bool(std::size_t done, std::size_t total)>;

/// The same said to a program and to people.
struct JobSummary {
  nlohmann::ordered_json json;
  std::string text;  ///< One line, without its end.
};

/// How good a pipeline's model is, on rows that it had not seen, beside its baselines.
class Validation {
 public:
  virtual ~Validation() = default;

  /// The error that decides, smaller is better; not there when nothing could be judged by it.
  [[nodiscard]] virtual std::optional<double> value() const noexcept = 0;
  /// Whether the model is better than every baseline by it, and is_of_enough().
  [[nodiscard]] virtual bool beats_baselines() const noexcept = 0;
  /// Whether enough rows were judged to trust what was found.
  [[nodiscard]] virtual bool is_of_enough() const noexcept = 0;
  /// For manifests and `--json`.
  [[nodiscard]] virtual nlohmann::ordered_json ToJson() const = 0;
  /// For people: tables and a plain verdict, for LaidOut() of base/text_table.hpp.
  [[nodiscard]] virtual std::string Describe() const = 0;
  /// One self-contained HTML page. `keys`: which ones are shown by themselves (empty: the job's
  /// choice); `more`: sections of HTML for its end. kInvalidArgument for a key that was not
  /// judged. Precondition: TrainingJob::CheckReportKeys().
  [[nodiscard]] virtual Result<std::string> ReportPage(const std::vector<std::string>& keys,
                                                       const std::string& more) const = 0;
  /// Every row that was judged, as CSV. kInvalidArgument for what has no rows of forecasts.
  [[nodiscard]] virtual Result<std::string> JudgedRows() const = 0;
};

/// A version to publish. The same document, data and seed give the same bytes.
struct Artefact {
  nlohmann::ordered_json manifest;
  std::vector<ArtefactFile> files;
  std::optional<ExpectedAlias> expected{};  ///< Of the version that it was made from.
  JobSummary remarks{};                     ///< What a user should know of it; may be empty.
};

/// What `train` and `evaluate` do with a pipeline, whatever its kind of model: a document and its
/// data, checked when loaded. Each kind has a static Load(document, sources), whose errors are
/// kInvalidArgument for what the user wrote (in the document, at a path, or in a flag).
/// Then in this order: Check, CheckRival, Origin, ComputeExamples, Validate, CompareWith,
/// TrainOnAll. Their errors are kInvalidArgument for data that do not allow it, others for what
/// cannot be read.
class TrainingJob {
 public:
  virtual ~TrainingJob() = default;

  /// The pipeline's.
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;
  /// The parameters that the document wants searched; null for none.
  [[nodiscard]] virtual const SearchSpec* search() const noexcept = 0;
  /// A job of another document over the same data, which are not opened again; for the points of
  /// search(). kInvalidArgument as Load(). Precondition: the documents differ in members of
  /// `training` that a search may change, of features, and in the forecast's strategy alone.
  [[nodiscard]] virtual Result<std::unique_ptr<TrainingJob>> With(
      const nlohmann::ordered_json& document) const = 0;
  /// What a dry run says when nothing is in the way.
  [[nodiscard]] virtual JobSummary Summary() const = 0;

  /// That Validation::ReportPage() could show these keys, should they be judged. kInvalidArgument.
  [[nodiscard]] virtual Status CheckReportKeys(const std::vector<std::string>& keys) const = 0;
  /// All that is cheap to check.
  [[nodiscard]] virtual Status Check() const = 0;
  /// From what a version would be learned, as members of its manifest: pipeline, data (as far as
  /// they are known by now), seed and libraries. Those who have them alike learn the same model.
  [[nodiscard]] virtual nlohmann::ordered_json Origin() const = 0;
  virtual Status ComputeExamples() = 0;
  /// Trains and judges on the past; lives as long as the job. Null when cancelled.
  virtual Result<const Validation*> Validate(const OnProgress& on_progress) = 0;
  /// Trains, in place of all that follows Check(), the models that JobSources::fits has of those
  /// that Validate() and TrainOnAll() would, in their order, whatever comes out of validation.
  /// `point`: the job's number, from 0, among those of a search. False when cancelled.
  /// kInvalidArgument, at the first model that cannot be trained, or for a job whose models are no
  /// parts of a whole. Precondition: JobSources::fits.
  virtual Result<bool> TrainShard(std::size_t point, const OnProgress& on_progress);
  /// That CompareWith() could, as far as that can be said before. kInvalidArgument for a version
  /// that answers something else.
  [[nodiscard]] virtual Status CheckRival(const VersionInfo& champion) const = 0;
  /// What was validated, beside what a published version, as it is, answers to the same rows.
  [[nodiscard]] virtual Result<Rivalry> CompareWith(const VersionInfo& champion) const = 0;
  /// Learns from everything, and packs the model with its validation. Nothing when cancelled.
  [[nodiscard]] virtual Result<std::optional<Artefact>> TrainOnAll(
      const OnProgress& on_progress) const = 0;
};

}  // namespace forkcast::model
