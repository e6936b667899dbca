#include "model/forecast/named_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include "data_preprocessing/document/json.hpp"
#include "model/forecast/model_keys.hpp"

namespace forkcast::model {

using nlohmann::ordered_json;
using preprocessing::Value;

Result<std::vector<std::uint32_t>> FindKeys(const ForecastData& data,
                                            std::span<const std::string> names,
                                            std::string_view flag) {
  std::multimap<std::string, std::uint32_t> called;
  for (const std::uint32_t key : data.AllKeys()) {
    const std::vector<Value> values = data.grid().KeyValues(key);
    called.emplace(JoinedKey(values), key);
  }
  const auto in_json = [&data](std::uint32_t key) {
    return KeyToJson(data.grid().KeyValues(key)).dump();
  };
  const auto refuse = [flag](const std::string& why) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("--{}: {}", flag, why),
                 std::string(flag)};
  };
  std::vector<std::uint32_t> keys;
  for (const std::string& name : names) {
    const auto [begin, end] = called.equal_range(name);
    std::optional<std::uint32_t> found;
    if (std::distance(begin, end) > 1) {
      std::string candidates;
      for (auto one = begin; one != end; ++one) {
        candidates += (one == begin ? "" : ", ") + in_json(one->second);
      }
      return refuse(
          fmt::format("several keys are called \"{}\": give one of {}", name, candidates));
    }
    if (begin != end) {
      found = begin->second;
    } else if (const auto given = ordered_json::parse(name, nullptr, false); given.is_array()) {
      for (const std::uint32_t key : data.AllKeys()) {
        if (in_json(key) == given.dump()) found = key;
      }
    }
    if (!found) {
      return refuse(fmt::format("series \"{}\" has no key \"{}\" among its {}", data.series().name,
                                name, data.key_count()));
    }
    if (std::ranges::find(keys, *found) != keys.end()) {
      return refuse(fmt::format("\"{}\" is given twice", name));
    }
    keys.push_back(*found);
  }
  return keys;
}

}  // namespace forkcast::model
