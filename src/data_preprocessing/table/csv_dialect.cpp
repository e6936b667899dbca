#include "data_preprocessing/table/csv_dialect.hpp"

#include <fmt/format.h>

#include <string_view>

namespace forkcast::preprocessing {
namespace {

Error Wrong(std::string_view member, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::string(member)};
}

bool IsIn(char c, std::string_view set) noexcept { return set.find(c) != std::string_view::npos; }

/// An ASCII character that is printed, or a tab, and no letter or digit.
bool CanSeparate(char c) noexcept {
  if (c == '\t') return true;
  const bool alphanumeric =
      (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return c >= ' ' && c <= '~' && !alphanumeric;
}

}  // namespace

Status CheckDialect(const CsvDialect& dialect) {
  if (!CanSeparate(dialect.delimiter) || IsIn(dialect.delimiter, "\"+-")) {
    return Wrong("delimiter",
                 "expected a tab or a mark such as \";\" or \"|\", which is no letter, digit, "
                 "quote or sign");
  }
  if (dialect.decimal != '\0' && !IsIn(dialect.decimal, ".,"))
    return Wrong("decimal", "expected \".\" or \",\"");
  if (dialect.delimiter == dialect.decimal) {
    return Wrong("decimal", fmt::format("\"{}\" is the delimiter as well: say the other one",
                                        dialect.decimal));
  }
  if (dialect.thousands != '\0' && !IsIn(dialect.thousands, ".,' ")) {
    return Wrong("thousands", "expected \".\", \",\", \"'\" or a blank");
  }
  if (dialect.thousands != '\0' && dialect.thousands == dialect.decimal) {
    return Wrong("thousands",
                 fmt::format("\"{}\" is the decimal point as well: say \"decimal\": \"{}\"",
                             dialect.thousands, dialect.decimal == '.' ? ',' : '.'));
  }
  if (dialect.delimiter == ' ' && dialect.blanks == CsvBlanks::kTrimmed) {
    return Wrong("trim", "a blank is the delimiter, so none can be trimmed");
  }
  return {};
}

}  // namespace forkcast::preprocessing
