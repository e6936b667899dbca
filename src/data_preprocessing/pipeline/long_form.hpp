#pragma once

#include <string>
#include <vector>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::preprocessing {

/// A pipeline file as it would stand if it left nothing to be understood and declared each feature
/// by itself: what every reader of a pipeline reads.
struct LongForm {
  nlohmann::ordered_json document;
  /// Where each of the document's features stands in the file ("$.features[2]"): several may stand
  /// in one place. All else stands where it did.
  std::vector<std::string> feature_places;
};

/// What is written out (docs/pipelines.md tells the rules):
/// - a feature with a list in one of the members that its operator allows it for becomes a feature
///   for each element, called `NAME_ELEMENT`, or as a name with `{MEMBER}` in it says;
/// - a feature's "name" that follows from what it reads, its "series" and "value" from `forecast`,
///   its "key", and that of `forecast`, from the names of the series' key columns;
/// - the "column" of an aggregated value, which is the value's name, and its "empty".
/// Descriptions of sections, which nobody reads, are left away.
/// A document in long form stays as it is. What is wrong otherwise is left as it stands, for the
/// reader to refuse. Throws SpecError, naming the place in the file, for lists that mean nothing.
[[nodiscard]] LongForm WriteOut(nlohmann::ordered_json document);

}  // namespace forkcast::preprocessing
