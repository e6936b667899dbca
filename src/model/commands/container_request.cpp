#include "model/commands/container_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/document/json_node.hpp"
#include "model/learn/trainer.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using preprocessing::JsonNode;
using preprocessing::ReadJsonFile;
using preprocessing::SpecError;

/// How hyperparameters begin that are the platform's own: of its SDK, and of its tuning jobs.
constexpr std::array<std::string_view, 2> kReserved{"sagemaker_", "_tuning_"};
/// Hyperparameters that say which data are used, as the flags of `forkcast train` do.
constexpr std::array<std::pair<std::string_view, std::string DataWindow::*>, 3> kWindowFlags{
    {{"since", &DataWindow::since}, {"until", &DataWindow::until}, {"last", &DataWindow::last}}};
/// Those that are numbers, and the greatest.
struct NumberFlag {
  std::string_view name;
  std::optional<std::uint32_t> ContainerRequest::*number;
  std::uint32_t most;
};
constexpr std::array<NumberFlag, 2> kNumberFlags{
    {{"seed", &ContainerRequest::seed, kMostSeed},
     {"threads", &ContainerRequest::threads, kMostThreads}}};

bool IsReserved(std::string_view name) {
  return std::ranges::any_of(kReserved,
                             [name](std::string_view prefix) { return name.starts_with(prefix); });
}

bool Contains(const auto& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

JsonNode RootOf(const ordered_json& document, const fs::path& file) {
  return JsonNode(document, file.string() + ": $");
}

std::optional<ordered_json> JsonOf(const std::string& text) {
  try {
    return preprocessing::ParseJson(text);
  } catch (const SpecError&) {
    return std::nullopt;
  }
}

/// An integer for a number without a fraction ("3.0", as Python writes a float): where a double is
/// expected an integer does as well. Other values as they are.
ordered_json Whole(ordered_json value) {
  constexpr double kMost = 9'007'199'254'740'992;  // 2^53: beyond it not every integer is a double
  if (!value.is_number_float()) return value;
  const auto number = value.get<double>();
  if (number != std::floor(number) || std::abs(number) > kMost) return value;
  return static_cast<std::int64_t>(number);
}

/// The value that a text stands for: the platform makes texts of all values, and some of its
/// clients write them as JSON before that, others as Python does.
ordered_json ValueOf(const JsonNode& node) {
  if (node.json().is_null()) node.Fail("expected a value");
  if (!node.json().is_string()) return Whole(node.json());
  const auto text = node.json().get<std::string>();
  if (text == "True" || text == "False") return text == "True";
  const auto parsed = JsonOf(text);
  return parsed ? Whole(*parsed) : ordered_json(text);
}

/// A value that is read as a text, whatever it looks like.
std::string TextOf(const JsonNode& node) {
  if (node.json().is_structured() || node.json().is_null()) node.Fail("expected a text");
  if (!node.json().is_string()) return node.json().dump();
  auto text = node.String();
  if (text.front() != '"') return text;
  const auto parsed = JsonOf(text);
  return parsed ? parsed->get<std::string>() : text;
}

bool SwitchOf(const JsonNode& node) {
  const std::string text = TextOf(node);
  if (text == "true" || text == "True" || text == "1") return true;
  if (text != "false" && text != "False" && text != "0") {
    node.Fail(fmt::format("expected true or false, got \"{}\"", text));
  }
  return false;
}

std::uint32_t NumberFlagOf(const JsonNode& node, std::uint32_t most) {
  const std::string text = TextOf(node);
  const auto parsed = JsonOf(text);
  const ordered_json number = parsed ? Whole(*parsed) : ordered_json();
  if (!number.is_number_integer() || number < 0 || number > most) {
    node.Fail(fmt::format("expected a whole number from 0 to {}, got \"{}\"", most, text));
  }
  return number.get<std::uint32_t>();
}

void ReadHyperparameters(const ContainerFolder& folder, ContainerRequest& request) {
  const ordered_json document = ReadJsonFile(folder.hyperparameters());
  RootOf(document, folder.hyperparameters())
      .EachMember([&request](const std::string& name, const JsonNode& node) {
        if (IsReserved(name)) return;
        if (name == "pipeline") {
          request.pipeline = TextOf(node);
        } else if (name == "force_promote") {
          request.force_promote = SwitchOf(node);
        } else if (const auto number = std::ranges::find(kNumberFlags, name, &NumberFlag::name);
                   number != kNumberFlags.end()) {
          request.*number->number = NumberFlagOf(node, number->most);
        } else if (const auto flag = std::ranges::find(kWindowFlags, name,
                                                       [](const auto& one) { return one.first; });
                   flag != kWindowFlags.end()) {
          request.window.*flag->second = TextOf(node);
        } else {
          request.parameters.emplace_back(name, ValueOf(node));
        }
      });
  // Equal settings give an equal pipeline, in whatever order they came.
  std::ranges::sort(request.parameters, {}, &Assignment::value_type::first);
}

/// A member's text, or what it is when it is not given.
std::string TextIn(const JsonNode& node, std::string_view member, const char* absent) {
  const auto found = node.Find(member);
  return found ? found->String() : std::string(absent);
}

Channel ReadChannel(const ContainerFolder& folder, const Hosts& hosts, const std::string& name,
                    const JsonNode& node) {
  const std::string mode = TextIn(node, "TrainingInputMode", "File");
  if (mode != "File" && mode != "FastFile") {
    node.Get("TrainingInputMode")
        .Fail(
            fmt::format("{}: channel \"{}\" must be files: expected File or FastFile", mode, name));
  }
  if (TextIn(node, "RecordWrapperType", "None") != "None") {
    node.Get("RecordWrapperType")
        .Fail(fmt::format("channel \"{}\" must hold CSV files as they are: expected None", name));
  }
  if (hosts.count > 1 &&
      TextIn(node, "S3DistributionType", "FullyReplicated") != "FullyReplicated") {
    node.Get("S3DistributionType")
        .Fail(fmt::format("each of {} hosts has only a part of channel \"{}\", and one of them "
                          "trains: expected FullyReplicated",
                          hosts.count, name));
  }
  Channel channel{.name = name, .folder = folder.data() / name};
  std::error_code ignored;
  if (!fs::is_directory(channel.folder, ignored)) {
    node.Fail(fmt::format("there is no folder {}", channel.folder.string()));
  }
  return channel;
}

void ReadChannels(const ContainerFolder& folder, const Hosts& hosts, ContainerRequest& request) {
  std::error_code failed;
  if (fs::exists(folder.channels(), failed)) {
    const ordered_json document = ReadJsonFile(folder.channels());
    RootOf(document, folder.channels())
        .EachMember([&](const std::string& name, const JsonNode& node) {
          request.channels.push_back(ReadChannel(folder, hosts, name, node));
        });
  } else {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder.data(), failed)) {
      if (!entry.is_directory(failed) || IsHidden(entry.path())) continue;
      request.channels.push_back({.name = entry.path().filename(), .folder = entry.path()});
    }
  }
  if (request.channels.empty()) {
    throw SpecError(folder.data().string() + ": there is no channel to learn from");
  }
  std::ranges::sort(request.channels, {}, &Channel::name);
}

}  // namespace

bool IsHidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

Hosts ReadHosts(const ContainerFolder& folder) {
  std::error_code ignored;
  if (!fs::exists(folder.resources(), ignored)) return {};
  const ordered_json document = ReadJsonFile(folder.resources());
  const JsonNode node = RootOf(document, folder.resources());
  const std::vector<std::string> names = node.Get("hosts").Strings();
  Hosts hosts{.current = node.Get("current_host").String(), .first = {}, .count = names.size()};
  if (!Contains(names, hosts.current)) {
    node.Get("current_host").Fail(fmt::format("\"{}\" is none of the hosts", hosts.current));
  }
  hosts.first = *std::ranges::min_element(names);
  return hosts;
}

ContainerRequest ReadContainerRequest(const ContainerFolder& folder, const Hosts& hosts) {
  ContainerRequest request;
  ReadHyperparameters(folder, request);
  ReadChannels(folder, hosts, request);
  return request;
}

}  // namespace forkcast::model
