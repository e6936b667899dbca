#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "data_preprocessing/base/mapped_file.hpp"

/// Layout of a snapshot file, as FORMAT.md beside this header writes it down. Shared by
/// SnapshotBuilder (writer) and Snapshot (reader), of interest to nobody else.
namespace forkcast::preprocessing::snapshot_format {

static_assert(std::endian::native == std::endian::little, "snapshots are little endian");

inline constexpr std::array<char, 8> kMagic{'F', 'K', 'S', 'N', 'A', 'P', '\r', '\n'};
/// Of a file without what the second has beside it.
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint32_t kVersionWithMore = 2;
inline constexpr std::uint64_t kAlignment = 64;
inline constexpr std::uint32_t kMissingText = 0xFFFFFFFF;
inline constexpr std::int64_t kNoWatermark = INT64_MIN;
/// No instant of the years 1 to 9999 less such a delay overflows; far above what a pipeline takes.
inline constexpr std::int64_t kMaxDelayUs = INT64_MAX / 2;

struct Section {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

enum FixedSection : std::uint32_t {
  kDefinition,    // text
  kBuckets,       // std::uint64_t[power of two]
  kKeyEntries,    // KeyEntry[key_count]
  kKeyBytes,      // bytes
  kTimes,         // std::int64_t[row_count]
  kVisibleFrom,   // std::int64_t[row_count]; empty when kUniform
  kStepInstants,  // std::int64_t[step_count]; empty when kUniform
  kStepRows,      // std::uint64_t[step_count]; empty when kUniform
  kFixedSections
};

/// Behind the fixed sections, three for each value column.
enum ColumnSection : std::uint32_t {
  kValues,         // std::int64_t, double (8 bytes a row); texts: std::uint32_t dictionary codes
  kMissingOrEnds,  // numbers: std::uint8_t[row_count], empty when none may be missing;
                   // texts: std::uint64_t end of each dictionary entry
  kDictionary,     // texts: bytes of the dictionary's entries
  kSectionsPerColumn,
  kBeforeSteps = kDictionary,  // of a grid: double[step_count]
};

/// Behind those of the columns, in a file of kVersionWithMore: one section, and two for each
/// column.
inline constexpr std::uint32_t kLeftOutSections = 1;  // text
enum ValueStepSection : std::uint32_t {
  kValueStepInstants,  // std::int64_t[row_count]; empty for a column that nobody reads so
  kValueStepRows,      // std::uint64_t[row_count], likewise
  kValueStepSectionsPerColumn
};
/// The instant of a place without step, behind a key's steps: it never comes.
inline constexpr std::int64_t kNoStep = INT64_MAX;

/// From when the rows of a key are visible, and so how the one in force is found.
enum class Visibility : std::uint64_t {
  kSteps = 0,    // as "visible from" and the steps worked out from it say
  kUniform = 1,  // from time + delay_us on
  kGrid = 2,     // ascending as "visible from" says; the rows are consecutive periods
};

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t column_count = 0;
  std::uint64_t file_size = 0;
  std::uint64_t checksum = 0;  // ComputeChecksum() of the file
  std::uint64_t key_count = 0;
  std::uint64_t row_count = 0;
  std::uint64_t step_count = 0;
  std::int64_t delay_us = 0;
  std::int64_t watermark_us = kNoWatermark;
  Visibility visibility = Visibility::kUniform;
};
static_assert(sizeof(Header) == 80);

struct KeyEntry {
  std::uint64_t bytes_offset = 0;
  std::uint64_t row_begin = 0;
  std::uint64_t step_begin = 0;
  std::uint32_t bytes_size = 0;
  std::uint32_t row_count = 0;
  std::uint32_t step_count = 0;
  std::int32_t first_period = 0;  // PeriodIndex of its first row in a grid, else 0
};
static_assert(sizeof(KeyEntry) == 40);

/// The value that belongs into Header::checksum of a file of these bytes (at least a header's).
[[nodiscard]] std::uint64_t ComputeChecksum(std::span<const std::byte> file);
/// The same of a mapped one, whose pages are dropped as soon as they were read, so that memory does
/// not grow with the file.
[[nodiscard]] std::uint64_t ChecksumOf(const MappedFile& file);

/// A bucket holds 0 (free) or the upper half of the key's hash above the key's number plus one.
constexpr std::uint64_t MakeBucket(std::uint64_t hash, std::uint64_t key_number) noexcept {
  return (hash & 0xFFFFFFFF00000000U) | (key_number + 1);
}

}  // namespace forkcast::preprocessing::snapshot_format
