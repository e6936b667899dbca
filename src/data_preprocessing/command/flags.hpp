#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::preprocessing {

/// A flag of a subcommand: how it is read and what its help says.
struct Flag {
  enum class Kind { kSwitch, kOneValue, kManyValues };

  std::string name;      ///< Without its dashes.
  std::string argument;  ///< What help calls its value ("FILE"); empty for a switch.
  Kind kind = Kind::kOneValue;
  std::string help;
};

/// The values of the flags that were given, in their order; a switch has an empty one.
using FlagValues = std::map<std::string, std::vector<std::string>, std::less<>>;

/// Reads `--name value`, `--name=value` and switches; names are given in full, since an
/// abbreviation would change its meaning with the next release. kInvalidArgument names what is
/// unknown, incomplete, or given twice.
Result<FlagValues> ParseFlags(const std::vector<Flag>& flags,
                              const std::vector<std::string>& arguments);

/// Whether help is asked for, whatever else is among the arguments.
[[nodiscard]] bool AsksForHelp(const std::vector<std::string>& arguments);

/// One paragraph a flag, for `--help`.
[[nodiscard]] std::string DescribeFlags(const std::vector<Flag>& flags);

}  // namespace forkcast::preprocessing
