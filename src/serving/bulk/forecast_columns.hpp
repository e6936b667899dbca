#pragma once

#include <array>

#include "data_preprocessing/table/schema.hpp"

namespace forkcast::serving {

/// Columns of every table of forecasts, in this order, behind those that say whose they are.
inline const std::array kForecastColumns{
    preprocessing::ColumnSpec{.name = "origin", .type = preprocessing::ColumnType::kText},
    preprocessing::ColumnSpec{.name = "step", .type = preprocessing::ColumnType::kInt64},
    preprocessing::ColumnSpec{.name = "period", .type = preprocessing::ColumnType::kText},
    preprocessing::ColumnSpec{.name = "value", .type = preprocessing::ColumnType::kDouble},
    preprocessing::ColumnSpec{.name = "cold_start", .type = preprocessing::ColumnType::kBool},
};

}  // namespace forkcast::serving
