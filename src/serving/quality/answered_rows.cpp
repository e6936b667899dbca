#include "serving/quality/answered_rows.hpp"

#include <vector>

#include "data_preprocessing/table/parse_value.hpp"
#include "serving/capture/capture_reader.hpp"
#include "serving/capture/captured_rows.hpp"

namespace forkcast::serving {
namespace {

using nlohmann::ordered_json;
using preprocessing::AnswerSource;
using preprocessing::PipelineSpec;

/// The member of JSON rows that holds the lines of a forecast; of those that were refused, why.
constexpr const char* kLines = "forecast";
constexpr const char* kRefused = "error";

const ordered_json* MemberOf(const ordered_json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

/// What the answer calls an output or a field.
std::string_view NameInAnswer(const PipelineSpec& spec, AnswerSource::Kind kind,
                              std::string_view source) {
  if (!spec.serving) return source;
  for (const AnswerSource& one : spec.serving->answer) {
    if (one.kind == kind && one.source == source) return one.name;
  }
  return source;
}

}  // namespace

const ordered_json* AnsweredRow::InAnswer(std::string_view member) const {
  const ordered_json* const found = MemberOf(line_, member);
  return found != nullptr ? found : MemberOf(answer_, member);
}

const ordered_json* AnsweredRow::Output(std::string_view name) const {
  return InAnswer(NameInAnswer(spec_, AnswerSource::Kind::kModelOutput, name));
}

const ordered_json* AnsweredRow::Field(std::string_view name) const {
  const ordered_json* const asked = MemberOf(request_, name);
  if (asked != nullptr) return asked;
  return InAnswer(NameInAnswer(spec_, AnswerSource::Kind::kRequestField, name));
}

void VisitAnswers(const CaptureRecord& record, const PipelineSpec& spec,
                  const std::function<void(const AnsweredRow&)>& visit) {
  const std::vector<ordered_json> requests = RowsOf(record.request);
  const std::vector<ordered_json> answers = RowsOf(record.answer);
  const ordered_json nothing;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const ordered_json& request = requests.size() == answers.size() ? requests[i] : nothing;
    const ordered_json* const refused = MemberOf(answers[i], kRefused);
    if (refused != nullptr && refused->is_object()) continue;
    const ordered_json* const list = MemberOf(answers[i], kLines);
    if (list == nullptr || !list->is_array()) {
      visit(AnsweredRow(spec, answers[i], answers[i], request));
      continue;
    }
    for (const ordered_json& line : *list) visit(AnsweredRow(spec, line, answers[i], request));
  }
}

std::optional<std::string> TextOf(const ordered_json* value) {
  if (value == nullptr || value->is_null() || value->is_structured()) return std::nullopt;
  return value->is_string() ? value->get<std::string>() : value->dump();
}

std::optional<double> NumberOf(const ordered_json* value) {
  const std::optional<std::string> text = TextOf(value);
  if (!text) return std::nullopt;
  const Result<double> number = preprocessing::ParseDouble(*text);
  return number ? std::optional(*number) : std::nullopt;
}

bool AnswersOf::Has(const CaptureRecord& record) const {
  constexpr int kFirst = 200;
  constexpr int kLast = 299;
  return record.pipeline == pipeline && record.model_version == version &&
         (deployment.empty() || record.deployment == deployment) && record.status >= kFirst &&
         record.status <= kLast;
}

Status VisitAnswers(const std::filesystem::path& captures, const AnswersOf& answers,
                    const PipelineSpec& spec,
                    const std::function<void(const AnsweredRow& row, Instant received)>& visit) {
  return VisitCaptures(captures, [&](const CaptureRecord& record) {
    if (!answers.Has(record)) return;
    VisitAnswers(record, spec, [&](const AnsweredRow& row) { visit(row, record.received); });
  });
}

}  // namespace forkcast::serving
