#include "model/learn/examples.hpp"

#include <cstdint>
#include <limits>
#include <variant>

namespace forkcast::model {

double NumberOf(const preprocessing::Value& value) noexcept {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    return static_cast<double>(*integer);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace forkcast::model
