#include "serving/wire/json_walker.hpp"

#include <fmt/format.h>

namespace forkcast::wire {
namespace {

std::string_view Explain(simdjson::error_code code) noexcept {
  switch (code) {
    case simdjson::EMPTY:
      return "it is empty";
    case simdjson::UTF8_ERROR:
      return "it is not UTF-8";
    case simdjson::UNCLOSED_STRING:
      return "a text is not closed";
    case simdjson::UNESCAPED_CHARS:
      return "a text holds a control character that is not escaped";
    case simdjson::STRING_ERROR:
      return "a text holds a bad escape";
    case simdjson::NUMBER_ERROR:
      return "expected a value";
    case simdjson::TRAILING_CONTENT:
      return "there is something behind its end";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "an array or object is not closed";
    case simdjson::TAPE_ERROR:
      return "a comma, colon, key or bracket is missing or out of place";
    default:
      return simdjson::error_message(code);
  }
}

}  // namespace

std::string_view ToString(JsonKind kind) noexcept {
  switch (kind) {
    case JsonKind::kText:
      return "text";
    case JsonKind::kNumber:
      return "a number";
    case JsonKind::kBool:
      return "a boolean";
    case JsonKind::kNull:
      return "null";
    case JsonKind::kArray:
      return "an array";
    case JsonKind::kObject:
      return "an object";
    case JsonKind::kNoNumber:
    case JsonKind::kNotJson:
      break;
  }
  return "something that is not JSON";
}

std::string NoNumberText(std::string_view token) {
  return fmt::format("{} is no JSON: a value that is missing is written null", token);
}

Error JsonWalker::FailureOf(std::string_view document, std::string_view where) const {
  switch (failure_) {
    case Failure::kTooDeep:
      return {ErrorCode::kInvalidArgument,
              fmt::format("JSON is nested more than {} deep", max_depth_)};
    case Failure::kOther:
      return other_;
    case Failure::kMalformed:
      break;
  }
  const bool is_no_number = code_ == simdjson::NUMBER_ERROR && IsNoNumber(token_);
  const std::string what = is_no_number ? NoNumberText(token_) : std::string(Explain(code_));
  const std::string near = token_.empty()
                               ? std::string()
                               : fmt::format(", near byte {}", token_.data() - document.data());
  return {ErrorCode::kInvalidArgument, fmt::format("not valid JSON: {}{}{}", what, near, where)};
}

}  // namespace forkcast::wire
