#pragma once

#include "data_preprocessing/base/result.hpp"
#include "model/init/column_roles.hpp"
#include "model/init/draft_options.hpp"
#include "model/init/pipeline_draft.hpp"

namespace forkcast::model {

/// A pipeline that forecasts `roles.target`. kInvalidArgument where there is too little to learn
/// from: the message says how much there is and how much it takes.
[[nodiscard]] Result<PipelineDraft> DraftForecast(const ProfiledFile& file,
                                                  const ColumnRoles& roles,
                                                  const DraftOptions& options);

}  // namespace forkcast::model
