#include "serving/page/page_text.hpp"

#include <algorithm>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

char Lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string TextOf(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

bool Contains(std::string_view text, std::string_view part) {
  const auto same = [](char left, char right) { return Lower(left) == Lower(right); };
  return part.empty() ||
         std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

}  // namespace forkcast::serving
