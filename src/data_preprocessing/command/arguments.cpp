#include "data_preprocessing/command/arguments.hpp"

#include <fmt/format.h>

#include <charconv>
#include <stdexcept>
#include <utility>

#include "data_preprocessing/base/suggestion.hpp"

namespace forkcast::preprocessing {
namespace {

template <typename Number>
std::optional<Number> NumberOf(const std::string& text) {
  if (text.empty()) return std::nullopt;
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Status Check(const Flag& flag, const std::string& text, const std::string& source) {
  const bool is_allowed = flag.allowed.is_value ? flag.allowed.is_value(text) : !text.empty();
  if (is_allowed) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{}: \"{}\" is not allowed; expected {}{}", source, text,
                           flag.allowed.expected.empty() ? flag.argument : flag.allowed.expected,
                           DidYouMean(text, flag.allowed.words)),
               flag.name};
}

Error Missing(const Flag& flag) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("--{}{} is missing (--help lists the flags)", flag.name,
                      flag.variable.empty() ? "" : fmt::format(" (or {})", flag.variable)),
          flag.name};
}

}  // namespace

Result<Arguments> Arguments::Read(const std::vector<Flag>& flags, GivenWords given,
                                  const Environment& environment) {
  Arguments arguments;
  for (const Flag& flag : flags) {
    Result<Value> value = Find(flag, given.flags, environment);
    if (!value) return std::move(value).error();
    if (value->texts.empty() && flag.need == Flag::Need::kRequired) return Missing(flag);
    arguments.values_.emplace(flag.name, *std::move(value));
  }
  arguments.given_ = std::move(given);
  return arguments;
}

Result<Arguments::Value> Arguments::Find(const Flag& flag, const FlagValues& given,
                                         const Environment& environment) {
  Value value;
  if (const auto found = given.find(flag.name); found != given.end()) {
    value = {.texts = found->second, .source = "--" + flag.name};
  } else if (!flag.variable.empty()) {
    const auto variable = environment(flag.variable.c_str());
    if (variable && !variable->empty()) value = {.texts = {*variable}, .source = flag.variable};
  }
  if (value.texts.empty() && !flag.fallback.empty()) value.texts = {flag.fallback};
  if (flag.kind == Flag::Kind::kSwitch) return value;
  for (const std::string& text : value.texts) {
    const Status checked = Check(flag, text, value.source);
    if (!checked) return checked.error();
  }
  return value;
}

const Arguments::Value& Arguments::ValueOf(std::string_view flag) const {
  const auto found = values_.find(flag);
  if (found == values_.end()) throw std::out_of_range("no flag " + std::string(flag));
  return found->second;
}

bool Arguments::Has(std::string_view flag) const { return !ValueOf(flag).source.empty(); }

std::string Arguments::Text(std::string_view flag) const {
  const Value& value = ValueOf(flag);
  return value.texts.empty() ? std::string() : value.texts.front();
}

const std::vector<std::string>& Arguments::Texts(std::string_view flag) const {
  return ValueOf(flag).texts;
}

std::optional<std::uint64_t> Arguments::Whole(std::string_view flag) const {
  return NumberOf<std::uint64_t>(Text(flag));
}

std::optional<double> Arguments::Real(std::string_view flag) const {
  return NumberOf<double>(Text(flag));
}

Error Arguments::Refuse(std::string_view flag, const std::string& why) const {
  const Value& value = ValueOf(flag);
  const std::string source = value.source.empty() ? "--" + std::string(flag) : value.source;
  return {ErrorCode::kInvalidArgument, source + ": " + why, std::string(flag)};
}

}  // namespace forkcast::preprocessing
