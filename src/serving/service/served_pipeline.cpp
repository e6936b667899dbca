#include "serving/service/served_pipeline.hpp"

#include <fmt/format.h>

#include <utility>

namespace forkcast::serving {

ServedPipeline::ServedPipeline(preprocessing::PipelineSpec spec, std::string model_name,
                               std::string model_version)
    : spec_(std::move(spec)),
      model_name_(std::move(model_name)),
      model_version_(std::move(model_version)),
      fields_(spec_.request.fields) {}

Error ServedPipeline::NotExplained() const {
  return {ErrorCode::kInvalidArgument,
          fmt::format("version {} of model {} was published without what explains its answers (it "
                      "has no .shap files): train it anew, by forkcast train or forkcast retrain",
                      model_version_, model_name_),
          "explain"};
}

}  // namespace forkcast::serving
