#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "data_preprocessing/document/json.hpp"

namespace forkcast {

/// One change of a valid document, and the beginning of the message that it must lead to.
struct Mutation {
  std::string name;
  std::string at;   ///< JSON pointer.
  std::string now;  ///< JSON that takes the place; empty: what is there is removed.
  std::string error;
};

inline void PrintTo(const Mutation& one, std::ostream* out) { *out << one.name; }

inline void Apply(const Mutation& one, nlohmann::ordered_json& document) {
  const nlohmann::ordered_json::json_pointer at(one.at);
  if (one.now.empty()) {
    ASSERT_EQ(document.at(at.parent_pointer()).erase(at.back()), 1U);
  } else {
    document[at] = nlohmann::ordered_json::parse(one.now);
  }
}

}  // namespace forkcast
