#pragma once

#include <filesystem>
#include <memory>
#include <ostream>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "serving/bulk/row_sink.hpp"

namespace forkcast::serving {

/// Opens what a path names for rows, as a RowFile.
[[nodiscard]] Result<std::unique_ptr<RowSink>> OpenFileSink(const std::filesystem::path& path,
                                                            const preprocessing::Schema& schema,
                                                            std::ostream& standard_output);

}  // namespace forkcast::serving
