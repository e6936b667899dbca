#include "serving/config/refresher_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;

/// Flags that have a member of their own, or that only a person needs.
constexpr std::array<std::string_view, 7> kOwn{"--pipeline", "--store",   "--from", "--snapshots",
                                               "--follow",   "--dry-run", "--help"};

std::vector<std::string> ReadOptions(const JsonNode& node) {
  std::vector<std::string> options;
  for (const JsonNode& element : node.Elements()) {
    options.push_back(element.String());
    const std::string_view option = options.back();
    const std::string_view flag = option.substr(0, option.find('='));
    if (std::ranges::find(kOwn, flag) == kOwn.end()) continue;
    element.Fail(fmt::format("{} is not one of the options of a refresher", flag));
  }
  return options;
}

}  // namespace

RefresherConfig ReadRefresher(const JsonNode& node) {
  node.RequireObject({"from", "pipeline", "store", "snapshots", "options"});
  RefresherConfig config;
  if (const auto from = node.Find("from")) config.from = from->String();
  if (const auto pipeline = node.Find("pipeline")) config.pipeline = pipeline->String();
  if (const auto store = node.Find("store")) config.store = store->String();
  if (const auto snapshots = node.Find("snapshots")) config.snapshots = snapshots->String();
  if (const auto options = node.Find("options")) config.options = ReadOptions(*options);
  return config;
}

std::vector<std::string> CommandLineOf(const RefresherConfig& config) {
  std::vector<std::string> words{"ingest",  "--follow",   "--pipeline",  config.pipeline.string(),
                                 "--store", config.store, "--snapshots", config.snapshots.string()};
  if (!config.from.empty()) words.insert(words.end(), {"--from", config.from});
  words.insert(words.end(), config.options.begin(), config.options.end());
  return words;
}

}  // namespace forkcast::serving
