// generate-demand --kind KIND --seed S --out DIR: invented sales and prices, the sample data of the
// forecast pipelines in conf/pipelines.

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "demand/milk_price.hpp"
#include "demand/store_sales.hpp"
#include "demand/weekly_demand.hpp"
#include "demand/weekly_demand_by_store.hpp"
#include "run_tool.hpp"

namespace {

namespace bench = forkcast::bench;
namespace options = boost::program_options;

struct Kind {
  std::string_view name;
  void (*write)(std::uint64_t seed, const std::filesystem::path& folder);
};
constexpr Kind kKinds[] = {{"weekly_demand", &bench::WriteWeeklyDemand},
                           {"weekly_demand_by_store", &bench::WriteWeeklyDemandByStore},
                           {"store_sales", &bench::WriteStoreSales},
                           {"milk_price", &bench::WriteMilkPrice}};

int Run(int argc, const char* const* argv) {
  std::string kinds;
  for (const Kind& kind : kKinds)
    kinds += fmt::format("{}{}", kinds.empty() ? "" : ", ", kind.name);
  options::options_description described("generate-demand --kind KIND --seed S --out DIR");
  auto add = described.add_options();
  add("help", "this text");
  add("kind", options::value<std::string>()->required(), kinds.c_str());
  add("seed", options::value<std::uint64_t>()->required(),
      "the same seed gives the same bytes, everywhere");
  add("out", options::value<std::string>()->required(), "folder for the CSV files");
  options::variables_map given;
  options::store(options::parse_command_line(argc, argv, described), given);
  if (given.contains("help")) {
    std::cout << described;
    return 0;
  }
  options::notify(given);
  const auto* const kind = std::ranges::find(kKinds, given["kind"].as<std::string>(), &Kind::name);
  if (kind == std::end(kKinds)) throw options::error("--kind must be one of " + kinds);
  const std::filesystem::path folder(given["out"].as<std::string>());
  std::filesystem::create_directories(folder);
  kind->write(given["seed"].as<std::uint64_t>(), folder);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return forkcast::bench::RunTool("generate-demand", Run, argc, argv);
}
