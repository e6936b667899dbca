#include "model/learn/training_run.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/artefact/registry.hpp"
#include "model/learn/searched_points.hpp"
#include "model/learn/training_failure.hpp"

namespace forkcast::model {
namespace {

using nlohmann::ordered_json;

TrainingFailure Stopped() { return {TrainingEnd::kStopped, "stopped; nothing was published"}; }

/// One run; throws TrainingFailure.
class TrainingRun {
 public:
  TrainingRun(const TrainingRequest& request, const Clock& clock, TrainingObserver& observer)
      : request_(request), clock_(clock), observer_(observer) {}

  TrainingOutcome operator()() {
    std::unique_ptr<TrainingJob> job = Checked(request_.open(request_.document));
    Require(job->CheckReportKeys(request_.report_keys), TrainingEnd::kRefused);
    if (request_.publication) CheckPlace(*job);
    if (request_.dry_run) return DryRun(*job);
    if (const auto known = Known(*job)) return NothingNew(*job, *known);
    std::vector<SearchedPoint> searched;
    if (job->search() != nullptr) job = Search(*job, searched);
    Require(job->ComputeExamples());
    const Validation& validation = Validate(*job, "validation");
    TrainingOutcome outcome;
    outcome.summary = {{"pipeline", job->name()}, {"evaluation", validation.ToJson()}};
    if (!searched.empty()) outcome.summary["search"] = ToJson(searched);
    // First what is known, then what may fail.
    observer_.Tell(validation.Describe());
    if (!request_.report.empty() || request_.wants_page) {
      WriteReport(validation, SearchSection(searched), outcome);
    }
    if (!request_.judged_rows.empty()) {
      Require(WriteOutput(request_.judged_rows, Require(validation.JudgedRows()),
                          *request_.standard_output));
    }
    if (request_.publication) Publish(*job, validation, *request_.publication, outcome);
    return outcome;
  }

 private:
  [[nodiscard]] static std::string ModelName(const TrainingJob& job, const Publication& as) {
    return as.name.empty() ? job.name() : as.name;
  }

  /// What training would only find out at its end.
  void CheckPlace(const TrainingJob& job) const {
    const Publication& as = *request_.publication;
    const std::string name = ModelName(job, as);
    Require(Registry::CheckNames(name, as.alias), TrainingEnd::kRefused);
    Require(Registry(as.models).CheckPlace(name, as.alias), TrainingEnd::kRefused);
    if (as.contest) Require(job.CheckRival(as.contest->champion), TrainingEnd::kRefused);
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

  /// The version that this run would only make again.
  [[nodiscard]] std::optional<KnownVersion> Known(const TrainingJob& job) const {
    const auto& as = request_.publication;
    if (!as || !as->contest || as->even_if_known) return std::nullopt;
    return Require(FindKnownVersion(Registry(as->models), job.Origin(), *as->contest, as->alias));
  }

  [[nodiscard]] TrainingOutcome NothingNew(const TrainingJob& job,
                                           const KnownVersion& known) const {
    const std::string why = model::Describe(known);
    TrainingOutcome outcome{.end = TrainingEnd::kNothingNew};
    outcome.summary = {{"pipeline", job.name()},
                       {"model", known.info.model},
                       {"version", known.info.number},
                       {"folder", known.info.folder.string()},
                       {"promoted", false},
                       {"nothing_new", true},
                       {"why", why}};
    if (!known.contest.is_null()) outcome.summary["contest"] = known.contest;
    observer_.Tell(fmt::format("{}\n", why));
    return outcome;
  }

  [[nodiscard]] const Validation& Validate(TrainingJob& job, const std::string& stage) const {
    const Validation* const validation = Require(job.Validate(observer_.Begin(stage)));
    if (validation == nullptr) throw Stopped();
    return *validation;
  }

  /// One point of a search, and, where it can be tried, a job that has learned nothing yet.
  struct Point {
    SearchedPoint searched;
    std::unique_ptr<TrainingJob> job;
  };

  /// All points of a job's search, also those that cannot be tried; at least one can.
  [[nodiscard]] std::vector<Point> PointsOf(const TrainingJob& all) const {
    std::vector<Point> points;
    bool is_of_data = false;  // some point is refused by the data, not by what the user wrote
    const CheckAssignment check = [&](const Assignment& assignment) -> Status {
      Point& point = points.emplace_back();
      point.searched.assignment = assignment;
      Result<std::unique_ptr<TrainingJob>> job = Open(all, assignment);
      Status ok = job ? (*job)->Check() : Status(job.error());
      if (ok) {
        point.job = *std::move(job);
        return {};
      }
      is_of_data = is_of_data || job;
      point.searched.why_not = ok.error().message;
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{}: {}", NameOf(assignment), ok.error().message)};
    };
    const auto valid = EnumerateAssignments(*all.search(), check);
    Require(valid, is_of_data ? TrainingEnd::kData : TrainingEnd::kRefused);
    return points;
  }

  /// The job of one point.
  [[nodiscard]] Result<std::unique_ptr<TrainingJob>> Open(const TrainingJob& all,
                                                          const Assignment& assignment) const {
    try {
      return all.With(DocumentAt(request_.document, assignment));
    } catch (const preprocessing::SpecError& error) {
      return Error{ErrorCode::kInvalidArgument, fmt::format("$.training.search: {}", error.what())};
    }
  }

  /// What a point is worth. Data that a point cannot be judged on are no end of the search.
  void JudgePoint(TrainingJob& job, const std::string& stage, SearchedPoint& point) const {
    const auto is_left_out = [&point](const Error& error) {
      if (error.code != ErrorCode::kInvalidArgument) return false;
      point.why_not = error.message;
      return true;
    };
    const Status computed = job.ComputeExamples();
    if (!computed && is_left_out(computed.error())) return;
    Require(computed);
    const Result<const Validation*> validated = job.Validate(observer_.Begin(stage));
    if (!validated && is_left_out(validated.error())) return;
    const Validation* const validation = Require(validated);
    if (validation == nullptr) throw Stopped();
    point.value = validation->value();
    if (!point.value) point.why_not = "the metric is not defined for what could be forecast";
    point.is_of_enough = validation->is_of_enough();
  }

  /// Judges every point of a job's search in the folds; returns the job of the best one.
  [[nodiscard]] std::unique_ptr<TrainingJob> Search(const TrainingJob& all,
                                                    std::vector<SearchedPoint>& searched) const {
    std::vector<Point> points = PointsOf(all);
    for (std::size_t i = 0; i < points.size(); ++i) {
      // Gone with its examples before the next one computes its own.
      const std::unique_ptr<TrainingJob> job = std::move(points[i].job);
      if (job) {
        JudgePoint(*job, fmt::format("search {} of {}", i + 1, points.size()), points[i].searched);
      }
      searched.push_back(std::move(points[i].searched));
    }
    observer_.Tell(Describe(searched));
    const std::optional<std::size_t> best = BestOf(searched);
    if (!best) throw TrainingFailure{TrainingEnd::kData, NothingJudged(searched)};
    return Checked(Open(all, searched[*best].assignment));
  }

  /// The first reason: by then no point is known to be any good.
  [[nodiscard]] static std::string NothingJudged(const std::vector<SearchedPoint>& searched) {
    return fmt::format("no point of the search could be judged; the first, {}: {}",
                       NameOf(searched.front().assignment), searched.front().why_not);
  }

  void WriteReport(const Validation& validation, const std::string& search,
                   TrainingOutcome& outcome) const {
    std::string page = Require(validation.ReportPage(request_.report_keys, search));
    if (!request_.report.empty()) {
      Require(WriteOutput(request_.report, page, *request_.standard_output));
    }
    if (request_.wants_page) outcome.page = std::move(page);
  }

  /// Whether the champion is beaten; notes in the manifest and tells why.
  [[nodiscard]] bool Wins(const TrainingJob& job, const Publication& as, Artefact& artefact,
                          TrainingOutcome& outcome) const {
    const Contest& contest = *as.contest;
    const Rivalry rivalry = Require(job.CompareWith(contest.champion));
    artefact.manifest["contest"] = ToJson(contest, as.alias, rivalry);
    outcome.summary["contest"] = artefact.manifest["contest"];
    observer_.Tell(fmt::format("{}\n", model::Describe(rivalry, contest.rules)));
    return IsBetter(rivalry, contest.rules);
  }

  void Publish(const TrainingJob& job, const Validation& validation, const Publication& as,
               TrainingOutcome& outcome) const {
    std::optional<Artefact> artefact = Require(job.TrainOnAll(observer_.Begin("training")));
    if (!artefact || observer_.Stops()) throw Stopped();
    const std::string name = ModelName(job, as);
    bool is_better = validation.beats_baselines();
    if (as.contest) {
      is_better = Wins(job, as, *artefact, outcome) && is_better;
      // Whoever took its place meanwhile was not compared with.
      if (is_better) {
        artefact->expected = {.alias = as.alias, .number = as.contest->champion.number};
      }
    }
    const bool promoted = is_better || as.force_promote;
    const Registry registry(as.models);
    const std::uint64_t version =
        Require(registry.Publish(name, artefact->manifest, artefact->files, clock_.Now(),
                                 promoted ? as.alias : std::string(), artefact->expected));
    const std::string folder = registry.PlaceOf(name, version);
    outcome.summary["model"] = name;
    outcome.summary["version"] = version;
    outcome.summary["folder"] = folder;
    outcome.summary["promoted"] = promoted;
    if (!artefact->remarks.json.is_null()) outcome.summary.update(artefact->remarks.json);
    if (!promoted) outcome.end = TrainingEnd::kNotPromoted;
    observer_.Tell(
        fmt::format("{}{}published {} {} in {}{}\n", artefact->remarks.text,
                    artefact->remarks.text.empty() ? "" : "\n", name, version, folder,
                    promoted ? fmt::format(", now its {}", as.alias) : "; not promoted"));
    if (promoted) return;
    observer_.Tell(fmt::format(
        "to serve it all the same: forkcast models promote --models {} {} {} --force-promote\n",
        registry.place(), name, version));
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
  } catch (const TrainingFailure& failure) {
    return {.end = failure.end, .message = failure.message};
  }
}

}  // namespace forkcast::model
