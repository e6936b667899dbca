#include "data_preprocessing/command/flags.hpp"

#include <algorithm>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>

namespace forkcast::preprocessing {
namespace {

namespace po = boost::program_options;

Error UsageError(std::string message, std::string field = {}) {
  return {ErrorCode::kInvalidArgument, std::move(message) + " (--help lists the flags)",
          std::move(field)};
}

/// `text` with its lines broken before `width`, each indented.
std::string Paragraph(std::string_view text, std::size_t indent, std::size_t width) {
  std::string paragraph;
  std::size_t column = width;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (column + 1 + word.size() > width) {
      if (!paragraph.empty()) paragraph += '\n';
      paragraph.append(indent, ' ');
      column = indent;
    } else {
      paragraph += ' ';
      ++column;
    }
    paragraph += word;
    column += word.size();
  }
  return paragraph + "\n";
}

}  // namespace

Result<FlagValues> ParseFlags(const std::vector<Flag>& flags,
                              const std::vector<std::string>& arguments) {
  po::options_description known;
  for (const Flag& flag : flags) {
    if (flag.kind == Flag::Kind::kSwitch) {
      known.add_options()(flag.name.c_str(), "");
    } else {
      known.add_options()(flag.name.c_str(), po::value<std::string>(), "");
    }
  }
  constexpr int kStyle = po::command_line_style::allow_long |
                         po::command_line_style::long_allow_next |
                         po::command_line_style::long_allow_adjacent;
  FlagValues values;
  try {
    const po::parsed_options parsed =
        po::command_line_parser(arguments).options(known).style(kStyle).run();
    for (const po::option& option : parsed.options) {
      if (option.position_key >= 0) {
        return UsageError("unexpected argument \"" + option.value.front() + "\"");
      }
      // Boost takes whatever follows, but a forgotten value is likelier than one that looks so.
      if (option.original_tokens.size() > 1 && option.value.front().starts_with("--")) {
        const std::string flag = "--" + option.string_key;
        const std::string& next = option.value.front();
        return UsageError(flag + " has no value; \"" + next + "\" as one is " + flag + "=" + next,
                          option.string_key);
      }
      std::vector<std::string>& given = values[option.string_key];
      given.push_back(option.value.empty() ? "" : option.value.front());
      const auto flag = std::ranges::find(flags, option.string_key, &Flag::name);
      if (given.size() > 1 && flag->kind != Flag::Kind::kManyValues) {
        return UsageError("--" + option.string_key + " is given twice", option.string_key);
      }
    }
  } catch (const po::unknown_option& error) {
    return UsageError("unknown flag " + error.get_option_name());
  } catch (const po::error& error) {
    return UsageError(error.what());
  }
  return values;
}

bool AsksForHelp(const std::vector<std::string>& arguments) {
  return std::ranges::any_of(
      arguments, [](const std::string& word) { return word == "--help" || word == "-h"; });
}

std::string DescribeFlags(const std::vector<Flag>& flags) {
  constexpr std::size_t kIndent = 6;
  constexpr std::size_t kWidth = 100;
  std::string text;
  for (const Flag& flag : flags) {
    text += "  --" + flag.name + (flag.argument.empty() ? "" : " " + flag.argument) + "\n" +
            Paragraph(flag.help, kIndent, kWidth);
  }
  return text;
}

}  // namespace forkcast::preprocessing
