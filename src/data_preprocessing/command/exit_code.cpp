#include "data_preprocessing/command/exit_code.hpp"

#include <algorithm>

namespace forkcast::preprocessing {
namespace {

constexpr ExitMeaning kExitCodes[] = {
    {ExitCode::kDone, "done"},
    {ExitCode::kNo,
     "the answer is no: rows that are wrong, fail or differ, no worker that is ready; what the "
     "command keeps is as before"},
    {ExitCode::kUsage, "wrong usage: a flag, variable, config or pipeline file"},
    {ExitCode::kUnfit,
     "what the command works on does not allow it: data, model or snapshots are missing, damaged "
     "or not enough, a server does not become ready; trying again changes nothing"},
    {ExitCode::kGate,
     "the model does not beat the baselines, or too few rows were judged, and so is not promoted"},
    {ExitCode::kIo, "a file, store, socket or address cannot be had"},
    {ExitCode::kGaveUp, "a server that was there answers no more; what it answered is kept"},
    {ExitCode::kUnexpected, "an error that Forkcast did not expect; the message says which"},
    {ExitCode::kInterrupted, "interrupted (SIGINT)"},
    {ExitCode::kStopped, "stopped by a signal"},
};

}  // namespace

std::span<const ExitMeaning> ExitCodes() noexcept { return kExitCodes; }

std::string_view MeaningOf(ExitCode code) noexcept {
  return std::ranges::find(kExitCodes, code, &ExitMeaning::code)->meaning;
}

}  // namespace forkcast::preprocessing
