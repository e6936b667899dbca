#pragma once

#include <span>
#include <vector>

#include "data_preprocessing/pipeline/pipeline_spec.hpp"
#include "model/artefact/registry.hpp"
#include "model/classify/labelled_rows.hpp"

/// classes.json: the classes in the order of a model's answers (FORMAT.md).
namespace forkcast::model {

inline constexpr const char* kClassesFile = "classes.json";

[[nodiscard]] ArtefactFile ClassesFile(std::span<const ClassLabel> classes,
                                       const preprocessing::PipelineSpec& spec);

/// What ClassesFile() wrote of a pipeline `spec`, which has a training section. Throws SpecError,
/// with the file's name, also when it is of another label, or when its classes are fewer than two,
/// not of the label's type, or not in ascending order.
[[nodiscard]] std::vector<ClassLabel> ReadClasses(const ArtefactFile& file,
                                                  const preprocessing::PipelineSpec& spec);

}  // namespace forkcast::model
