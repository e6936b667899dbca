#include "data_preprocessing/follow/follow_status.hpp"

#include <string_view>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::preprocessing {
namespace {

std::string_view ToString(FollowStatus::State state) noexcept {
  switch (state) {
    case FollowStatus::State::kFollowing:
      return "following";
    case FollowStatus::State::kWaiting:
      return "waiting";
    case FollowStatus::State::kFailing:
      return "failing";
  }
  return "?";
}

}  // namespace

std::string ToJsonLine(const FollowStatus& status) {
  using nlohmann::ordered_json;
  ordered_json line{{"state", ToString(status.state)},
                    {"rows", status.rows},
                    {"rejected", status.rejected},
                    {"published", status.published}};
  if (status.last_success) line["last_success"] = IsoTimestamp(*status.last_success);
  if (!status.error.empty()) line["error"] = status.error;
  if (status.lag) line["lag"] = *status.lag;
  // Names of files need not be UTF-8.
  return DumpText(line) + "\n";
}

}  // namespace forkcast::preprocessing
