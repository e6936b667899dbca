#include "model/init/column_roles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "model/init/shell_word.hpp"

namespace forkcast::model {
namespace {

using preprocessing::ColumnSpec;
using preprocessing::ColumnType;
using preprocessing::kFewDays;
using preprocessing::SeriesProfile;
using preprocessing::ToString;

/// So many columns are looked at as keys: each costs memory.
constexpr std::size_t kMostCandidates = 12;

/// What a column is like, for a list to choose from.
std::string Describe(const ColumnProfile& column) {
  std::string text =
      fmt::format("{} ({}, {}{} different values", column.spec.name, ToString(column.spec.type),
                  column.has_more ? "more than " : "", column.distinct);
  if (column.missing > 0) text += fmt::format(", {} missing", column.missing);
  return text + ")";
}

class RoleFinder {
 public:
  RoleFinder(const ProfiledFile& file, const GivenRoles& given, const std::string& command)
      : file_(file), given_(given), command_(command) {}

  Result<ColumnRoles> Find() {
    if (Status found = FindGiven(); !found) return found.error();
    if (roles_.label != nullptr) return FindOfLabel();
    if (Status found = FindTime(); !found) return found.error();
    if (Status found = FindKey(); !found) return found.error();
    if (Status found = FindTarget(); !found) return found.error();
    return std::move(roles_);
  }

 private:
  [[nodiscard]] Result<const ColumnProfile*> Named(const std::string& flag,
                                                   const std::string& name) const {
    if (const ColumnProfile* const column = file_.table.Find(name)) return column;
    std::vector<std::string> names;
    for (const ColumnProfile& one : file_.table.columns) {
      if (names.size() == kMostCandidates) break;
      names.push_back(one.spec.name);
    }
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("--{}: {} has no column \"{}\"; it has {}{}", flag,
                             file_.path.string(), name, fmt::join(names, ", "),
                             file_.table.columns.size() > names.size() ? " ..." : "")};
  }

  Status FindGiven() {
    const auto find = [this](const std::string& flag, const std::string& name,
                             const ColumnProfile*& role) -> Status {
      if (name.empty()) return {};
      const Result<const ColumnProfile*> column = Named(flag, name);
      if (!column) return column.error();
      role = *column;
      return {};
    };
    if (Status ok = find("time", given_.time, roles_.time); !ok) return ok;
    if (Status ok = find("target", given_.target, roles_.target); !ok) return ok;
    if (Status ok = find("label", given_.label, roles_.label); !ok) return ok;
    for (const auto& [flag, names, role] : {std::tuple("key", &given_.key, &roles_.key),
                                            std::tuple("known", &given_.known, &roles_.known)}) {
      for (const std::string& name : *names) {
        const ColumnProfile* column = nullptr;
        if (Status ok = find(flag, name, column); !ok) return ok;
        role->push_back(column);
      }
    }
    return CheckGiven();
  }

  [[nodiscard]] Status CheckGiven() const {
    const auto refuse = [](const char* flag, const ColumnProfile& column, const char* expected) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("--{}: {} is no {}", flag, Describe(column), expected)};
    };
    if (roles_.time != nullptr && roles_.time->spec.type != ColumnType::kTimestamp) {
      return refuse("time", *roles_.time,
                    "time: expected YYYY-MM-DD, YYYY-MM-DD HH:MM:SS or ISO 8601 in every row");
    }
    if (roles_.target != nullptr && !roles_.target->is_number()) {
      return refuse("target", *roles_.target,
                    "number, which a forecast is; to learn a class of rows give it as --label");
    }
    for (const ColumnProfile* const one : roles_.key) {
      const ColumnType type = one->spec.type;
      if (type != ColumnType::kDouble && type != ColumnType::kTimestamp) continue;
      return refuse("key", *one, "key: expected int64, bool or text");
    }
    if (roles_.label == nullptr) return {};
    if (!roles_.key.empty() || roles_.target != nullptr || !roles_.known.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   "--label: a class of rows has no --key, --target or --known, which a forecast "
                   "has"};
    }
    const ColumnType type = roles_.label->spec.type;
    if (type == ColumnType::kDouble || type == ColumnType::kTimestamp) {
      return refuse("label", *roles_.label,
                    "class: expected bool, text or int64; a number by time is a --target");
    }
    if (roles_.label->distinct < 2 || roles_.label->has_more || roles_.label->distinct > 1000) {
      return refuse("label", *roles_.label, "class: expected 2 to 1000 different values");
    }
    return {};
  }

  /// What to type to choose among columns for a role.
  [[nodiscard]] Error Undecided(const std::string& flag, const std::string& question,
                                const std::vector<const ColumnProfile*>& candidates) const {
    std::vector<std::string> lines;
    for (const ColumnProfile* const one : candidates) {
      lines.push_back(fmt::format("  {}   {} --{} {}", Describe(*one), command_, flag,
                                  ShellWord(one->spec.name)));
      if (lines.size() == kMostCandidates) break;
    }
    return {ErrorCode::kInvalidArgument, fmt::format("{}\n{}", question, fmt::join(lines, "\n"))};
  }

  [[nodiscard]] std::vector<const ColumnProfile*> Times() const {
    std::vector<const ColumnProfile*> times;
    for (const ColumnProfile& one : file_.table.columns) {
      if (one.spec.type == ColumnType::kTimestamp) times.push_back(&one);
    }
    return times;
  }

  Status FindTime() {
    if (roles_.time != nullptr) return {};
    const std::vector<const ColumnProfile*> times = Times();
    if (times.empty()) {
      const char* const why =
          roles_.label != nullptr
              ? "a classifier learns from older rows and is judged by newer ones"
              : "without one there is nothing to forecast";
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{} has no column whose every value is a time (YYYY-MM-DD, "
                               "YYYY-MM-DD HH:MM:SS or ISO 8601): {}",
                               file_.path.string(), why)};
    }
    if (times.size() > 1) {
      return Undecided("time", "several columns hold times; which says when a row happened?",
                       times);
    }
    roles_.time = times.front();
    roles_.choices.push_back(
        fmt::format("time: {}, the only column of times", roles_.time->spec.name));
    return {};
  }

  [[nodiscard]] static std::vector<ColumnSpec> SpecsOf(
      const std::vector<const ColumnProfile*>& columns) {
    std::vector<ColumnSpec> specs;
    for (const ColumnProfile* const one : columns) specs.push_back(one->spec);
    return specs;
  }

  /// Columns that could say whose a row is.
  [[nodiscard]] std::vector<const ColumnProfile*> KeyCandidates() const {
    std::vector<const ColumnProfile*> candidates;
    for (const ColumnProfile& one : file_.table.columns) {
      const ColumnType type = one.spec.type;
      const bool can_be = type == ColumnType::kText || type == ColumnType::kInt64;
      const bool has_role = &one == roles_.target || std::ranges::count(roles_.known, &one) > 0;
      if (!can_be || has_role || one.missing > 0 || one.has_more || one.negative > 0) continue;
      if (one.distinct < 2 || one.distinct > file_.table.rows / 2) continue;
      candidates.push_back(&one);
      if (candidates.size() == kMostCandidates) break;
    }
    return candidates;
  }

  Result<std::vector<SeriesProfile>> Profile(
      const std::vector<std::vector<ColumnSpec>>& keys) const {
    return preprocessing::ProfileSeries(file_.path, file_.table.dialect, roles_.time->spec, keys,
                                        file_.zone, file_.now);
  }

  Status FindKey() {
    if (!roles_.key.empty()) {
      Result<std::vector<SeriesProfile>> series = Profile({SpecsOf(roles_.key)});
      if (!series) return series.error();
      roles_.series = series->front();
      return {};
    }
    const std::vector<const ColumnProfile*> candidates = KeyCandidates();
    std::vector<std::vector<ColumnSpec>> keys{{}};  // the first: none
    for (const ColumnProfile* const one : candidates) keys.push_back({one->spec});
    const Result<std::vector<SeriesProfile>> series = Profile(keys);
    if (!series) return series.error();
    return DecideKey(candidates, *series);
  }

  Status DecideKey(const std::vector<const ColumnProfile*>& candidates,
                   const std::vector<SeriesProfile>& series) {
    if (series.front().repeated == 0U) {
      roles_.series = series.front();
      roles_.choices.push_back("key: none, since no two rows have the same time: one series");
      return {};
    }
    std::vector<std::size_t> unique;
    std::vector<std::size_t> recurring;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (series[i + 1].median_days < kFewDays) continue;
      recurring.push_back(i);
      if (series[i + 1].repeated == 0U) unique.push_back(i);
    }
    const auto take = [&](std::size_t i, const char* why) {
      roles_.key = {candidates[i]};
      roles_.series = series[i + 1];
      roles_.choices.push_back(fmt::format("key: {}, {}", candidates[i]->spec.name, why));
      return Status();
    };
    if (unique.size() == 1) return take(unique.front(), "which has one row at each time");
    if (unique.empty() && recurring.size() == 1) {
      return take(recurring.front(), "the only column whose values come back day after day");
    }
    const std::vector<std::size_t>& left = unique.empty() ? recurring : unique;
    std::vector<const ColumnProfile*> columns;
    for (const std::size_t i : left) columns.push_back(candidates[i]);
    if (columns.empty()) columns = candidates;
    if (columns.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   "several rows have the same time, and no column says whose they are: expected "
                   "one of text or int64 whose values come back; name one with --key"};
    }
    return Undecided("key", "whose is a row? (a key of several columns: give --key again)",
                     columns);
  }

  Status FindTarget() {
    if (roles_.target != nullptr) return {};
    std::vector<const ColumnProfile*> numbers;
    for (const ColumnProfile& one : file_.table.columns) {
      const bool has_role =
          std::ranges::count(roles_.key, &one) > 0 || std::ranges::count(roles_.known, &one) > 0;
      if (one.is_number() && !has_role) numbers.push_back(&one);
    }
    // Of several, those that say yes or no are rather reasons than results.
    const auto is_flag = [](const ColumnProfile* one) { return one->distinct <= 2; };
    if (!std::ranges::all_of(numbers, is_flag)) std::erase_if(numbers, is_flag);
    if (numbers.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{} has no column of numbers left to forecast; name one with "
                               "--target, or a class of rows with --label",
                               file_.path.string())};
    }
    if (numbers.size() > 1) {
      return Undecided("target", "which number is to be forecast?", numbers);
    }
    roles_.target = numbers.front();
    roles_.choices.push_back(
        fmt::format("target: {}, the only column of numbers left", roles_.target->spec.name));
    return {};
  }

  Result<ColumnRoles> FindOfLabel() {
    if (Status found = FindTime(); !found) return found.error();
    return std::move(roles_);
  }

  const ProfiledFile& file_;
  const GivenRoles& given_;
  const std::string& command_;
  ColumnRoles roles_;
};

}  // namespace

Result<ColumnRoles> ChooseRoles(const ProfiledFile& file, const GivenRoles& given,
                                const std::string& command) {
  return RoleFinder(file, given, command).Find();
}

}  // namespace forkcast::model
