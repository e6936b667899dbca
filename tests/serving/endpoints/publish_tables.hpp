#pragma once

#include <filesystem>
#include <stdexcept>

#include "data_preprocessing/pipeline/snapshots.hpp"
#include "data_preprocessing/source/ingest.hpp"

namespace forkcast::serving {

/// Ingests `TABLE.csv` of each of the pipeline's tables in `folder`, and publishes its snapshots
/// there. Throws std::runtime_error.
inline void PublishTables(const preprocessing::PipelineSpec& spec,
                          const std::filesystem::path& folder) {
  const auto or_throw = [](const auto& result) {
    if (!result) throw std::runtime_error(result.error().message);
  };
  const auto dao = preprocessing::OpenStore("sqlite:" + (folder / "store.db").string(),
                                            preprocessing::StoreAccess::kReadWriteCreate);
  or_throw(dao);
  or_throw((*dao)->Begin());
  for (const preprocessing::TableSpec& table : spec.tables) {
    or_throw(
        preprocessing::IngestFile(**dao, table, folder / (table.name + ".csv"), spec.zone, {}, {}));
  }
  or_throw((*dao)->Commit());
  or_throw(preprocessing::PublishSnapshots(**dao, spec, folder, SystemClock().Now()));
}

}  // namespace forkcast::serving
