#pragma once

#include "data_preprocessing/base/result.hpp"
#include "model/init/column_roles.hpp"
#include "model/init/draft_options.hpp"
#include "model/init/pipeline_draft.hpp"

namespace forkcast::model {

/// A pipeline that learns `roles.label` from the other columns of its row. kInvalidArgument where
/// there is too little to learn from.
[[nodiscard]] Result<PipelineDraft> DraftLabel(const ProfiledFile& file, const ColumnRoles& roles,
                                               const DraftOptions& options);

}  // namespace forkcast::model
