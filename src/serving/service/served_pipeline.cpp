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

bool ServedPipeline::SupposesAnything(const wire::DecodedRequest& decoded) const noexcept {
  if (!assume_field_) return false;
  const preprocessing::Column& column = decoded.rows.column(*assume_field_);
  for (std::size_t row = 0; row < decoded.row_numbers.size(); ++row) {
    if (!column.IsMissing(row)) return true;
  }
  return false;
}

Error ServedPipeline::NotExplainedElsewhere() const {
  return {ErrorCode::kInvalidArgument,
          fmt::format("the model of \"{}\" runs in another server, which does not say what its "
                      "answers are made of",
                      spec_.name),
          "explain"};
}

Error ServedPipeline::NotExplained() const {
  return {ErrorCode::kInvalidArgument,
          fmt::format("version {} of model {} was published without what explains its answers (it "
                      "has no .shap files): train it anew, by forkcast train or forkcast retrain",
                      model_version_, model_name_),
          "explain"};
}

}  // namespace forkcast::serving
