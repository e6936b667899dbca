#include "serving/service/scorer.hpp"

namespace forkcast::serving {

void Scores::Clear() noexcept {
  rows.clear();
  row_numbers.clear();
  stale.clear();
  features.clear();
  outputs.clear();
  errors.clear();
}

}  // namespace forkcast::serving
