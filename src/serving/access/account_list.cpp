#include "serving/access/account_list.hpp"

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::serving {

std::string ReadAccountName(const preprocessing::JsonNode& node, std::size_t most) {
  std::string name = node.String();
  if (!IsPlainName(name, most)) {
    node.Fail(fmt::format("expected 1 to {} letters, digits, '-', '_' and '.'", most));
  }
  return name;
}

Role ReadRole(const preprocessing::JsonNode& node) {
  const std::optional<Role> role = RoleOf(node.String());
  if (!role) node.Fail("expected viewer, operator or admin");
  return *role;
}

Instant ReadTime(const preprocessing::JsonNode& node) {
  const auto time = preprocessing::ParseTimestamp(node.String(), preprocessing::TimeZone());
  if (!time) node.Fail(time.error().message);
  return *time;
}

}  // namespace forkcast::serving
