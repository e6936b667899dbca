#pragma once

#include <cstddef>
#include <filesystem>
#include <ostream>
#include <string>
#include <string_view>

#include "data_preprocessing/base/output_file.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/table/schema.hpp"
#include "serving/bulk/row_form.hpp"

namespace forkcast::serving {

/// A file of rows that others have formed, in the form that its ending says, written as OutputFile
/// does: whole, or as it was before. Not thread-safe. Errors are kIo and name the file.
class RowFile {
 public:
  /// kInvalidArgument as RowFormOf() and RowForm::check; kIo.
  static Result<RowFile> Open(const std::filesystem::path& path, preprocessing::Schema schema,
                              std::ostream& standard_output);

  [[nodiscard]] const RowForm& form() const noexcept { return *form_; }
  [[nodiscard]] const preprocessing::Schema& schema() const noexcept { return schema_; }

  /// Takes `rows` rows as form() and schema() make them.
  Status Write(std::string_view bytes, std::size_t rows);
  /// There are no more; now they can be seen. Where the form does not name columns, their names are
  /// in a JSON array beside it: `features.columns.json` beside `features.npy`.
  Status Finish();

 private:
  RowFile(const std::filesystem::path& path, const RowForm& form, preprocessing::Schema schema,
          OutputFile file);
  [[nodiscard]] Status WriteNames() const;

  std::filesystem::path path_;
  const RowForm* form_;
  preprocessing::Schema schema_;
  OutputFile file_;
  std::string head_;  // until it is written
  std::size_t rows_ = 0;
};

}  // namespace forkcast::serving
