#include "serving/jobs/job_verdict.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {
namespace {

using Json = nlohmann::ordered_json;
using preprocessing::DumpText;

constexpr const char* kNotKept = "not_kept";
constexpr std::size_t kLong = 256;
/// What has more that is too long is no summary.
constexpr std::size_t kMostLeftOut = 64;

/// What may be left out.
struct Part {
  std::vector<std::string> place;  ///< The names that lead there.
  bool has_members = false;
  std::size_t size = 0;
};

/// Of all that is below `json` in objects; lists as a whole.
void Collect(const Json& json, std::vector<std::string>& place, std::vector<Part>& parts) {
  for (const auto& [name, value] : json.items()) {
    place.push_back(name);
    parts.push_back(
        {.place = place, .has_members = value.is_object(), .size = DumpText(value).size()});
    if (value.is_object()) Collect(value, place, parts);
    place.pop_back();
  }
}

/// Lists, which are of each key or each step, and texts; where none is long, whatever is longest.
Part FirstToGo(const Json& summary) {
  std::vector<Part> parts;
  std::vector<std::string> place;
  Collect(summary, place, parts);
  return *std::ranges::max_element(parts, std::ranges::less{}, [](const Part& part) {
    return std::pair(!part.has_members && part.size > kLong, part.size);
  });
}

}  // namespace

std::string VerdictOf(Json summary, std::size_t most) {
  std::string text = DumpText(summary);
  Json not_kept = Json::array();
  while (text.size() > most) {
    if (summary.empty() || not_kept.size() == kMostLeftOut) return R"({"not_kept":[""]})";
    const Part gone = FirstToGo(summary);
    Json* around = &summary;
    std::string pointer;
    for (const std::string& name : gone.place) {
      pointer += "/" + name;
      if (&name != &gone.place.back()) around = &around->at(name);
    }
    around->erase(gone.place.back());
    not_kept.push_back(std::move(pointer));
    Json whole = summary;
    whole[kNotKept] = not_kept;
    text = DumpText(whole);
  }
  return text;
}

}  // namespace forkcast::serving
