#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "data_preprocessing/base/clock.hpp"
#include "data_preprocessing/base/mapped_file.hpp"
#include "data_preprocessing/base/result.hpp"

namespace forkcast::preprocessing {

/// When whoever publishes a series last found that its source had nothing more: some bytes beside
/// the snapshot (FORMAT.md) that a follower writes over again and again, and that readers have
/// mapped, so that nobody loads anything anew to hear of it. Thread-safe.
class UpToDateMark {
 public:
  /// Null where there is none.
  static std::shared_ptr<const UpToDateMark> Open(const std::filesystem::path& path);

  /// Makes one that says nothing where there is none. Whoever opens the publication finds it then.
  static Status Create(const std::filesystem::path& path);
  /// Says so at `instant` of the publication with the checksum (Snapshot::checksum()). kIo.
  static Status Write(const std::filesystem::path& path, std::uint64_t checksum, Instant instant);

  /// The instant that was written last of this publication, if it is one of the last four: who
  /// still reads an older one is not up to date by what became of a newer one, and as much so as it
  /// was before there was a newer one. A few instructions; the file's page is in memory as long as
  /// somebody writes to it.
  [[nodiscard]] std::optional<Instant> Of(std::uint64_t checksum) const noexcept;

 private:
  explicit UpToDateMark(MappedFile file) noexcept : file_(std::move(file)) {}

  MappedFile file_;
};

}  // namespace forkcast::preprocessing
