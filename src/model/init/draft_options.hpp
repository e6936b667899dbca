#pragma once

#include <optional>
#include <string>

#include "data_preprocessing/series/period.hpp"

namespace forkcast::model {

/// What a draft is to be, beside the roles of the columns; what is not set follows from the data.
struct DraftOptions {
  std::string name;   ///< Of the pipeline.
  std::string table;  ///< Of its one table.
  std::optional<preprocessing::Period> period{};
  std::optional<int> horizon{};
};

}  // namespace forkcast::model
