#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/base/atomic_file.hpp"
#include "data_preprocessing/base/result.hpp"
#include "data_preprocessing/source/reject_sink.hpp"
#include "data_preprocessing/table/csv_reader.hpp"

namespace forkcast::preprocessing {

/// How many rows may be rejected before nothing is taken at all.
struct RejectLimit {
  std::optional<std::size_t> rows{};
  double share = 0;  ///< Of all rows; where `rows` is not given.

  /// "100" or "0.5%". kInvalidArgument for anything else.
  static Result<RejectLimit> Parse(std::string_view text);
  friend bool operator==(const RejectLimit&, const RejectLimit&) = default;
};

/// Rejected rows of one run, on their way into a file that is there whole or not at all: a CSV with
/// the columns `file`, `line`, `reason` and `text`, the row as it stood in its file. Written while
/// rows are read, so memory does not grow with their number.
class Rejects final : public RejectSink {
 public:
  /// kInvalidArgument for a `path` that is there and no ordinary file (a pipe, a device, a folder),
  /// kIo when nothing can be written beside it.
  static Result<Rejects> Open(const std::filesystem::path& path, const RejectLimit& limit);
  /// The same for a log, to which Commit() adds its rows. One that would be larger than
  /// kMaxLogBytes becomes `path` with ".1" behind it, in the place of an older one, and a new one
  /// begins.
  static Result<Rejects> OpenLog(const std::filesystem::path& path, const RejectLimit& limit);
  static constexpr std::uintmax_t kMaxLogBytes = std::uintmax_t{64} << 20U;

  /// Takes a row of `file`. kRefusedData when that is one more than the limit, kIo when it cannot
  /// be written: the run is to end then.
  Status Add(std::string_view file, const RejectedRecord& row) override;
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  /// To be called at the end. kRefusedData when of `rows` rows, the rejected ones included, more
  /// were rejected than the limit allows.
  [[nodiscard]] Status CheckShare(std::size_t rows) const;
  /// Makes the file visible in place of an older one, also when nothing was rejected; of a log,
  /// adds what was. kIo.
  Status Commit();

 private:
  enum class Kind : std::uint8_t { kFile, kLog };

  Rejects(std::filesystem::path path, const RejectLimit& limit, Kind kind);
  static Result<Rejects> Make(const std::filesystem::path& path, const RejectLimit& limit,
                              Kind kind);
  [[nodiscard]] Error TooMany(std::string_view limit) const;
  void WriteBuffer();
  /// Throws std::system_error.
  void AppendToLog();

  std::filesystem::path path_;
  RejectLimit limit_;
  Kind kind_;
  std::unique_ptr<AtomicFile> out_;
  std::string buffer_;
  std::size_t count_ = 0;
  std::string first_;  // where the first one stood, and why, for messages
};

}  // namespace forkcast::preprocessing
