#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::preprocessing {

/// Which values a flag takes.
struct Allowed {
  std::string expected{};  ///< "a whole number from 1 to 9"; empty: as the argument is called.
  std::function<bool(std::string_view)> is_value{};  ///< None: every text but the empty one.
  std::vector<std::string> words{};  ///< Those that `is_value` takes, where they are few.
};
[[nodiscard]] Allowed WholeNumber(std::uint64_t least, std::uint64_t most);
[[nodiscard]] Allowed OneOf(std::vector<std::string> values);

/// A flag of a command: a row of the table from which its help, its parsing and its checks are
/// made.
struct Flag {
  enum class Kind { kSwitch, kOneValue, kManyValues };
  enum class Need {
    kOptional,
    kUsual,  ///< Shown in the usage line, though something else can take its place.
    kRequired,
  };

  std::string name;        ///< Without its dashes.
  std::string argument{};  ///< What help calls its value ("FILE"); empty for a switch.
  Kind kind = Kind::kOneValue;
  std::string meaning{};
  std::string variable{};     ///< Of the environment, read when the flag is not given.
  std::string fallback{};     ///< The value when neither says one; empty: none.
  std::string when_absent{};  ///< What help says for `fallback` where that is none.
  Allowed allowed{};
  Need need = Need::kOptional;
};

/// Flags that several commands have.
[[nodiscard]] Flag JsonFlag(std::string meaning);
[[nodiscard]] Flag QuietFlag();  ///< RunCommand() hands it on as CommandContext::quiet.

/// The values of the flags that were given, in their order; a switch has an empty one.
using FlagValues = std::map<std::string, std::vector<std::string>, std::less<>>;

/// What stands behind a command's name.
struct GivenWords {
  FlagValues flags;
  std::vector<std::string> operands;  ///< What belongs to no flag, in its order.
};

/// Reads `--name value`, `--name=value`, switches and operands, in any order; behind `--` there are
/// operands alone. Names are given in full, since an abbreviation would change its meaning with the
/// next release. kInvalidArgument names what is unknown, incomplete, or given twice.
Result<GivenWords> ParseWords(const std::vector<Flag>& flags,
                              const std::vector<std::string>& words);

/// Whether help is asked for, whatever else is among the arguments.
[[nodiscard]] bool AsksForHelp(const std::vector<std::string>& arguments);

/// Columns of help where no terminal says how many it has.
inline constexpr std::size_t kHelpWidth = 80;

/// One paragraph a flag with its variable and default, for `--help`.
[[nodiscard]] std::string DescribeFlags(const std::vector<Flag>& flags,
                                        std::size_t width = kHelpWidth);

}  // namespace forkcast::preprocessing
