#include "model/import/lightgbm_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <utility>

namespace forkcast::model {
namespace {

/// The text up to the next end of a line, which is taken away.
std::string_view TakeLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// "name=value", or a bare word.
std::pair<std::string_view, std::string_view> Cut(std::string_view line) {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return {line, {}};
  return {line.substr(0, equals), line.substr(equals + 1)};
}

Error Corrupt(std::size_t line, std::string_view what) {
  return {ErrorCode::kCorrupt, fmt::format("line {}: {}", line, what)};
}

template <typename Number>
Result<std::vector<Number>> ReadNumbers(std::string_view text) {
  std::vector<Number> numbers;
  for (const std::string_view word : Words(text)) {
    Number number{};
    const auto [behind, failed] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (failed != std::errc() || behind != word.data() + word.size()) {
      return Error{ErrorCode::kCorrupt, fmt::format("{:?} is no number", word.substr(0, 40))};
    }
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

Result<LightGbmText> SplitLightGbm(std::string_view text) {
  constexpr std::string_view kPandas = "pandas_categorical:";
  LightGbmText split;
  if (TakeLine(text) != "tree") return Corrupt(1, "expected \"tree\"");
  bool ended = false;
  for (std::size_t number = 2; !text.empty(); ++number) {
    const std::string_view line = TakeLine(text);
    if (line.starts_with(kPandas)) split.pandas_categorical = line.substr(kPandas.size());
    if (line == "end of trees") ended = true;
    // Behind the trees stand how much features mattered, and with what was trained.
    if (ended || line.empty()) continue;
    const auto [name, value] = Cut(line);
    if (name == "Tree") {
      split.trees.emplace_back();
      if (value != std::to_string(split.trees.size() - 1)) {
        return Corrupt(number, fmt::format("expected Tree={}", split.trees.size() - 1));
      }
      continue;
    }
    auto& members = split.trees.empty() ? split.header : split.trees.back().members;
    if (!members.emplace(name, value).second) {
      return Corrupt(number, fmt::format("{} is given twice", name.substr(0, 40)));
    }
  }
  if (!ended) return Error{ErrorCode::kCorrupt, "ends too soon: no \"end of trees\""};
  return split;
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return words;
    const std::size_t end = text.find(' ', begin);
    words.push_back(text.substr(begin, end == std::string_view::npos ? end : end - begin));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end);
  }
}

Result<std::vector<double>> ReadDoubles(std::string_view text) { return ReadNumbers<double>(text); }

Result<std::vector<std::int64_t>> ReadIntegers(std::string_view text) {
  Result<std::vector<std::int64_t>> numbers = ReadNumbers<std::int64_t>(text);
  if (!numbers) return numbers;
  for (const std::int64_t number : *numbers) {
    if (number < std::numeric_limits<std::int32_t>::min() ||
        number > std::numeric_limits<std::uint32_t>::max()) {
      return Error{ErrorCode::kCorrupt, fmt::format("{} has over 32 bits", number)};
    }
  }
  return numbers;
}

}  // namespace forkcast::model
