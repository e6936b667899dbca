#include "serving/capture/capture_line.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "data_preprocessing/table/time_zone.hpp"
#include "serving/wire/answer_writer.hpp"
#include "serving/wire/media_type.hpp"

namespace forkcast::serving {
namespace {

constexpr std::string_view kBase64 = "BASE64";

std::string_view EncodingOf(std::string_view content_type, std::string_view body) {
  const Result<wire::Format> format = wire::FormatOfRequest(content_type);
  if (!format.ok() || !simdjson::validate_utf8(body.data(), body.size())) return kBase64;
  return *format == wire::Format::kCsv ? "CSV" : "JSON";
}

void AppendMember(std::string_view key, std::string_view text, std::string& out) {
  wire::AppendJsonString(key, out);
  out += ':';
  wire::AppendJsonString(text, out);
}

void AppendBody(std::string_view mode, std::string_view content_type, std::string_view bytes,
                std::string& out) {
  const CapturedBody body = BodyOf(content_type, bytes);
  out += '{';
  AppendMember("observedContentType", body.content_type, out);
  out += ',';
  AppendMember("mode", mode, out);
  out += ',';
  AppendMember("data", body.data, out);
  out += ',';
  AppendMember("encoding", body.encoding, out);
  out += '}';
}

void AppendMetadata(const CaptureMessage& message, std::string_view event_id, std::string& out) {
  out += '{';
  AppendMember("eventId", event_id, out);
  if (!message.request.inference_id.empty()) {
    out += ',';
    AppendMember("inferenceId", message.request.inference_id, out);
  }
  if (!message.request.custom_attributes.empty()) {
    out += R"(,"customAttributes":[)";
    wire::AppendJsonString(message.request.custom_attributes, out);
    out += ']';
  }
  const preprocessing::CivilTime time = preprocessing::TimeZone().ToCivil(message.request.received);
  fmt::format_to(std::back_inserter(out),
                 R"(,"inferenceTime":"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z"}})", time.year,
                 time.month, time.day, time.hour, time.minute, time.second);
}

void AppendWithheld(const CaptureMessage::Withheld& withheld, std::string& out) {
  if (!withheld.request && !withheld.answer) return;
  out += R"("withheld":[)";
  if (withheld.request) out += R"("request")";
  if (withheld.request && withheld.answer) out += ',';
  if (withheld.answer) out += R"("answer")";
  out += "],";
}

}  // namespace

CapturedBody BodyOf(std::string_view content_type, std::string_view body) {
  const std::string_view encoding = EncodingOf(content_type, body);
  CapturedBody captured{
      .content_type =
          std::string(content_type.empty() ? wire::MediaType(wire::Format::kJson) : content_type),
      .encoding = std::string(encoding),
      .data = {}};
  if (encoding == kBase64) {
    AppendBase64(body, captured.data);
  } else {
    captured.data = body;
  }
  return captured;
}

void AppendCapturedRows(const CaptureMessage& message, std::string& out) {
  const std::size_t width = message.feature_names.size();
  out += '[';
  for (std::size_t i = 0; i < message.row_numbers.size(); ++i) {
    fmt::format_to(std::back_inserter(out), R"({}{{"row":{},"features":{{)", i == 0 ? "" : ",",
                   message.row_numbers[i]);
    for (std::size_t j = 0; j < width; ++j) {
      if (j != 0) out += ',';
      wire::AppendJsonString(message.feature_names[j], out);
      out += ':';
      wire::AppendJsonValue(message.values[i * width + j], out);
    }
    out += "}}";
  }
  out += ']';
}

void AppendCaptureLine(const CaptureMessage& message, std::string_view event_id, std::string& out) {
  const auto latency = std::chrono::floor<std::chrono::microseconds>(message.answer.latency);
  out += R"({"captureData":{"endpointInput":)";
  AppendBody("INPUT", message.request.content_type, message.request.body, out);
  out += R"(,"endpointOutput":)";
  AppendBody("OUTPUT", message.answer.content_type, message.answer.body, out);
  out += R"(},"eventMetadata":)";
  AppendMetadata(message, event_id, out);
  out += R"(,"eventVersion":"0","forkcast":{)";
  AppendMember("requestId", message.request.id, out);
  out += ',';
  if (!message.request.traceparent.empty()) {
    AppendMember("traceparent", message.request.traceparent, out);
    out += ',';
  }
  if (!message.deployment.empty()) {
    AppendMember("deployment", message.deployment, out);
    out += ',';
  }
  AppendMember("pipeline", message.pipeline, out);
  out += ',';
  AppendMember("modelVersion", message.model_version, out);
  fmt::format_to(std::back_inserter(out), R"(,"status":{},"latencyUs":{},)", message.answer.status,
                 latency.count());
  AppendWithheld(message.withheld, out);
  out += R"("rows":)";
  AppendCapturedRows(message, out);
  out += "}}\n";
}

void AppendBase64(std::string_view bytes, std::string& out) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::size_t kGroup = 3;
  for (std::size_t begin = 0; begin < bytes.size(); begin += kGroup) {
    const std::string_view group = bytes.substr(begin, kGroup);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < kGroup; ++i) {
      bits = bits << 8U | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
    }
    for (std::size_t digit = 0; digit <= kGroup; ++digit) {
      const std::uint32_t index = bits >> (6U * (kGroup - digit)) & 0x3FU;
      out += digit <= group.size() ? kAlphabet[index] : '=';
    }
  }
}

}  // namespace forkcast::serving
