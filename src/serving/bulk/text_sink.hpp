#pragma once

#include <filesystem>
#include <memory>
#include <ostream>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "serving/bulk/row_sink.hpp"

namespace forkcast::serving {

/// Opens what a path names for rows as text, as OutputFile does: a file, whose ending says the
/// form, is there whole or as it was before; what bytes go through, such as standard output, gets
/// CSV. kInvalidArgument for an ending that says nothing, listing those that do; kIo.
[[nodiscard]] Result<std::unique_ptr<RowSink>> OpenTextSink(const std::filesystem::path& path,
                                                            const preprocessing::Schema& schema,
                                                            std::ostream& standard_output);

}  // namespace forkcast::serving
