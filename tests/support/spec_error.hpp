#pragma once

#include <string>

#include "data_preprocessing/document/json_node.hpp"

namespace forkcast::preprocessing {

/// What `call`, which must fail with a SpecError, says.
template <typename Call>
std::string SpecErrorOf(Call call) {
  try {
    call();
  } catch (const SpecError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace forkcast::preprocessing
