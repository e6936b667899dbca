#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "model/ray/ray_client.hpp"

namespace forkcast::model {

/// One command of a run, whose attempts are jobs of their own.
struct RayCommand {
  std::string name;     ///< For people: "shard 2/4".
  std::string command;  ///< As a shell takes it.
};

struct RayRun {
  std::string id;  ///< Unique; what the ids of its jobs begin with.
  std::vector<RayCommand> commands;
  unsigned cpus = 1;         ///< Of each.
  std::size_t attempts = 3;  ///< Of each: one that dies is run again.
  /// Exit codes that another attempt would end with as well.
  std::vector<int> final_codes{};
  std::chrono::milliseconds pause{1'000};  ///< Between two looks at them.
  /// For so long nobody may answer before the run is given up.
  std::chrono::seconds patience{60};
};

/// Who follows it, from the thread that calls.
struct RayObserver {
  /// How much is done, of all commands together; false stops them.
  std::function<bool(std::size_t done, std::size_t total)> progress;
  /// A line for people.
  std::function<void(const std::string& line)> tell;
};

/// How far a command says that it is, by the last "N %" of what it wrote; 0 where it says nothing.
[[nodiscard]] unsigned PercentIn(std::string_view log) noexcept;

/// Runs all commands on the cluster to their end, each on whatever machine Ray chooses. One that
/// ends otherwise than with 0 is run again. False when `observer` stopped it. Whatever the end,
/// none of its jobs goes on after it, unless the cluster cannot be reached any more. Errors:
/// kRefusedData naming the command, with the end of its log, when it ended with a final code;
/// kIo likewise when it failed too often, and when the cluster is away.
[[nodiscard]] Result<bool> RunOnRay(RayClient& client, const RayRun& run,
                                    const RayObserver& observer);

}  // namespace forkcast::model
