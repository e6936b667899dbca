#include "data_preprocessing/command/flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <charconv>
#include <utility>

#include "data_preprocessing/base/suggestion.hpp"
#include "data_preprocessing/base/text_table.hpp"

namespace forkcast::preprocessing {
namespace {

namespace po = boost::program_options;

Error FlagError(std::string message, std::string field = {}) {
  return {ErrorCode::kInvalidArgument, std::move(message) + " (--help lists the flags)",
          std::move(field)};
}

/// `given`: with its dashes, and perhaps with its value.
Error UnknownFlag(std::string_view given, const std::vector<Flag>& flags) {
  std::vector<std::string> names;
  for (const Flag& flag : flags) names.push_back(flag.name);
  const std::string_view flag = given.substr(0, given.find('='));
  const std::string_view name = flag.substr(std::min(flag.find_first_not_of('-'), flag.size()));
  return FlagError(fmt::format("unknown flag {}{}", flag, DidYouMean(name, names, "--")));
}

po::options_description KnownTo(const std::vector<Flag>& flags) {
  po::options_description known;
  for (const Flag& flag : flags) {
    if (flag.kind == Flag::Kind::kSwitch) {
      known.add_options()(flag.name.c_str(), "");
    } else {
      known.add_options()(flag.name.c_str(), po::value<std::string>(), "");
    }
  }
  return known;
}

/// Adds a flag's value, or an operand.
Status Take(const po::option& option, const std::vector<Flag>& flags, GivenWords& given) {
  if (option.position_key >= 0) {
    given.operands.push_back(option.value.front());
    return {};
  }
  // Boost takes whatever follows, but a forgotten value is likelier than one that looks so.
  if (option.original_tokens.size() > 1 && option.value.front().starts_with("--")) {
    const std::string flag = "--" + option.string_key;
    const std::string& next = option.value.front();
    return FlagError(flag + " has no value; \"" + next + "\" as one is " + flag + "=" + next,
                     option.string_key);
  }
  std::vector<std::string>& values = given.flags[option.string_key];
  values.push_back(option.value.empty() ? "" : option.value.front());
  const auto flag = std::ranges::find(flags, option.string_key, &Flag::name);
  if (values.size() > 1 && flag->kind != Flag::Kind::kManyValues) {
    return FlagError("--" + option.string_key + " is given twice", option.string_key);
  }
  return {};
}

std::string DefaultOf(const Flag& flag) {
  if (!flag.fallback.empty()) return flag.fallback;
  return flag.need == Flag::Need::kRequired ? "none; required" : flag.when_absent;
}

}  // namespace

Allowed WholeNumber(std::uint64_t least, std::uint64_t most) {
  const auto is_value = [least, most](std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failed == std::errc() && end == text.data() + text.size() && number >= least &&
           number <= most;
  };
  return {.expected = fmt::format("a whole number from {} to {}", least, most),
          .is_value = is_value};
}

Allowed OneOf(std::vector<std::string> values) {
  std::string expected = values.front();
  for (std::size_t i = 1; i < values.size(); ++i) {
    expected += (i + 1 == values.size() ? " or " : ", ") + values[i];
  }
  const auto is_value = [values](std::string_view text) {
    return std::ranges::find(values, text) != values.end();
  };
  return {.expected = std::move(expected), .is_value = is_value, .words = std::move(values)};
}

Flag JsonFlag(std::string meaning) {
  return {.name = "json", .kind = Flag::Kind::kSwitch, .meaning = std::move(meaning)};
}

Flag QuietFlag() {
  return {.name = "quiet",
          .kind = Flag::Kind::kSwitch,
          .meaning = "Prints errors only (and what --json asks for)."};
}

Result<GivenWords> ParseWords(const std::vector<Flag>& flags,
                              const std::vector<std::string>& words) {
  const po::options_description known = KnownTo(flags);
  constexpr int kStyle = po::command_line_style::allow_long |
                         po::command_line_style::long_allow_next |
                         po::command_line_style::long_allow_adjacent;
  GivenWords given;
  try {
    for (const po::option& option :
         po::command_line_parser(words).options(known).style(kStyle).run().options) {
      const Status taken = Take(option, flags, given);
      if (!taken) return taken.error();
    }
  } catch (const po::unknown_option& error) {
    return UnknownFlag(error.get_option_name(), flags);
  } catch (const po::error& error) {
    return FlagError(error.what());
  }
  return given;
}

bool AsksForHelp(const std::vector<std::string>& arguments) {
  return std::ranges::any_of(
      arguments, [](const std::string& word) { return word == "--help" || word == "-h"; });
}

std::string DescribeFlags(const std::vector<Flag>& flags, std::size_t width) {
  constexpr std::size_t kIndent = 6;
  std::string text;
  for (const Flag& flag : flags) {
    std::string meaning = flag.meaning;
    if (!flag.variable.empty()) meaning += fmt::format(" Environment: {}.", flag.variable);
    const std::string absent = DefaultOf(flag);
    if (!absent.empty()) meaning += fmt::format(" Default: {}.", absent);
    text += "  --" + flag.name + (flag.argument.empty() ? "" : " " + flag.argument) + "\n" +
            Paragraph(meaning, width, kIndent);
  }
  return text;
}

}  // namespace forkcast::preprocessing
