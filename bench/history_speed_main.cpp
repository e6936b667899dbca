// Learns every line of standard input, values of one series from the oldest on with commas between,
// but for its last values, forecasts these, and prints how long that took on one core and how far
// off it was.
//
//   history-speed '{"algorithm": "ets", "season": 52}' 13 < series.csv
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "data_preprocessing/document/json_node.hpp"
#include "model/history/history_method.hpp"

namespace {

using forkcast::model::FindHistoryMethod;
using forkcast::model::HistoryMethod;
using forkcast::model::HistoryScratch;
using forkcast::model::LearnedSeries;
using forkcast::preprocessing::JsonNode;
using nlohmann::ordered_json;

std::vector<std::vector<double>> ReadSeries(std::istream& in) {
  std::vector<std::vector<double>> all;
  for (std::string line; std::getline(in, line);) {
    std::vector<double>& values = all.emplace_back();
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) values.push_back(std::stod(cell));
  }
  return all;
}

ordered_json Measure(const HistoryMethod& method, const std::vector<std::vector<double>>& all,
                     std::size_t horizon) {
  std::map<std::string, std::size_t> forms;
  double error = 0;
  double sum = 0;
  HistoryScratch scratch;
  std::vector<double> forecast(horizon);
  const auto before = std::chrono::steady_clock::now();
  for (const std::vector<double>& series : all) {
    const std::vector<double> past(series.begin(),
                                   series.end() - static_cast<std::ptrdiff_t>(horizon));
    const LearnedSeries learned = method.Learn(past);
    ++forms[learned.form];
    const auto forecaster = method.Make(learned);
    (*forecaster)->Forecast(past, forecast, scratch);
    for (std::size_t i = 0; i < horizon; ++i) {
      const double actual = series[past.size() + i];
      error += std::abs(forecast[i] - actual);
      sum += std::abs(actual);
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
  ordered_json result{{"series", all.size()}, {"seconds", took.count()}, {"wape", error / sum}};
  for (const auto& [form, count] : forms) result["forms"][form] = count;
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw std::invalid_argument("usage: history-speed DECLARATION HORIZON < CSV");
    const ordered_json declaration = forkcast::preprocessing::ParseJson(argv[1]);
    const auto method = FindHistoryMethod(JsonNode(declaration));
    if (!method) throw std::invalid_argument("no algorithm that learns from histories");
    const std::size_t horizon = std::stoul(argv[2]);
    const auto all = ReadSeries(std::cin);
    const auto is_short = [&](const auto& series) { return series.size() <= horizon; };
    if (horizon == 0 || std::ranges::any_of(all, is_short)) {
      throw std::invalid_argument("every series must be longer than the horizon, from 1 on");
    }
    std::cout << Measure(*method, all, horizon).dump(2) << '\n';
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << "history-speed: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
