#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "data_preprocessing/source/message_reader.hpp"
#include "data_preprocessing/source/row_source.hpp"

namespace forkcast::preprocessing {

/// The rows of JSON lines that are in memory: an object each (MessageReader), empty lines aside. A
/// place is the number of a line.
class JsonLinesSource final : public RowSource {
 public:
  /// `text`, the table and the zone outlive it.
  JsonLinesSource(std::string name, std::string_view text, const TableSpec& table,
                  const TimeZone& zone);

  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] bool has_lasting_name() const noexcept override { return false; }
  Result<std::string> ContentHash() override;
  void SetBadRowsAside() override { sets_aside_ = true; }
  Result<Fetched> Read(std::size_t max_rows, RowBatch& batch) override;
  [[nodiscard]] std::string PlaceOf(std::size_t line) const override;

 private:
  /// The next line that is not empty; without one, the text is at its end.
  [[nodiscard]] std::string_view NextLine() noexcept;

  std::string name_;
  std::string_view text_;
  std::size_t next_ = 0;  // byte
  std::size_t line_ = 0;  // of what NextLine() gave last
  MessageReader reader_;
  bool sets_aside_ = false;
};

}  // namespace forkcast::preprocessing
