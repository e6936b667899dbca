#include "serving/jobs/job_order.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "data_preprocessing/base/ascii.hpp"
#include "data_preprocessing/base/suggestion.hpp"
#include "data_preprocessing/document/json.hpp"
#include "serving/config/deployment.hpp"

namespace forkcast::serving {
namespace {

using Json = nlohmann::ordered_json;
using Type = JobOption::Type;

constexpr std::size_t kMostBytes = 16'384;
constexpr std::size_t kMostTextBytes = 1'024;
constexpr std::size_t kMostKeyBytes = 256;

constexpr std::string_view kLast = "Uses only the last days, weeks or months: 120d, 17w, 4mo.";
constexpr std::string_view kSince = "Leaves out what begins before.";
constexpr std::string_view kUntil = "What ends after it is as if it had not happened.";

constexpr std::array kOptions{
    JobOption{.kind = JobKind::kTrain, .name = "last", .flag = "last", .meaning = kLast},
    JobOption{.kind = JobKind::kTrain, .name = "since", .flag = "since", .meaning = kSince},
    JobOption{.kind = JobKind::kTrain, .name = "until", .flag = "until", .meaning = kUntil},
    JobOption{.kind = JobKind::kTrain,
              .name = "force_promote",
              .flag = "force-promote",
              .type = Type::kSwitch,
              .meaning = "Serves the version also when it does not beat its baselines."},
    JobOption{.kind = JobKind::kEvaluate, .name = "last", .flag = "last", .meaning = kLast},
    JobOption{.kind = JobKind::kEvaluate, .name = "since", .flag = "since", .meaning = kSince},
    JobOption{.kind = JobKind::kEvaluate, .name = "until", .flag = "until", .meaning = kUntil},
    JobOption{.kind = JobKind::kPredict,
              .name = "table",
              .flag = "out",
              .is_required = true,
              .meaning = "The table of the store that the forecasts go to, made when absent."},
    JobOption{.kind = JobKind::kPredict,
              .name = "origin",
              .flag = "origin",
              .meaning = "Forecasts from what was known then."},
    JobOption{.kind = JobKind::kPredict,
              .name = "steps",
              .flag = "steps",
              .type = Type::kWhole,
              .meaning = "How many periods to forecast."},
    JobOption{.kind = JobKind::kPredict,
              .name = "skip_refused",
              .flag = "skip-refused",
              .type = Type::kSwitch,
              .meaning = "Leaves out keys that cannot be forecast."},
    JobOption{.kind = JobKind::kIngest,
              .name = "from",
              .flag = "from",
              .is_required = true,
              .meaning = "A folder below that of the setting jobs_data, with the files of each "
                         "table."},
    JobOption{.kind = JobKind::kIngest,
              .name = "upsert",
              .flag = "upsert",
              .type = Type::kSwitch,
              .meaning = "A row whose key is stored replaces the stored one."},
    JobOption{.kind = JobKind::kRetrain, .name = "last", .flag = "last", .meaning = kLast},
    JobOption{.kind = JobKind::kRetrain,
              .name = "again",
              .flag = "again",
              .type = Type::kSwitch,
              .meaning = "Trains also when nothing is new."},
};

Error Wrong(std::string_view field, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::string(field)};
}

std::string_view ExpectedOf(Type type) noexcept {
  switch (type) {
    case Type::kText:
      return "expected a text of at most 1024 bytes without control characters, not beginning "
             "with -";
    case Type::kWhole:
      return "expected a whole number from 0";
    case Type::kSwitch:
      return "expected true or false";
  }
  return {};
}

/// It becomes the value of a flag, which no text may be taken for.
bool IsText(const Json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  const bool is_clean = std::ranges::none_of(text, IsControl);
  return !text.empty() && text.size() <= kMostTextBytes && is_clean && text.front() != '-';
}

bool IsOfType(const Json& value, Type type) {
  switch (type) {
    case Type::kText:
      return IsText(value);
    case Type::kWhole:
      return value.is_number_unsigned();
    case Type::kSwitch:
      return value.is_boolean();
  }
  return false;
}

const JobOption* Find(JobKind kind, std::string_view name) {
  const auto* const found = std::ranges::find_if(
      kOptions, [&](const JobOption& one) { return one.kind == kind && one.name == name; });
  return found == kOptions.end() ? nullptr : found;
}

Error Unknown(JobKind kind, const std::string& name) {
  std::vector<std::string> known{"kind", "deployment"};
  if (HasKey(kind)) known.emplace_back("key");
  for (const JobOption& option : kOptions) {
    if (option.kind == kind) known.emplace_back(option.name);
  }
  return Wrong(name, fmt::format("unknown member of a job of kind {}{} (there are: {})",
                                 WordFor(kind), DidYouMean(name, known), fmt::join(known, ", ")));
}

/// An object of names with texts, numbers or true and false.
Result<std::string> ReadKey(const Json& key, JobKind kind) {
  if (key.is_null()) return std::string();
  if (!HasKey(kind)) {
    return Wrong("key", fmt::format("a job of kind {} is of all keys", WordFor(kind)));
  }
  const auto expected = [] {
    return Wrong("key", "expected an object of the key's fields, as {\"store_id\": 1}");
  };
  if (!key.is_object() || key.empty()) return expected();
  for (const auto& [name, value] : key.items()) {
    if (!value.is_string() && !value.is_number() && !value.is_boolean()) return expected();
    if (value.is_string() && value.get_ref<const std::string&>().size() > kMostTextBytes) {
      return expected();
    }
  }
  return key.dump();
}

Result<JobKind> ReadKind(const Json& body) {
  const auto found = body.find("kind");
  if (found == body.end()) return Wrong("kind", "required member is missing");
  if (found->is_string()) {
    if (const auto kind = JobKindOf(found->get<std::string>())) return *kind;
  }
  std::vector<std::string> known;
  for (const JobKind kind : kJobKinds) known.emplace_back(WordFor(kind));
  return Wrong("kind", fmt::format("expected one of {}", fmt::join(known, ", ")));
}

Result<std::string> ReadName(const Json& body) {
  const auto found = body.find("deployment");
  if (found == body.end()) return Wrong("deployment", "required member is missing");
  if (!found->is_string() || !IsDeploymentName(found->get<std::string>())) {
    return Wrong("deployment", "expected the name of a deployment");
  }
  return found->get<std::string>();
}

}  // namespace

std::span<const JobOption> JobOptions() noexcept { return kOptions; }

Status CheckRequestKey(std::string_view key) {
  if (key.size() <= kMostKeyBytes && IsVisibleAscii(key)) return {};
  return Wrong("Idempotency-Key", "expected at most 256 printable ASCII characters without blanks");
}

Result<JobOrder> ReadJobOrder(std::string_view body) {
  if (body.size() > kMostBytes) {
    return Error{ErrorCode::kTooLarge, fmt::format("a job has at most {} bytes", kMostBytes)};
  }
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return Error{ErrorCode::kMalformed,
                 "expected a JSON object, as {\"kind\": \"train\", \"deployment\": \"NAME\"}"};
  }
  const Result<JobKind> kind = ReadKind(json);
  if (!kind) return kind.error();
  Result<std::string> deployment = ReadName(json);
  if (!deployment) return std::move(deployment).error();
  JobOrder order{.kind = *kind, .deployment = *std::move(deployment)};
  Json options = Json::object();
  for (const auto& [name, value] : json.items()) {
    if (name == "kind" || name == "deployment") continue;
    if (name == "key") {
      Result<std::string> key = ReadKey(value, *kind);
      if (!key) return std::move(key).error();
      order.key = *std::move(key);
      continue;
    }
    const JobOption* const option = Find(*kind, name);
    if (option == nullptr) return Unknown(*kind, name);
    if (value.is_null()) continue;
    if (!IsOfType(value, option->type)) return Wrong(name, std::string(ExpectedOf(option->type)));
    options[name] = value;
  }
  for (const JobOption& option : kOptions) {
    if (option.kind == *kind && option.is_required && !options.contains(std::string(option.name))) {
      return Wrong(option.name, "required member is missing");
    }
  }
  order.options = options.dump();
  return order;
}

}  // namespace forkcast::serving
