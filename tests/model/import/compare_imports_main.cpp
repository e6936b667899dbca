// Asks models that were imported, and prints how far they are from what their libraries answer.
//
//   compare-imports REGISTRY < LINES     a line is "NAME FILE": a model of the registry, and the
//   file that it was imported of
//
// Beside FILE are its rows and answers (make_models.py). Prints a line of JSON a model.

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

#include "data_preprocessing/document/json.hpp"
#include "model/artefact/registry.hpp"
#include "model/import/imported_version.hpp"
#include "model/import/library_answers.hpp"

namespace forkcast::model {
namespace {

template <typename T>
T Need(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

nlohmann::ordered_json Compare(const Registry& registry, const std::string& name,
                               const std::filesystem::path& file) {
  const ImportedVersion version =
      Need(ImportedVersion::Read(Need(registry.Find(name, "champion"))));
  const Predictor predictor = Need(version.ReadPredictor());
  std::size_t rows = 0;
  std::size_t numbers = 0;
  std::size_t different = 0;
  double greatest = 0;
  for (const ExpectedRow& row : ReadRows(file)) {
    const std::vector<double> answers = Need(AnswerTo(row, predictor, version.spec()));
    if (answers.size() != row.answers.size()) {
      throw std::runtime_error(
          fmt::format("{} numbers and not {}", answers.size(), row.answers.size()));
    }
    ++rows;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const double difference = DifferenceOf(answers[i], row.answers[i]);
      ++numbers;
      different += difference > 0 ? 1 : 0;
      greatest = std::max(greatest, difference);
    }
  }
  // JSON has no infinity: of a number where none was expected.
  return {{"model", file.filename().string()},
          {"rows", rows},
          {"numbers", numbers},
          {"different", different},
          {"greatest", std::min(greatest, 1e300)},
          {"allowed", ToleranceOf(file)}};
}

int Main(const std::string& folder) {
  const Registry registry(folder);
  std::string name;
  std::string file;
  while (std::cin >> name >> file) {
    try {
      fmt::print("{}\n", Compare(registry, name, file).dump());
    } catch (const std::exception& error) {
      fmt::print("{}\n", nlohmann::ordered_json{{"model", file}, {"error", error.what()}}.dump());
    }
  }
  return 0;
}

}  // namespace
}  // namespace forkcast::model

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: compare-imports REGISTRY < LINES\n");
    return 2;
  }
  return forkcast::model::Main(argv[1]);
}
