#pragma once

#include <memory>

#include "model/learn/trainer.hpp"

namespace forkcast::model {

/// A TrainerKind::make: {"algorithm": "quantile_table", "cells": ["store", "day_of_week", "promo"],
/// "quantile": 0.5, "min_rows": 5}.
[[nodiscard]] std::unique_ptr<const Trainer> MakeQuantileTable(
    const TrainerDeclaration& declaration);

}  // namespace forkcast::model
