// Models that the libraries themselves trained and saved, with what they predict (make_models.py).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "model/artefact/registry.hpp"
#include "model/import/import_model.hpp"
#include "model/import/imported_version.hpp"
#include "model/import/library_answers.hpp"
#include "support/test_files.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;

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

  preprocessing::TempFolder folder_;
  std::optional<ImportedVersion> version_;
  std::optional<Predictor> predictor_;
};

TEST_P(SavedModel, AnswersAsItsLibrary) {
  ASSERT_NO_FATAL_FAILURE(Import());
  const std::vector<ExpectedRow> rows = ReadRows(GetParam().file);
  ASSERT_FALSE(rows.empty());
  std::size_t different = 0;
  for (std::size_t i = 0; i < rows.size() && different < 5; ++i) {
    const auto answers = AnswerTo(rows[i], *predictor_, version_->spec());
    ASSERT_TRUE(answers) << answers.error().message;
    ASSERT_EQ(answers->size(), rows[i].answers.size());
    for (std::size_t k = 0; k < answers->size(); ++k) {
      const bool same =
          DifferenceOf((*answers)[k], rows[i].answers[k]) <= ToleranceOf(GetParam().file);
      different += same ? 0 : 1;
      EXPECT_TRUE(same) << "row " << i << ": " << testing::PrintToString(rows[i].inputs)
                        << ", number " << k << ": " << testing::PrintToString((*answers)[k])
                        << " and not " << testing::PrintToString(rows[i].answers[k]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SavedModel, testing::ValuesIn(ModelCases()),
                         [](const auto& param) { return param.param.name(); });

}  // namespace
}  // namespace forkcast::model
