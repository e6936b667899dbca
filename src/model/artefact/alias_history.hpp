#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::model {

/// From when on an alias meant which version.
struct AliasMove {
  Instant at;
  std::uint64_t number = 0;

  friend bool operator==(const AliasMove&, const AliasMove&) = default;
};

/// The file beside a model's aliases; no name of a version or of an alias.
inline constexpr const char* kAliasHistoryName = ".aliases.jsonl";

/// The moves of one alias of a model, in the order in which they were noted (FORMAT.md). Empty
/// where none was; a line that was cut off when its writer was killed is none.
[[nodiscard]] std::vector<AliasMove> ReadAliasHistory(const std::filesystem::path& model_folder,
                                                      std::string_view alias);

/// What is added to the history: behind what a killed writer left, too, it is a line of its own.
[[nodiscard]] std::string AliasMoveLine(const std::string& alias, const AliasMove& move);

/// Notes one. kIo, and the history as before. Precondition: the folder's lock is held.
Status NoteAliasMove(const std::filesystem::path& model_folder, const std::string& alias,
                     const AliasMove& move);

/// What the alias meant at `time`; none before the first move.
[[nodiscard]] std::optional<std::uint64_t> MeantAt(const std::vector<AliasMove>& moves,
                                                   Instant time);

}  // namespace forkcast::model
