#include "serving/config/refresher_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace forkcast::serving {
namespace {

using preprocessing::JsonNode;

/// Flags that have a member of their own, or that only a person needs.
constexpr std::array<std::string_view, 8> kOwn{"--pipeline",  "--store",     "--from",
                                               "--snapshots", "--originals", "--follow",
                                               "--dry-run",   "--help"};

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
  node.RequireObject({"from", "push", "originals", "pipeline", "store", "snapshots", "options"});
  RefresherConfig config;
  if (const auto push = node.Find("push")) config.takes_pushes = push->Bool();
  if (const auto from = node.Find("from")) config.from = from->String();
  if (const auto originals = node.Find("originals")) {
    if (!config.takes_pushes) originals->Fail("of no use without \"push\": true");
    config.originals = originals->String();
  }
  if (const auto pipeline = node.Find("pipeline")) config.pipeline = pipeline->String();
  if (const auto store = node.Find("store")) config.store = store->String();
  if (const auto snapshots = node.Find("snapshots")) config.snapshots = snapshots->String();
  if (const auto options = node.Find("options")) config.options = ReadOptions(*options);
  return config;
}

std::vector<std::string> CommandLineOf(const RefresherConfig& config) {
  std::vector<std::string> words{"ingest", "--follow"};
  const auto add = [&words](const std::string& flag, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {flag, value});
  };
  add("--pipeline", config.pipeline.string());
  add("--store", config.store);
  add("--from", config.from);
  add("--snapshots", config.snapshots.string());
  add("--originals", config.originals.string());
  words.insert(words.end(), config.options.begin(), config.options.end());
  return words;
}

}  // namespace forkcast::serving
