#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/document/json.hpp"

namespace forkcast::model {

/// More than that, and what every shard does alike (reading data, computing features) is most of
/// what is done.
inline constexpr std::size_t kMostShards = 1000;

/// A part of a training, by which models it trains.
struct Shard {
  std::size_t number = 1;  ///< From 1.
  std::size_t count = 1;

  friend bool operator==(const Shard&, const Shard&) = default;
};

/// "2/4", or "auto/4", whose number is what `completion_index` says, counted from 0, as Kubernetes
/// tells each pod of an Indexed Job. kInvalidArgument.
[[nodiscard]] Result<Shard> ParseShard(std::string_view text, std::string_view completion_index);
/// "2/4".
[[nodiscard]] std::string ToString(const Shard& shard);

/// What a shard of a model is called among the models of the registry that shards are put in.
[[nodiscard]] std::string ShardName(const std::string& model, const Shard& shard);
/// The alias of the one that was trained last.
inline constexpr const char* kNewestShard = "newest";
/// Its file beside the models' (SHARDS.md).
inline constexpr const char* kFitsFile = "fits.json";
/// What its manifest says of its kind.
inline constexpr const char* kShardKind = "shard";

/// In what two origins (TrainingJob::Origin()) differ, for people; empty: in nothing.
[[nodiscard]] std::string DifferenceOf(const nlohmann::ordered_json& shard,
                                       const nlohmann::ordered_json& whole);

}  // namespace forkcast::model
