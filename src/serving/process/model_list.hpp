#pragma once

// Which models a server has loaded since it started, in memory that its processes share. A worker
// that is started, by whatever cause, loads what is listed; with the server the list ends.
//
// Invariants, by which the code names them:
//   1. The list is changed under a lock that the kernel takes from a process that dies (fcntl(2)).
//      It has two places: one is written while the other one counts, and `version`, which counts
//      the changes, says which does. So a change that is cut off has not happened.
//   2. `taken` of a worker is the version of the list that it answers by; 0: it does not yet take
//      part. It begins to under the lock, with the version of that moment: whoever changes the list
//      later waits for it, and what was changed before it has.
//   3. `freed` of a worker is the version up to which it has let go of all that was removed; never
//      beyond `taken`. Both are written by the worker alone, first when it starts.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/fd.hpp"
#include "serving/process/shared_array.hpp"

namespace forkcast::serving {

/// A model that was loaded while the server runs.
struct ListedModel {
  std::uint64_t id = 0;  ///< Of this load, which began with this version of the list.
  std::string name;
  std::string url;    ///< As it was asked for.
  std::string place;  ///< What that means: an absolute path without links.

  friend bool operator==(const ListedModel&, const ListedModel&) = default;
};

/// One that was taken from the list since it could not be loaded everywhere.
struct WithdrawnModel {
  std::uint64_t id = 0;
  bool no_room = false;
  std::string reason;

  friend bool operator==(const WithdrawnModel&, const WithdrawnModel&) = default;
};

/// The list of one server, made by its master before it forks; then used by one thread of each
/// worker at a time. What the system refuses is thrown as std::system_error.
class ModelList {
 public:
  struct Contents {
    std::uint64_t version = 1;
    std::vector<ListedModel> models{};        ///< In the order in which they were loaded.
    std::vector<WithdrawnModel> withdrawn{};  ///< The last ones.
  };
  struct WorkerProgress {
    std::atomic<std::uint64_t> taken{0};
    std::atomic<std::uint64_t> freed{0};
  };

  /// For so many workers at once.
  explicit ModelList(std::size_t workers);

  /// 1 at the start; only grows. Without the lock.
  [[nodiscard]] std::uint64_t version() const noexcept;
  [[nodiscard]] Contents Read() const;

  enum class Outcome {
    kDone,
    kNone,  ///< There is none (to remove), or one already (to add).
    kFull,  ///< There are as many as may be.
  };
  struct Change {
    Outcome outcome = Outcome::kDone;
    std::uint64_t version = 0;  ///< Of the list, when it is done.
  };
  /// Lists a model, whose id becomes the version, unless one is called so or there are `most`.
  Change Add(ListedModel model, std::size_t most);
  Change Remove(std::string_view name);
  /// Takes the one of this id from the list, if it is there, and notes why.
  void Withdraw(const WithdrawnModel& model);

  /// The worker takes part from now on, unless the list is not of this version any more.
  [[nodiscard]] bool Join(std::size_t worker, std::uint64_t version_taken);
  [[nodiscard]] WorkerProgress& progress(std::size_t worker) const noexcept {
    return progress_[worker];
  }

 private:
  class Lock;
  struct Head {
    std::atomic<std::uint64_t> version{1};
    std::array<std::atomic<std::uint64_t>, 2> bytes{};  // of each place
  };

  [[nodiscard]] Contents ReadLocked() const;
  void WriteLocked(const Contents& contents);

  Fd file_;  // of anonymous memory
  SharedArray<Head> head_{1};
  SharedArray<WorkerProgress> progress_;
};

}  // namespace forkcast::serving
