#include "serving/bulk/file_sink.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "data_preprocessing/table/value.hpp"
#include "serving/bulk/row_file.hpp"

namespace forkcast::serving {
namespace {

using preprocessing::Table;
using preprocessing::Value;

class FileSink final : public RowSink {
 public:
  explicit FileSink(RowFile file) : file_(std::move(file)) {}

  Status Write(const Table& batch) override {
    std::string bytes;
    std::vector<Value> values(batch.column_count());
    for (std::size_t row = 0; row < batch.row_count(); ++row) {
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = ValueAt(batch.column(i), row);
      file_.form().append_row(batch.schema(), values, bytes);
    }
    return file_.Write(bytes, batch.row_count());
  }
  Status Finish() override { return file_.Finish(); }

 private:
  RowFile file_;
};

}  // namespace

Result<std::unique_ptr<RowSink>> OpenFileSink(const std::filesystem::path& path,
                                              const preprocessing::Schema& schema,
                                              std::ostream& standard_output) {
  Result<RowFile> file = RowFile::Open(path, schema, standard_output);
  if (!file) return std::move(file).error();
  return std::unique_ptr<RowSink>(std::make_unique<FileSink>(*std::move(file)));
}

}  // namespace forkcast::serving
