#pragma once

#include <optional>
#include <span>
#include <vector>

#include "model/learn/linear/linear_options.hpp"

namespace forkcast::model {

/// How much one feature tells of the target, the more the greater; infinite where it tells all.
/// None of a feature that is the same in all rows.
///   kFRegression        F of the correlation r: r^2 / (1 - r^2) (n - 2); 0 of a constant target.
///   kFClassif           mean square between classes over that within (one-way analysis of
///   variance). kMutualInformation  in nats, 0 at least. Of a number: Kraskov, Stoegbauer,
///   Grassberger 2004,
///                       the first estimator, feature and target divided by their standard
///                       deviations; of a class: Ross 2014. Three neighbours. scikit-learn adds a
///                       little noise to break ties, which makes its answers random; here there is
///                       none, so that equal rows give equal models.
/// O(n), with mutual information about O(n sqrt(n)), and O(n^2) of few different values.
/// `target`: a number each, or, `of_classes`, a whole number from 0.
/// Precondition: as many values as targets, two at least, none of them NaN.
[[nodiscard]] std::optional<double> ScoreOf(FeatureScore score, std::span<const double> feature,
                                            std::span<const double> target, bool of_classes);

}  // namespace forkcast::model
