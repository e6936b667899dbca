#pragma once

#include <xxhash.h>

#include <array>
#include <cstdio>
#include <string>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::model {

/// A decision tree's JSON as a file with the checksum that FORMAT.md asks for.
inline std::string Seal(nlohmann::ordered_json tree) {
  const std::string zeros(32, '0');
  tree["checksum"] = "xxh3-128:" + zeros;
  std::string text = tree.dump(2);
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(text.data(), text.size()));
  std::string digits;
  for (const unsigned char byte : canonical.digest) {
    std::array<char, 3> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", byte);
    digits += hex.data();
  }
  return text.replace(text.find(zeros), zeros.size(), digits);
}

/// A tree over one number that answers "yes" or "no" to one test.
inline nlohmann::ordered_json OneTest(const std::string& test, double limit) {
  auto tree = nlohmann::ordered_json::parse(R"({
    "format": "forkcast.decision_tree", "format_version": 1, "name": "one", "version": "1",
    "features": [{"name": "x", "type": "number"}],
    "classes": ["no", "yes"],
    "nodes": [{"if": "x", "yes": 1, "no": 2}, {"class": "yes"}, {"class": "no"}]
  })");
  tree["nodes"][0][test] = limit;
  return tree;
}

}  // namespace forkcast::model
