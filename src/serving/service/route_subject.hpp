#pragma once

#include <cstddef>
#include <vector>

#include "serving/routes/route.hpp"
#include "serving/service/served_pipeline.hpp"

namespace forkcast::serving {

/// What routes can name of a pipeline.
[[nodiscard]] RouteSubject SubjectOf(const ServedPipeline& pipeline);

/// Where the values that routes name are among the pipeline's outputs: by name of the subject.
struct SubjectOutputs {
  std::vector<std::size_t> row;
  std::vector<std::size_t> step;
};
[[nodiscard]] SubjectOutputs OutputsOf(const ServedPipeline& pipeline);

}  // namespace forkcast::serving
