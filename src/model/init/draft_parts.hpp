#pragma once

#include <string>
#include <vector>

#include "model/init/column_roles.hpp"
#include "model/init/draft_options.hpp"
#include "model/init/pipeline_draft.hpp"

/// What drafts of every kind have in common.
namespace forkcast::model {

/// Name, version, description, zone and the table with all its columns, or with `needed` alone
/// where there are too many. `key`: what knows a row of the table; none: nothing does.
[[nodiscard]] nlohmann::ordered_json BeginDocument(const ProfiledFile& file,
                                                   const std::vector<const ColumnProfile*>& needed,
                                                   const std::vector<std::string>& key,
                                                   const DraftOptions& options);

/// A declaration of the column, in a pipeline.
[[nodiscard]] nlohmann::ordered_json ColumnJson(const preprocessing::ColumnSpec& column);
/// The same where values come as they are written in the file.
[[nodiscard]] nlohmann::ordered_json WrittenColumnJson(const preprocessing::ColumnSpec& column);

/// "1 row", "3 rows".
[[nodiscard]] std::string Counted(std::size_t number, std::string_view noun);

/// What any file may have that hurts: repeated rows, columns of few values, times to come.
void WarnOfTable(const ProfiledFile& file, PipelineDraft& draft);

}  // namespace forkcast::model
