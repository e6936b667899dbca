#include "data_preprocessing/dao/mysql/canonical_query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "data_preprocessing/dao/common/table_rules.hpp"

namespace forkcast::preprocessing {
namespace {

std::string Quoted(std::string_view name) { return fmt::format("`{}`", Folded(name)); }

/// The positions of `what` in `text`.
std::vector<std::size_t> PlacesOf(std::string_view what, std::string_view text) {
  std::vector<std::size_t> places;
  for (std::size_t at = text.find(what); at != std::string_view::npos;
       at = text.find(what, at + 1)) {
    places.push_back(at);
  }
  return places;
}

/// The name whose closing backtick stands in front of `end`.
std::string_view NameBefore(std::string_view text, std::size_t end) {
  const std::size_t open = end < 2 ? std::string_view::npos : text.rfind('`', end - 2);
  if (open == std::string_view::npos) return {};
  return text.substr(open + 1, end - open - 2);
}

/// The name whose opening backtick stands at `begin`.
std::string_view NameAt(std::string_view text, std::size_t begin) {
  const std::size_t close = text.find('`', begin + 1);
  if (close == std::string_view::npos) return {};
  return text.substr(begin + 1, close - begin - 1);
}

Error NotTold(std::string why) {
  return {
      ErrorCode::kInvalidArgument,
      fmt::format("it {}, of which nobody can tell whether it reads what is forbidden here", why)};
}

}  // namespace

std::set<FullName> NamesIn(std::string_view text) {
  std::set<FullName> names;
  for (const std::size_t dot : PlacesOf("`.`", text)) {
    names.emplace(NameBefore(text, dot + 1), NameAt(text, dot + 2));
  }
  return names;
}

bool MayRead(std::string_view text, const FullName& table, std::string_view column) {
  const std::string folded = Folded(text);
  const std::string quoted_table = Quoted(table.second);
  const std::string full = fmt::format("{}.{}", Quoted(table.first), quoted_table);
  std::set<std::string, std::less<>> names{Folded(table.second)};
  bool is_there = false;
  bool is_told = true;  // all its aliases are among the names
  for (const std::size_t at : PlacesOf(full, folded)) {
    is_there = true;
    const std::string_view behind = std::string_view(folded).substr(at + full.size());
    if (behind.starts_with(" `")) names.emplace(NameAt(behind, 1));
    // Between a table and its alias may stand which parts of it are read.
    is_told &= !behind.starts_with(" partition") && !behind.starts_with(" for system_time");
  }
  if (!is_there) return false;
  const std::string quoted_column = Quoted(column);
  constexpr std::string_view kAs = " as ";
  return std::ranges::any_of(PlacesOf(quoted_column, folded), [&](std::size_t at) {
    const std::string_view before = std::string_view(folded).substr(0, at);
    if (before.ends_with("`.")) return !is_told || names.contains(NameBefore(folded, at - 1));
    return !before.ends_with(kAs);
  });
}

Status CheckIsTold(std::string_view text) {
  if (text.find("``") != std::string_view::npos) return NotTold("has a name with a backtick");
  const std::string folded = Folded(text);
  if (const std::size_t at = folded.find("`("); at != std::string::npos) {
    return NotTold(fmt::format("calls the function {}", NameBefore(folded, at + 1)));
  }
  if (folded.find("load_file(") != std::string::npos) return NotTold("reads a file");
  constexpr std::array<std::string_view, 4> kOfTheServer{"information_schema", "mysql",
                                                         "performance_schema", "sys"};
  for (const FullName& name : NamesIn(folded)) {
    if (std::ranges::find(kOfTheServer, name.first) == kOfTheServer.end()) continue;
    return NotTold(fmt::format("reads {}.{}", name.first, name.second));
  }
  return {};
}

}  // namespace forkcast::preprocessing
