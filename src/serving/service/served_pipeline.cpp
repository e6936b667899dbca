#include "serving/service/served_pipeline.hpp"

#include <utility>

namespace forkcast::serving {

ServedPipeline::ServedPipeline(preprocessing::PipelineSpec spec, std::string model_name,
                               std::string model_version)
    : spec_(std::move(spec)),
      model_name_(std::move(model_name)),
      model_version_(std::move(model_version)),
      fields_(spec_.request.fields) {}

}  // namespace forkcast::serving
