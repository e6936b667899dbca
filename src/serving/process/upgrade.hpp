#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/environment.hpp"
#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::serving {

/// Variables by which an old master tells a new one what it hands on.
inline constexpr const char* kUpgradeListenersVariable = "FORKCAST_UPGRADE_LISTENERS";
inline constexpr const char* kUpgradeReadyVariable = "FORKCAST_UPGRADE_READY";
inline constexpr const char* kUpgradeCountsVariable = "FORKCAST_UPGRADE_COUNTS";
inline constexpr const char* kUpgradeExperimentsVariable = "FORKCAST_UPGRADE_EXPERIMENTS";

/// A new master, executed from the program's file by an old one (SIGUSR2), on the old one's
/// sockets. The old one goes on until the new one says through `ready` that a worker of its own
/// answers.
struct UpgradedMaster {
  pid_t pid = 0;
  Fd pidfd;
  Fd ready;  ///< Readable once it is ready, or gone.
};

/// A listening socket that is handed on.
struct BequeathedListener {
  int fd = -1;
  bool lent = false;  ///< By a supervisor, which goes on with it when we are gone.
};

/// What is handed on.
struct Bequest {
  std::vector<BequeathedListener> listeners{};
  std::vector<int> counts{};  ///< Of this master (SharedCounts), and of those before it.
  std::string experiments{};  ///< ExperimentKeeper::Bequeath().
};

/// Forks and executes this process's command line anew, with what is handed on open under the
/// numbers that its environment says. kIo when it cannot be started; that the file is no program
/// shows by its end.
Result<UpgradedMaster> StartUpgradedMaster(const Bequest& bequest);

struct InheritedListener {
  Fd socket;
  bool lent = false;
};

/// What a master finds in its environment when an old one started it.
struct Inheritance {
  std::vector<InheritedListener> listeners;
  std::vector<Fd> counts;
  std::optional<std::string> experiments;  ///< None of a master that knows none.
  Fd ready;                                ///< A byte written here lets the old master go.
};
/// None when this is no upgrade. Marks the descriptors as not to be inherited further.
std::optional<Inheritance> TakeInheritance(const Environment& environment);

}  // namespace forkcast::serving
