#include "serving/page/page_text.hpp"

#include <algorithm>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {

std::string TextOf(const nlohmann::ordered_json& json) { return preprocessing::DumpText(json); }

bool Contains(std::string_view text, std::string_view part) {
  const auto same = [](char left, char right) { return Lower(left) == Lower(right); };
  return part.empty() ||
         std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

}  // namespace forkcast::serving
