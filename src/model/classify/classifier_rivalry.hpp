#pragma once

#include "data_preprocessing/base/result.hpp"
#include "model/classify/classifier_version.hpp"
#include "model/classify/judgement.hpp"
#include "model/classify/labelled_examples.hpp"
#include "model/classify/labelled_rows.hpp"
#include "model/learn/rivalry.hpp"

namespace forkcast::model {

/// What was judged, beside what `champion`, as it is, answers to the same rows. A class that it
/// does not know it gives no probability. Groups are stretches of time. `examples`: of the
/// judgement, whose classes are `classes`; the champion's pipeline is the same. As
/// ClassifierVersion::Model().
[[nodiscard]] Result<Rivalry> CompareClassifiers(const ClassifierJudgement& judgement,
                                                 const LabelledExamples& examples,
                                                 std::span<const ClassLabel> classes,
                                                 const ClassifierVersion& champion);

}  // namespace forkcast::model
