#include "client/answer_ledger.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "client/expectation.hpp"
#include "data_preprocessing/document/json.hpp"

namespace forkcast::client {
namespace {

using nlohmann::ordered_json;

ordered_json ParseOrDiscard(std::string_view text) {
  constexpr bool kNoExceptions = false;
  return ordered_json::parse(text, nullptr, kNoExceptions);
}

/// The error object of `{"error": {...}}`, else null. A model may well answer with a field called
/// "error", but not with an object alone.
const ordered_json* ErrorObject(const ordered_json& answer) {
  if (!answer.is_object() || answer.size() != 1) return nullptr;
  const auto error = answer.find("error");
  return error != answer.end() && error->is_object() ? &*error : nullptr;
}

/// Lines without their ends. A last line end may be absent; empty lines are no lines.
std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, size);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.push_back(line);
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return lines;
}

std::string MakeError(std::string_view code, std::string_view message) {
  return preprocessing::DumpText(ordered_json{{"code", code}, {"message", message}});
}

/// The error of a request that was answered by a status other than 200.
std::string ErrorOfStatus(const TryResult& result) {
  constexpr std::size_t kShownBytes = 300;
  const ordered_json body = ParseOrDiscard(result.body);
  const ordered_json* const told = ErrorObject(body);
  ordered_json error = told != nullptr
                           ? *told
                           : ordered_json{{"code", fmt::format("http_{}", result.status)},
                                          {"message", result.body.substr(0, kShownBytes)}};
  error.erase("row");  // a place within a request that nobody sees here
  error["status"] = result.status;
  return preprocessing::DumpText(error);
}

std::string CountedValue(const ordered_json& answer, const std::string& field) {
  if (!answer.is_object()) return "(none)";
  const auto value = answer.find(field);
  if (value == answer.end() || value->is_structured()) return "(none)";
  return value->is_string() ? value->get<std::string>() : preprocessing::DumpText(*value);
}

}  // namespace

std::string AnswerLedger::Enter(std::size_t first_row, std::size_t rows, const TryResult& result) {
  std::string lines;
  const auto fail_all = [&](const std::string& error) {
    for (std::size_t i = 0; i < rows; ++i) AddFailure(first_row + i, error, lines);
    return lines;
  };
  if (result.end != TryEnd::kAnswered) {
    return fail_all(MakeError(ToString(result.end), result.message));
  }
  if (result.status != 200) return fail_all(ErrorOfStatus(result));
  const std::vector<std::string_view> answers = SplitLines(result.body);
  if (answers.size() != rows) {
    return fail_all(MakeError(
        "bad_answer", fmt::format("the answer has {} lines for {} rows", answers.size(), rows)));
  }
  lines.reserve(result.body.size() + 1);
  for (std::size_t i = 0; i < rows; ++i) EnterLine(first_row + i, answers[i], lines);
  return lines;
}

void AnswerLedger::EnterLine(std::size_t row, std::string_view line, std::string& lines) {
  const ordered_json answer = ParseOrDiscard(line);
  if (answer.is_discarded()) {
    AddFailure(row, MakeError("bad_answer", "the answer's line is not JSON"), lines);
    return;
  }
  if (const ordered_json* const told = ErrorObject(answer)) {
    ordered_json error = *told;
    error.erase("row");  // a place within a request that nobody sees here
    AddFailure(row, preprocessing::DumpText(error), lines);
    return;
  }
  ++answered_;
  counts_.Add(CountedValue(answer, count_by_));
  lines += line;
  lines += '\n';
}

void AnswerLedger::AddFailure(std::size_t row, std::string_view error_json, std::string& lines) {
  ++failed_;
  const std::string line = fmt::format(R"({{"row":{},"error":{}}})", row, error_json);
  if (first_failures_.size() < kMaxKeptMessages) first_failures_.push_back(line);
  lines += line;
  lines += '\n';
}

}  // namespace forkcast::client
