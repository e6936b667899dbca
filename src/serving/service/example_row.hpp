#pragma once

#include <span>
#include <vector>

#include "data_preprocessing/features/feature_spec.hpp"
#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "data_preprocessing/series/snapshot.hpp"

namespace forkcast::serving {

/// A field with a value that it may have.
struct ExampleField {
  std::string field;
  preprocessing::OwnedValue value;
};

/// Fields of a row that can be asked, by a key that there is of each series that features read.
/// `snapshots`: of the pipeline's series. Fields that are no keys are not among them.
[[nodiscard]] std::vector<ExampleField> ExampleRow(
    const preprocessing::PipelineSpec& spec, std::span<const preprocessing::Snapshot> snapshots);

}  // namespace forkcast::serving
