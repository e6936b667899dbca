#pragma once

#include <string>
#include <string_view>

namespace forkcast::serving {

/// `text` as a cell of a CSV file that people open in a spreadsheet, which takes for a formula what
/// begins like one (`=`, `+`, `-`, `@`, a tabulator, a carriage return), whoever wrote it: such a
/// text gets an apostrophe before it, unless it is a number. In quotes where it has to be (RFC
/// 4180). For what a browser downloads; what programs read (`predict`) is left as it is.
[[nodiscard]] std::string SafeCell(std::string_view text);

}  // namespace forkcast::serving
