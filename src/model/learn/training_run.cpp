#include "model/learn/training_run.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/registry.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

/// What ends a run early.
struct Failure {
  TrainingEnd end = TrainingEnd::kIo;
  std::string message;
};

/// What an error means; `unfit`: an invalid argument.
TrainingEnd EndOf(ErrorCode code, TrainingEnd unfit) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return unfit;
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
    case ErrorCode::kRefusedData:
      return TrainingEnd::kData;
    default:
      return TrainingEnd::kIo;
  }
}

/// Of what `unfit` is said when an argument is invalid: the user's words while a job is opened, the
/// data later on. What cannot be read is neither.
template <typename T>
T Require(Result<T> result, TrainingEnd unfit = TrainingEnd::kData) {
  if (result) return *std::move(result);
  throw Failure{EndOf(result.error().code, unfit), result.error().message};
}
void Require(const Status& status, TrainingEnd unfit = TrainingEnd::kData) {
  if (!status) Require(Result<bool>(status.error()), unfit);
}

Failure Stopped() { return {TrainingEnd::kStopped, "stopped; nothing was published"}; }

/// One run; throws Failure.
class TrainingRun {
 public:
  TrainingRun(const TrainingRequest& request, const Clock& clock, TrainingObserver& observer)
      : request_(request), clock_(clock), observer_(observer) {}

  TrainingOutcome operator()() {
    std::unique_ptr<TrainingJob> job = Checked(request_.open(request_.document));
    if (request_.publication) CheckNames(*job);
    if (request_.dry_run) return DryRun(*job);
    ordered_json searched = ordered_json::array();
    if (job->search() != nullptr) job = Search(*job, searched);
    Require(job->ComputeExamples());
    const Validation& validation = Validate(*job, "validation");
    TrainingOutcome outcome;
    outcome.summary = {{"pipeline", job->name()}, {"evaluation", validation.ToJson()}};
    if (!searched.empty()) outcome.summary["search"] = std::move(searched);
    // First what is known, then what may fail.
    observer_.Tell(validation.Describe());
    if (!request_.report.empty()) WriteReport(validation);
    if (request_.publication) Publish(*job, validation, *request_.publication, outcome);
    return outcome;
  }

 private:
  [[nodiscard]] static std::string ModelName(const TrainingJob& job, const Publication& as) {
    return as.name.empty() ? job.name() : as.name;
  }

  /// What training would only find out at its end.
  void CheckNames(const TrainingJob& job) const {
    const Publication& as = *request_.publication;
    Require(Registry::CheckNames(ModelName(job, as), as.alias), TrainingEnd::kRefused);
  }

  /// A job that has something to learn from.
  [[nodiscard]] static std::unique_ptr<TrainingJob> Checked(
      Result<std::unique_ptr<TrainingJob>> opened) {
    std::unique_ptr<TrainingJob> job = Require(std::move(opened), TrainingEnd::kRefused);
    Require(job->Check());
    return job;
  }

  [[nodiscard]] TrainingOutcome DryRun(const TrainingJob& job) const {
    const JobSummary summary = job.Summary();
    TrainingOutcome outcome;
    outcome.summary = {{"pipeline", job.name()}};
    outcome.summary.update(summary.json);
    outcome.summary["dry_run"] = true;
    observer_.Tell(fmt::format("{}: {}: nothing is in the way\n", job.name(), summary.text));
    return outcome;
  }

  [[nodiscard]] const Validation& Validate(TrainingJob& job, const std::string& stage) const {
    const Validation* const validation = Require(job.Validate(observer_.Begin(stage)));
    if (validation == nullptr) throw Stopped();
    return *validation;
  }

  /// One point of a search, and a job that has learned nothing yet.
  struct Point {
    Assignment assignment;
    std::unique_ptr<TrainingJob> job;
  };

  /// The points of a job's search that can be tried.
  [[nodiscard]] std::vector<Point> PointsOf(const TrainingJob& all) const {
    std::vector<Point> points;
    const CheckAssignment check = [&](const Assignment& assignment) -> Status {
      try {
        Result<std::unique_ptr<TrainingJob>> job = all.With(DocumentAt(assignment));
        if (!job) return job.error();
        if (Status ok = (*job)->Check(); !ok) return ok;
        points.push_back({.assignment = assignment, .job = *std::move(job)});
        return {};
      } catch (const preprocessing::SpecError& error) {
        return Error{ErrorCode::kInvalidArgument,
                     std::string("$.training.search: ") + error.what()};
      }
    };
    Require(EnumerateAssignments(*all.search(), check));
    return points;
  }

  /// The document of one point. Throws SpecError.
  [[nodiscard]] ordered_json DocumentAt(const Assignment& point) const {
    ordered_json document = WithParameters(request_.document, point);
    document["training"].erase("search");
    return document;
  }

  /// Judges every point of a job's search in the folds; returns the job of the best one.
  [[nodiscard]] std::unique_ptr<TrainingJob> Search(const TrainingJob& all,
                                                    ordered_json& searched) const {
    std::vector<Point> points = PointsOf(all);
    std::optional<double> least;
    const Assignment* best = nullptr;
    for (std::size_t i = 0; i < points.size(); ++i) {
      const Assignment& assignment = points[i].assignment;
      // Gone with its examples before the next one computes its own.
      const std::unique_ptr<TrainingJob> job = std::move(points[i].job);
      Require(job->ComputeExamples());
      const std::optional<double> value =
          Validate(*job, fmt::format("search {} of {}", i + 1, points.size())).value();
      ordered_json point = ordered_json::object();
      for (const auto& [name, setting] : assignment) point[name] = setting;
      point["value"] = value ? ordered_json(*value) : ordered_json();
      observer_.Tell(point.dump() + "\n");
      searched.push_back(std::move(point));
      if (!value || (least && *value >= *least)) continue;
      least = value;
      best = &assignment;
    }
    if (best == nullptr) {
      throw Failure{TrainingEnd::kData, "no point of the search could be judged"};
    }
    return Checked(all.With(DocumentAt(*best)));
  }

  void WriteReport(const Validation& validation) const {
    const std::string page = Require(validation.ReportPage(request_.report_keys));
    Require(WriteOutput(request_.report, page, *request_.standard_output));
  }

  void Publish(const TrainingJob& job, const Validation& validation, const Publication& as,
               TrainingOutcome& outcome) const {
    const std::optional<Artefact> artefact = Require(job.TrainOnAll(observer_.Begin("training")));
    if (!artefact || observer_.Stops()) throw Stopped();
    const std::string name = ModelName(job, as);
    const bool promoted = validation.beats_baselines() || as.force_promote;
    const std::uint64_t version = Require(
        Registry(as.models).Publish(name, artefact->manifest, artefact->files, clock_.Now(),
                                    promoted ? as.alias : std::string(), artefact->expected));
    const std::string folder = (as.models / name / std::to_string(version)).string();
    outcome.summary["model"] = name;
    outcome.summary["version"] = version;
    outcome.summary["folder"] = folder;
    outcome.summary["promoted"] = promoted;
    if (!promoted) outcome.end = TrainingEnd::kNotPromoted;
    observer_.Tell(fmt::format("published {} {} in {}{}\n", name, version, folder,
                               promoted ? ", now its " + as.alias : "; not promoted"));
  }

  const TrainingRequest& request_;
  const Clock& clock_;
  TrainingObserver& observer_;
};

}  // namespace

TrainingOutcome RunTraining(const TrainingRequest& request, const Clock& clock,
                            TrainingObserver& observer) {
  try {
    return TrainingRun(request, clock, observer)();
  } catch (const Failure& failure) {
    return {.end = failure.end, .message = failure.message};
  }
}

}  // namespace forkcast::model
