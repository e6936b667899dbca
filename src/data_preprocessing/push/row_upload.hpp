#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/push/push_message.hpp"
#include "data_preprocessing/source/row_source.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// One file of rows that came with a request; `text` views its body.
struct UploadedFile {
  const TableSpec* table = nullptr;
  std::string name;  ///< "body", or what the part of a form calls it.
  bool is_csv = false;
  std::string_view text;
};

/// The files of a request, in their order. A body is one of them, or a form of several
/// (multipart/form-data): a part that is called `file` is of the request's table, another one of
/// the table that it is called after. kNotFound for a table that the pipeline does not have,
/// kUnsupportedType for a form of rows that is not known, kInvalidArgument for what is no form.
[[nodiscard]] Result<std::vector<UploadedFile>> FilesOf(const PushRequest& request,
                                                        std::string_view body,
                                                        std::span<const TableSpec> tables);

/// Its rows. The zone and what `file` views outlive them. kIo.
[[nodiscard]] Result<std::unique_ptr<RowSource>> OpenUpload(const UploadedFile& file,
                                                            const TimeZone& zone);

/// kNotFound that lists those there are.
[[nodiscard]] Result<const TableSpec*> TableCalled(std::string_view name,
                                                   std::span<const TableSpec> tables);

}  // namespace forkcast::preprocessing
