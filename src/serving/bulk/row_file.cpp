#include "serving/bulk/row_file.hpp"

#include <sstream>
#include <utility>

#include "data_preprocessing/document/json.hpp"

namespace forkcast::serving {

RowFile::RowFile(const std::filesystem::path& path, const RowForm& form,
                 preprocessing::Schema schema, OutputFile file)
    : path_(path), form_(&form), schema_(std::move(schema)), file_(std::move(file)) {
  form.append_head(schema_, 0, head_);
}

Result<RowFile> RowFile::Open(const std::filesystem::path& path, preprocessing::Schema schema,
                              std::ostream& standard_output) {
  const Result<const RowForm*> form = RowFormOf(path);
  if (!form) return form.error();
  Status fits = (*form)->check(schema);
  if (!fits) return std::move(fits).error();
  Result<OutputFile> file = OutputFile::Open(path, standard_output);
  if (!file) return std::move(file).error();
  return RowFile(path, **form, std::move(schema), *std::move(file));
}

Status RowFile::Write(std::string_view bytes, std::size_t rows) {
  rows_ += rows;
  if (!head_.empty()) {
    Status written = file_.Write(std::exchange(head_, {}));
    if (!written) return written;
  }
  return file_.Write(bytes);
}

Status RowFile::Finish() {
  Status written = Write({}, 0);
  if (!written) return written;
  if (form_->head_counts_rows) {
    std::string head;
    form_->append_head(schema_, rows_, head);
    written = file_.WriteAt(0, head);
    if (!written) return written;
  }
  if (!form_->names_columns) written = WriteNames();
  return written ? file_.Finish() : written;
}

Status RowFile::WriteNames() const {
  nlohmann::ordered_json names = nlohmann::ordered_json::array();
  for (const preprocessing::ColumnSpec& column : schema_.columns) names.push_back(column.name);
  std::filesystem::path beside = path_;
  beside.replace_extension(".columns.json");
  std::ostringstream unused;
  return WriteOutput(beside, names.dump() + "\n", unused);
}

}  // namespace forkcast::serving
