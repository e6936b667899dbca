#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/profile/series_profile.hpp"
#include "data_preprocessing/profile/table_profile.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::model {

/// What was said of a file's columns; what is empty is to be found.
struct GivenRoles {
  std::string time;
  std::vector<std::string> key;
  std::string target;
  std::string label;
  std::vector<std::string> known;  ///< Known in advance.
};

/// A file of rows that was looked at.
struct ProfiledFile {
  std::filesystem::path path;
  preprocessing::TableProfile table;
  const preprocessing::TimeZone& zone;
  Instant now;
};

using preprocessing::ColumnProfile;

/// Which column is what. Points into the ProfiledFile. Either target and series, or label.
struct ColumnRoles {
  const ColumnProfile* time = nullptr;
  std::vector<const ColumnProfile*> key;  ///< None: one series.
  const ColumnProfile* target = nullptr;
  const ColumnProfile* label = nullptr;
  std::vector<const ColumnProfile*> known;
  std::optional<preprocessing::SeriesProfile> series;  ///< Of the target.
  std::vector<std::string> choices;                    ///< What was found, and why.
};

/// kInvalidArgument: a column is not there or cannot be what it is said to be; or several could be,
/// which the message lists with what to add to `command`. Other errors as ProfileSeries().
[[nodiscard]] Result<ColumnRoles> ChooseRoles(const ProfiledFile& file, const GivenRoles& given,
                                              const std::string& command);

}  // namespace forkcast::model
