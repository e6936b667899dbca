#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/dao/table_dao.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/time_zone.hpp"

namespace forkcast::preprocessing {

/// What a message's value is.
enum class MessageFormat : std::uint8_t {
  kJson,  ///< An object, its members called as a CSV's columns would be.
  kCsv,   ///< A line with the values of all columns, in the order in which they are declared.
};

/// Makes a row of a table of each message. Of a JSON object the members are read that the table
/// declares, by the names that a CSV's header would have; one that is absent or null is a missing
/// value. A number may stand as text, a text column takes a whole number as its digits, and times
/// and truths are written as in files. Members that are not declared are left out. Not thread-safe.
/// The table and the zone outlive it.
class MessageReader {
 public:
  /// A larger message is none: it is most likely another thing than a row.
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20U;

  MessageReader(const TableSpec& table, const TimeZone& zone, MessageFormat format);
  ~MessageReader();

  /// Appends its row to `batch`, whose schema is the table's. kInvalidArgument, and no change, when
  /// it is none; the message says why.
  Status Append(std::string_view message, Table& batch);

 private:
  struct State;
  Status AppendJson(std::string_view message, Table& batch);
  Status AppendCsv(std::string_view message, Table& batch);

  std::unique_ptr<State> state_;
};

}  // namespace forkcast::preprocessing
