#include "data_preprocessing/command/store_flags.hpp"

#include <utility>

namespace forkcast::preprocessing {

Flag StoreFlag(std::string meaning, std::string when_absent) {
  const Flag::Need need = when_absent.empty() ? Flag::Need::kRequired : Flag::Need::kUsual;
  return {.name = "store",
          .argument = "URL",
          .meaning = std::move(meaning),
          .variable = "FORKCAST_STORE",
          .when_absent = std::move(when_absent),
          .need = need};
}

Flag SnapshotsFlag(std::string meaning, std::string when_absent) {
  return {.name = "snapshots",
          .argument = "DIR",
          .meaning = std::move(meaning),
          .variable = "FORKCAST_SNAPSHOTS",
          .when_absent = std::move(when_absent)};
}

}  // namespace forkcast::preprocessing
