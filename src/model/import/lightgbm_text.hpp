#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"

namespace forkcast::model {

/// A tree as the text has it: of each of its tests, and of each of its leaves. Views into the text.
struct LightGbmTree {
  std::map<std::string_view, std::string_view> members;
};

/// The text cut into what it names, nothing of it understood yet. Views into the text.
struct LightGbmText {
  std::map<std::string_view, std::string_view> header;  ///< A bare word has an empty value.
  std::vector<LightGbmTree> trees;
  std::string_view pandas_categorical;  ///< JSON; empty where Python added none.
};

/// kCorrupt naming the line. Trees are found by their lines `Tree=`: `tree_sizes` may lie.
[[nodiscard]] Result<LightGbmText> SplitLightGbm(std::string_view text);

/// Numbers with blanks between them. kCorrupt for anything else.
[[nodiscard]] Result<std::vector<double>> ReadDoubles(std::string_view text);
/// The same of whole numbers of 32 bits, with a sign or without.
[[nodiscard]] Result<std::vector<std::int64_t>> ReadIntegers(std::string_view text);

/// The words of a text, without the blanks between them.
[[nodiscard]] std::vector<std::string_view> Words(std::string_view text);

}  // namespace forkcast::model
