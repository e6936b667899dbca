#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "model/forecast/forecast_data.hpp"

namespace forkcast::model {

/// The numbers of the keys that a user names, in the order of the names: each by its columns joined
/// by commas or, where several are called so, as a JSON array of its values. kInvalidArgument with
/// `flag` for a name that no key has, that several have, or that is given twice.
[[nodiscard]] Result<std::vector<std::uint32_t>> FindKeys(const ForecastData& data,
                                                          std::span<const std::string> names,
                                                          std::string_view flag);

}  // namespace forkcast::model
