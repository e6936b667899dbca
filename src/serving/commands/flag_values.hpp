#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/command/arguments.hpp"
#include "data_preprocessing/command/failure.hpp"
#include "data_preprocessing/command/flags.hpp"
#include "data_preprocessing/dao/table_dao.hpp"

namespace forkcast::serving {

/// Throws the Failure of a flag whose value is wrong.
[[noreturn]] inline void Refuse(const preprocessing::Arguments& arguments, const char* flag,
                                const std::string& why) {
  throw preprocessing::Failure(preprocessing::ExitCode::kUsage,
                               arguments.Refuse(flag, why).message);
}

/// A wrong value of a flag is wrong usage; errors of what it names are as they are.
template <typename T>
T RequireOf(const preprocessing::Arguments& arguments, const char* flag, Result<T> result) {
  if (!result && result.error().code == ErrorCode::kInvalidArgument) {
    Refuse(arguments, flag, result.error().message);
  }
  return preprocessing::Require(std::move(result));
}

/// `doing`: what threads do.
[[nodiscard]] inline preprocessing::Flag ThreadsFlag(const std::string& doing) {
  constexpr std::uint64_t kMostThreads = 1024;
  return {.name = "threads",
          .argument = "N",
          .meaning = "How many threads " + doing + ".",
          .when_absent = "one a CPU",
          .allowed = preprocessing::WholeNumber(1, kMostThreads)};
}

/// What it says.
[[nodiscard]] inline unsigned ThreadsOf(const preprocessing::Arguments& arguments) {
  if (const auto threads = arguments.Whole("threads")) return static_cast<unsigned>(*threads);
  return std::max(1U, std::thread::hardware_concurrency());
}

/// The folder that --snapshots names, or that beside the store of --store.
inline std::filesystem::path SnapshotsOf(const preprocessing::Arguments& arguments) {
  if (arguments.Has("snapshots")) return arguments.Text("snapshots");
  if (!arguments.Has("store")) {
    throw preprocessing::Failure(preprocessing::ExitCode::kUsage,
                                 "--store (or FORKCAST_STORE) or --snapshots is missing");
  }
  return RequireOf(arguments, "store",
                   preprocessing::DefaultSnapshotFolder(arguments.Text("store")));
}

}  // namespace forkcast::serving
