// Models that the libraries themselves trained and saved, with what they predict (make_models.py).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/table/value.hpp"
#include "model/artefact/registry.hpp"
#include "model/import/import_model.hpp"
#include "model/import/imported_version.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;

using preprocessing::Value;

fs::path Folder() {
  const char* const given = std::getenv("FORKCAST_IMPORTED_MODELS");
  return given != nullptr ? fs::path(given)
                          : fs::path(FORKCAST_SOURCE_DIR) / "tests/model/import/models";
}

/// A model's file; its rows are beside it.
struct ModelCase {
  fs::path file;

  [[nodiscard]] std::string name() const {
    std::string name;
    bool is_first = true;
    for (const char c : file.filename().string()) {
      const bool is_letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
      if (is_letter) name += is_first ? static_cast<char>(std::toupper(c)) : c;
      if (c == '.' && !name.empty() && std::isdigit(name.back()) != 0) name += "o";
      is_first = !is_letter && c == '-';
    }
    return name;
  }
  friend std::ostream& operator<<(std::ostream& out, const ModelCase& one) {
    return out << one.file.filename().string();
  }
};

std::vector<ModelCase> ModelCases() {
  std::vector<ModelCase> cases;
  for (const auto& entry : fs::directory_iterator(Folder())) {
    if (entry.path().extension() == ".rows") {
      cases.push_back({fs::path(entry.path()).replace_extension()});
    }
  }
  std::ranges::sort(cases, {}, &ModelCase::file);
  return cases;
}

/// A line of a model's rows: words of the inputs, and what the library answers.
struct ExpectedRow {
  std::vector<std::string> inputs;
  std::vector<double> answers;
};

std::vector<ExpectedRow> ReadRows(const fs::path& model) {
  std::ifstream file(model.string() + ".rows");
  std::vector<ExpectedRow> rows;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    ExpectedRow row;
    bool is_answer = false;
    for (std::string word; words >> word;) {
      if (word == "|") {
        is_answer = true;
      } else if (is_answer) {
        row.answers.push_back(std::strtod(word.c_str(), nullptr));
      } else {
        row.inputs.push_back(word);
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Value ValueOf(const std::string& word, preprocessing::ColumnType type) {
  if (word == "nan") return {};
  if (type == preprocessing::ColumnType::kText) return std::string_view(word);
  return std::strtod(word.c_str(), nullptr);
}

class SavedModel : public testing::TestWithParam<ModelCase> {
 protected:
  /// Imports the model and reads the version back.
  void Import() {
    Result<PreparedImport> prepared = PrepareImport({.file = GetParam().file, .name = "imported"});
    ASSERT_TRUE(prepared) << prepared.error().message;
    const Registry registry(folder_.path());
    ASSERT_TRUE(registry.Publish("imported", prepared->manifest, prepared->files, {}, "champion"));
    const Result<VersionInfo> info = registry.Find("imported", "champion");
    ASSERT_TRUE(info) << info.error().message;
    Result<ImportedVersion> version = ImportedVersion::Read(*info);
    ASSERT_TRUE(version) << version.error().message;
    version_.emplace(*std::move(version));
    Result<Predictor> predictor = version_->ReadPredictor();
    ASSERT_TRUE(predictor) << predictor.error().message;
    predictor_.emplace(*std::move(predictor));
  }

  /// The numbers that the library would give: of two classes the probability of the second.
  [[nodiscard]] std::vector<double> Answer(const ExpectedRow& row) const {
    std::vector<Value> features;
    for (std::size_t i = 0; i < row.inputs.size(); ++i) {
      features.push_back(ValueOf(row.inputs[i], version_->spec().features[i].type));
    }
    std::vector<float> inputs(predictor_->input_count());
    const Status encoded = predictor_->Encode(features, inputs);
    EXPECT_TRUE(encoded) << encoded.error().message;
    std::vector<double> answers(predictor_->outputs().size());
    predictor_->Predict(inputs, {}, answers);
    if (predictor_->outputs().front().name == "class") {
      const bool is_binary = answers.size() == 3;
      answers.erase(answers.begin(), answers.begin() + (is_binary ? 2 : 1));
    }
    return answers;
  }

  preprocessing::TempFolder folder_;
  std::optional<ImportedVersion> version_;
  std::optional<Predictor> predictor_;
};

/// How far from its library's a model's numbers may be: ONNX Runtime adds up products, and computes
/// e^x, as its processor allows; models that do are called so.
double ToleranceOf(const ModelCase& one) {
  constexpr double kFewFloats = 4e-6;
  return one.file.filename().string().find("-near-") == std::string::npos ? 0 : kFewFloats;
}

bool IsClose(double given, double expected, double tolerance) {
  if (std::bit_cast<std::uint64_t>(given) == std::bit_cast<std::uint64_t>(expected)) return true;
  if (tolerance == 0) return false;
  if (std::isnan(expected)) return std::isnan(given);
  return std::abs(given - expected) <= tolerance * std::max(1.0, std::abs(expected));
}

TEST_P(SavedModel, AnswersAsItsLibrary) {
  ASSERT_NO_FATAL_FAILURE(Import());
  const std::vector<ExpectedRow> rows = ReadRows(GetParam().file);
  ASSERT_FALSE(rows.empty());
  std::size_t different = 0;
  for (std::size_t i = 0; i < rows.size() && different < 5; ++i) {
    const std::vector<double> answers = Answer(rows[i]);
    ASSERT_EQ(answers.size(), rows[i].answers.size());
    for (std::size_t k = 0; k < answers.size(); ++k) {
      const bool same = IsClose(answers[k], rows[i].answers[k], ToleranceOf(GetParam()));
      different += same ? 0 : 1;
      EXPECT_TRUE(same) << "row " << i << ": " << testing::PrintToString(rows[i].inputs)
                        << ", number " << k << ": " << testing::PrintToString(answers[k])
                        << " and not " << testing::PrintToString(rows[i].answers[k]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SavedModel, testing::ValuesIn(ModelCases()),
                         [](const auto& param) { return param.param.name(); });

}  // namespace
}  // namespace forkcast::model
