#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/record_store.hpp"
#include "serving/jobs/job.hpp"
#include "serving/jobs/job_log.hpp"
#include "serving/jobs/job_queue_rules.hpp"

namespace forkcast::serving {

/// The jobs of a store, as all that work with them see them: each call reads or changes the
/// records, and holds on to nothing. What is decided is in job_queue_rules.hpp. Wall time, which
/// only people look at, is passed in. Errors: kNotReady and kIo of the store; kCorrupt of a damaged
/// record, which lists leave out.
class JobQueue {
 public:
  explicit JobQueue(std::unique_ptr<preprocessing::RecordStore> records)
      : records_(std::move(records)) {}

  struct Request {
    JobOrder order{};
    std::string submitted_by{};
    std::string key{};  ///< The same request with the same key is the same job; empty: none.
  };
  struct Submitted {
    JobRecord job;
    bool is_new = true;
  };
  /// kInvalidArgument: it is no key (CheckRequestKey); kConflict: it was used for another order;
  /// kOverloaded: too many wait.
  Result<Submitted> Submit(const Request& request, Instant now);

  Result<std::optional<JobRecord>> Find(std::uint64_t id);
  struct Filter {
    std::optional<JobState> state{};
    std::optional<JobKind> kind{};
    std::string deployment{};  ///< Empty: any.
    std::size_t limit = 50;
  };
  /// The newest first.
  Result<std::vector<JobRecord>> List(const Filter& filter);
  /// All that are queued or run.
  Result<std::vector<JobRecord>> Active();
  /// Of all that are remembered, by state: in the order of kJobStates.
  using Counts = std::array<std::uint64_t, kJobStates.size()>;
  Result<Counts> Count();

  struct Worker {
    std::string name;   ///< For people.
    std::string owner;  ///< OwnerMark().
  };
  /// Begins the job that is next among `active`, which Active() has just given; none: there is
  /// none, or another worker was faster.
  Result<std::optional<JobRecord>> Claim(const std::vector<JobRecord>& active, const Worker& worker,
                                         Instant now);
  /// Changes a job that runs as it was `begun`: by the same worker, in the same attempt. None, and
  /// no change: it is somebody else's by now. `log`: takes the place of its log, together with the
  /// change or not at all; null: that stays as it is. The answer is the job as it is afterwards.
  Result<std::optional<JobRecord>> Update(const JobRecord& begun,
                                          const std::function<void(JobRecord&)>& change,
                                          const JobLog* log = nullptr);
  /// What CareFor() said; false: it was not as it was read any more.
  Result<bool> Care(const JobRecord& job, serving::Care care, Instant now);
  /// Stops a job that is queued, and has a worker stop one that runs. One that has ended stays as
  /// it is. None: there is no such job.
  Result<std::optional<JobRecord>> AskStop(std::uint64_t id, Instant now);

  Result<JobLog> LogOf(std::uint64_t id);

  /// Removes what ended long ago.
  Status Forget();

  [[nodiscard]] bool is_local() const noexcept { return records_->is_local(); }

 private:
  /// Nothing: some record is not as it was read.
  Result<std::optional<JobRecord>> Write(JobRecord job,
                                         std::vector<preprocessing::RecordChange> others = {});
  Result<preprocessing::RecordChange> ChangeOfLog(std::uint64_t id, const JobLog& log);
  [[nodiscard]] static preprocessing::RecordChange ChangeOf(const JobRecord& job);

  std::unique_ptr<preprocessing::RecordStore> records_;
};

}  // namespace forkcast::serving
