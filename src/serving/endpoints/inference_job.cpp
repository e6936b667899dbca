#include "serving/endpoints/inference_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/base/suggestion.hpp"
#include "serving/endpoints/inference_models.hpp"
#include "serving/http/error_response.hpp"
#include "serving/web/api_operation.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

constexpr std::string_view kBinary = "application/octet-stream";
constexpr std::string_view kLengthHeader = "Inference-Header-Content-Length";

/// What the outputs are called, for people.
std::vector<std::string> OutputNames(const std::vector<InferenceOutput>& outputs) {
  std::vector<std::string> names;
  for (const InferenceOutput& output : outputs) names.emplace_back(output.name);
  return names;
}

}  // namespace

Result<Catalogue::Entry*> InferenceJob::FindDeployment() {
  Result<Catalogue::Entry*> found = FindInferenceModel(exchange(), service());
  if (found) deployment_ = (*found)->deployment.name;
  return found;
}

Result<ScoringJob::BadRows> InferenceJob::Receive() {
  tells_freshness_ = false;
  if (!request().query.empty()) {
    if (Status read = ReadQuery(); !read) return std::move(read).error();
  }
  const std::string_view type = request().content_type;
  const bool is_binary = EqualsIgnoringCase(type.substr(0, type.find(';')), kBinary);
  const auto format = is_binary ? wire::Format::kJson : wire::FormatOfRequest(type);
  if (!format || *format != wire::Format::kJson) {
    return Error{ErrorCode::kUnsupportedType,
                 fmt::format("expected application/json in UTF-8, or {} with the header {}",
                             kBinary, kLengthHeader),
                 "Content-Type"};
  }
  const Result<std::optional<std::size_t>> json_size = JsonSize();
  if (!json_size) return json_size.error();
  if (*json_size) SayBodyIs(kBinary);
  const preprocessing::Schema& fields = steps().decoder.schema();
  const std::size_t most =
      service().limits.max_rows * std::max<std::size_t>(fields.columns.size(), 1);
  Status read = request_.Read(body(), *json_size, most);
  if (read) read = ChooseOutputs();
  if (read) {
    read = rows_.Start({.schema = fields,
                        .zone = pipeline().spec().zone,
                        .inputs = request_.inputs(),
                        .max_rows = service().limits.max_rows},
                       steps().decoded);
  }
  if (!read) return std::move(read).error();
  return BadRows::kFailAll;
}

Status InferenceJob::ReadQuery() {
  static const std::vector<std::string> kKnown{"as_of", "timing", "freshness"};
  if (Status known = RefuseMistyped(request().query, kKnown); !known) return known;
  const Result<bool> timing = exchange().QueryFlag("timing");
  if (!timing) return timing.error();
  if (*timing) TellTiming();
  const Result<bool> freshness = exchange().QueryFlag("freshness");
  if (!freshness) return freshness.error();
  tells_freshness_ = *freshness;
  return ReadAsOf();
}

Result<std::optional<std::size_t>> InferenceJob::JsonSize() const {
  const std::string_view said = request().inference_header_length;
  if (said.empty()) return std::optional<std::size_t>();
  std::size_t size = 0;
  const auto [end, failed] = std::from_chars(said.data(), said.data() + said.size(), size);
  if (failed == std::errc() && end == said.data() + said.size()) return std::optional(size);
  return Error{ErrorCode::kInvalidArgument, "expected a number of bytes",
               std::string(kLengthHeader)};
}

Status InferenceJob::ChooseOutputs() {
  const std::vector<InferenceOutput> all = InferenceOutputsOf(pipeline());
  outputs_.clear();
  parts_.clear();
  width_ = 0;
  const auto add = [&](const InferenceOutput& output, bool binary) {
    parts_.push_back(static_cast<std::size_t>(&output - all.data()));
    width_ = std::max(width_, parts_.back() + 1);
    outputs_.push_back({.name = output.name, .datatype = output.datatype, .binary = binary});
  };
  if (request_.outputs().empty()) {
    for (const InferenceOutput& output : all) {
      if (output.is_usual) add(output, request_.wants_binary());
    }
  }
  for (const wire::RequestedOutput& asked : request_.outputs()) {
    const auto found = std::ranges::find(all, asked.name, &InferenceOutput::name);
    if (found == all.end()) {
      const std::vector<std::string> names = OutputNames(all);
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("there is no such output{}; there are: {}",
                               DidYouMean(asked.name, names), fmt::join(names, ", ")),
                   std::string(asked.name)};
    }
    add(*found, asked.binary.value_or(request_.wants_binary()));
  }
  return {};
}

Result<bool> InferenceJob::Decode(std::size_t rows) { return rows_.Continue(rows); }

void InferenceJob::Refuse(const Error& error) { exchange().Refuse(error); }

void InferenceJob::RefuseRows(const std::vector<wire::RowError>& errors) {
  WriteRowErrors(errors, exchange().id(), response());
}

void InferenceJob::StartAnswer() {
  // A challenger that scores in the deployment's place may answer less; it is answered what it has.
  static_cast<void>(ChooseOutputs());
  if (tells_freshness_) TellFreshness();
  writer_.Start(outputs_);
  lines_.Start(steps().decoded, steps(), width_);
  next_ = 0;
  stale_ = 0;
}

bool InferenceJob::WriteAnswer(std::size_t lines) {
  const std::size_t last_line = lines_.line() + lines;
  const std::size_t end = std::min(next_ + lines, steps().decoded.row_count);
  for (; next_ < end && lines_.line() < last_line; ++next_) {
    values_.clear();
    const std::size_t count = lines_.Append(next_, values_);
    stale_ |= lines_.stale();
    for (std::size_t line = 0; line < count; ++line) {
      chosen_.clear();
      for (const std::size_t part : parts_) chosen_.push_back(values_[line * width_ + part]);
      writer_.AddLine(chosen_);
    }
  }
  if (next_ < steps().decoded.row_count) return false;
  const std::size_t json_size =
      writer_.Finish({.model_name = deployment_,
                      .model_version = pipeline().model_version(),
                      .id = request_.id().empty() ? exchange().id() : request_.id()},
                     response().body);
  response().content_type = json_size == 0 ? wire::MediaType(wire::Format::kJson) : kBinary;
  if (json_size != 0) response().AddHeader(kLengthHeader, std::to_string(json_size));
  TellStale(stale_);
  TellFlags();
  return true;
}

void DescribeInference(ApiOperation& operation) {
  const JsonSchema text{{"type", "string"}};
  const JsonSchema parameters{{"type", "object"}};
  const JsonSchema shape = ArrayOf({{"type", "integer"}});
  const JsonSchema tensor{{"type", "object"},
                          {"required", {"name", "shape", "datatype"}},
                          {"properties",
                           {{"name", text},
                            {"shape", shape},
                            {"datatype", text},
                            {"parameters", parameters},
                            {"data", {{"type", "array"}}}}}};
  const JsonSchema named{{"type", "object"},
                         {"required", JsonSchema::array({"name"})},
                         {"properties", {{"name", text}, {"parameters", parameters}}}};
  const JsonSchema asked{{"type", "object"},
                         {"required", JsonSchema::array({"inputs"})},
                         {"properties",
                          {{"id", text},
                           {"parameters", parameters},
                           {"inputs", ArrayOf(tensor)},
                           {"outputs", ArrayOf(named)}}}};
  const JsonSchema answered{{"type", "object"},
                            {"required", {"model_name", "outputs"}},
                            {"properties",
                             {{"model_name", text},
                              {"model_version", text},
                              {"id", text},
                              {"outputs", ArrayOf(tensor)}}}};
  operation.Add({.in = ApiOperation::In::kQuery,
                 .name = "as_of",
                 .description = "The answer that would have been given at this time.",
                 .schema = {{"type", "string"}, {"format", "date-time"}}});
  operation.Add({.in = ApiOperation::In::kHeader,
                 .name = kLengthHeader,
                 .description = "How many bytes of the body are JSON, where tensors follow it.",
                 .schema = {{"type", "integer"}}});
  operation.AddBody(wire::MediaType(wire::Format::kJson), asked);
  operation.AddBody(kBinary, text);
  constexpr std::string_view kAnswered = "Tensors of the shape [n], a value a row.";
  operation.AddAnswer("200", kAnswered, wire::MediaType(wire::Format::kJson), answered);
  operation.AddAnswer("200", kAnswered, kBinary, text);
}

}  // namespace forkcast::serving
