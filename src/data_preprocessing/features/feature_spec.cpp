#include "data_preprocessing/features/feature_spec.hpp"

#include <algorithm>

namespace forkcast::preprocessing {

std::vector<SeriesRead> DistinctReads(std::span<const FeatureSpec> features) {
  std::vector<SeriesRead> distinct;
  for (const FeatureSpec& feature : features) {
    for (const SeriesRead& read : feature.reads) {
      if (std::ranges::find(distinct, read) == distinct.end()) distinct.push_back(read);
    }
  }
  return distinct;
}

}  // namespace forkcast::preprocessing
