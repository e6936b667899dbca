#include "serving/http/exchange.hpp"

#include "serving/http/error_response.hpp"

namespace forkcast::serving {

std::string_view Exchange::PathParameter(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < parameter_names_.size(); ++i) {
    if (parameter_names_[i] == name) return parameters_[i];
  }
  return {};
}

void Exchange::Refuse(const Error& error) { WriteError(error, id_, *response_); }

}  // namespace forkcast::serving
