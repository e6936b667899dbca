#include "serving/endpoints/query_time.hpp"

#include <string>

#include "data_preprocessing/table/parse_value.hpp"
#include "serving/http/url.hpp"

namespace forkcast::serving {

Result<std::optional<Instant>> QueryTime(std::string_view query, std::string_view name,
                                         const preprocessing::TimeZone& zone) {
  const Result<std::optional<std::string>> text = QueryParameter(query, name);
  if (!text) return text.error();
  if (!*text) return std::optional<Instant>();
  const Result<Instant> time = preprocessing::ParseTimestamp(**text, zone);
  if (time) return std::optional(*time);
  return Error{ErrorCode::kInvalidArgument, time.error().message, std::string(name)};
}

}  // namespace forkcast::serving
