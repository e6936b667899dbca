#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "data_preprocessing/source/ingest.hpp"

namespace forkcast::preprocessing {

/// "1 row", "2 rows".
[[nodiscard]] std::string CountOf(std::size_t number, std::string_view noun);

/// A source's name without its folder.
[[nodiscard]] std::string FileNameOf(const std::string& source);

/// What a person is told of one source: "a.csv: 3 rows added, 1 rejected".
[[nodiscard]] std::string DescribeReport(const IngestReport& report);

}  // namespace forkcast::preprocessing
