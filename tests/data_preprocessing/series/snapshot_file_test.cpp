#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <ostream>
#include <random>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/series/series_testing.hpp"
#include "data_preprocessing/series/snapshot_format.hpp"
#include "support/allocation_counter.hpp"

namespace forkcast::preprocessing {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

/// A published series with revisions, texts, missing values and two keys: every section is filled.
class SnapshotFile : public testing::Test {
 protected:
  SnapshotFile() {
    spec_.source_schema.columns.push_back(
        {.name = "colour", .type = ColumnType::kText, .nullable = true});
    spec_.values = {"level", "colour"};
    Publish(spec_,
            RowsOf(spec_, {{"a", "2024-01-01", "2024-01-02", "1", "red"},
                           {"a", "2024-01-01", "2024-01-04", "-", "green"},
                           {"b", "2024-01-03", "2024-01-03", "3", "-"},
                           {"b", "2024-01-05", "2024-01-04", "4", "red"}}),
            path());
    bytes_ = ReadWhole(path());
  }

  [[nodiscard]] fs::path path() const { return folder_.path() / "s.snapshot"; }

  [[nodiscard]] Result<Snapshot> Open() const {
    return Snapshot::Open(path(), DefinitionInUtc(spec_), spec_.ValueSchema());
  }
  /// What Open() or Verify() says of the file as it is now.
  [[nodiscard]] Status Check() const {
    const Result<Snapshot> snapshot = Open();
    if (!snapshot) return snapshot.error();
    return snapshot->Verify();
  }
  void Overwrite(std::size_t offset, std::string_view bytes) const {
    const Fd fd(::open(path().c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(bytes.size()));
  }
  /// Gives damaged bytes the checksum that belongs to them.
  static void Seal(std::string& bytes) {
    const std::uint64_t checksum =
        snapshot_format::ComputeChecksum(std::as_bytes(std::span(bytes)));
    std::memcpy(bytes.data() + offsetof(snapshot_format::Header, checksum), &checksum,
                sizeof checksum);
  }

  SeriesSpec spec_ = LevelsWithKnownAt();
  const TempFolder folder_;
  std::string bytes_;
};

TEST_F(SnapshotFile, IsWholeAsPublished) { EXPECT_TRUE(Check().ok()); }

TEST_F(SnapshotFile, IsTheSameBytesWhenPublishedAgain) {
  const fs::path again = folder_.path() / "again";
  Publish(spec_,
          RowsOf(spec_, {{"a", "2024-01-01", "2024-01-02", "1", "red"},
                         {"a", "2024-01-01", "2024-01-04", "-", "green"},
                         {"b", "2024-01-03", "2024-01-03", "3", "-"},
                         {"b", "2024-01-05", "2024-01-04", "4", "red"}}),
          again);
  EXPECT_EQ(ReadWhole(again), bytes_);
}

TEST_F(SnapshotFile, CutShortAnywhereIsCorrupt) {
  for (std::size_t length = bytes_.size(); length-- > 0;) {
    ASSERT_EQ(::truncate(path().c_str(), static_cast<off_t>(length)), 0);
    const Status checked = Check();
    ASSERT_FALSE(checked.ok()) << length << " bytes";
    ASSERT_EQ(checked.error().code, ErrorCode::kCorrupt) << length << " bytes";
    ASSERT_THAT(checked.error().message, HasSubstr(path().string()));
  }
}

TEST_F(SnapshotFile, WithBytesBehindItsEndIsCorrupt) {
  Overwrite(bytes_.size(), "x");
  const Status checked = Check();
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, ErrorCode::kCorrupt);
}

TEST_F(SnapshotFile, WithAnyBitFlippedIsCorrupt) {
  for (std::size_t at = 0; at < bytes_.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const char flipped = static_cast<char>(bytes_[at] ^ static_cast<char>(1U << bit));
      Overwrite(at, {&flipped, 1});
      const Status checked = Check();
      ASSERT_FALSE(checked.ok()) << "bit " << bit << " of byte " << at;
      ASSERT_EQ(checked.error().code, ErrorCode::kCorrupt) << "bit " << bit << " of byte " << at;
    }
    Overwrite(at, {&bytes_[at], 1});
  }
}

/// A file that is wrong although its checksum fits: whatever passes Verify() must be safe to read.
TEST_F(SnapshotFile, DamagedAndSealedAgainIsRefusedOrSafeToRead) {
  const std::size_t behind_header = sizeof(snapshot_format::Header);
  std::size_t refused = 0;
  for (unsigned seed = 0; seed < 5000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::string damaged = bytes_;
    for (std::size_t changes = 1 + random() % 3; changes > 0; --changes) {
      const std::size_t at = behind_header + random() % (damaged.size() - behind_header);
      damaged[at] = static_cast<char>(random() % 4 == 0 ? 0 : random());
    }
    Seal(damaged);
    Overwrite(0, damaged);
    const Result<Snapshot> snapshot = Open();
    if (!snapshot || !snapshot->Verify().ok()) {
      ++refused;
      continue;
    }
    for (const std::string_view key : {"a", "b", "c", ""}) {
      for (const std::string_view day : {"0001-01-01", "2024-01-01", "2024-01-04", "9999-12-31"}) {
        for (const std::size_t column : {0U, 1U}) {
          (void)ValueAsOf(*snapshot, key, At(day), column);
        }
      }
    }
  }
  EXPECT_GT(refused, 500U);
}

struct SealedDamage {
  std::string name;
  snapshot_format::FixedSection section;
  std::uint64_t content;  // of every eight bytes of the section
  std::string message;
};

void PrintTo(const SealedDamage& one, std::ostream* out) { *out << one.name; }

class SealedDamageTest : public SnapshotFile, public testing::WithParamInterface<SealedDamage> {};

TEST_P(SealedDamageTest, IsRefusedByVerify) {
  snapshot_format::Section section;
  std::memcpy(&section,
              bytes_.data() + sizeof(snapshot_format::Header) +
                  GetParam().section * sizeof(snapshot_format::Section),
              sizeof section);
  ASSERT_GT(section.size, 0U);
  for (std::size_t at = 0; at < section.size; at += sizeof(std::uint64_t)) {
    std::memcpy(bytes_.data() + section.offset + at, &GetParam().content, sizeof(std::uint64_t));
  }
  Seal(bytes_);
  Overwrite(0, bytes_);
  const Status checked = Check();
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(checked.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SealedDamageTest,
    testing::Values(SealedDamage{"BucketOfAKeyBeyondTheLast", snapshot_format::kBuckets, 3,
                                 "a bucket has no key"},
                    SealedDamage{"BucketTakenByNoKey", snapshot_format::kBuckets,
                                 0xFFFFFFFF00000000U, "a bucket has no key"},
                    SealedDamage{"NoBucketFree", snapshot_format::kBuckets, 1, "no bucket is free"},
                    SealedDamage{"KeyBeyondItsSection", snapshot_format::kKeyEntries, 1000,
                                 "a key lies out of bounds"},
                    SealedDamage{"StepToNoRow", snapshot_format::kStepRows, 1000,
                                 "a step has no row"}),
    [](const auto& param) { return param.param.name; });

struct RefusedFile {
  std::string name;
  std::string bytes;
};

void PrintTo(const RefusedFile& one, std::ostream* out) { *out << one.name; }

class RefusedFileTest : public SnapshotFile, public testing::WithParamInterface<RefusedFile> {};

TEST_P(RefusedFileTest, IsCorruptAndNamed) {
  folder_.Write("s.snapshot", GetParam().bytes);
  const Status checked = Check();
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(checked.error().message,
              AllOf(HasSubstr(path().string()), HasSubstr("not a snapshot file")));
}

INSTANTIATE_TEST_SUITE_P(Cases, RefusedFileTest,
                         testing::Values(RefusedFile{"Empty", ""},
                                         RefusedFile{"Text", std::string(5000, 'x')},
                                         RefusedFile{"OnlyTheMagic", "FKSNAP\r\n"},
                                         RefusedFile{"MagicSpoiltByATextTransfer",
                                                     "FKSNAP\n" + std::string(5000, '\0')}),
                         [](const auto& param) { return param.param.name; });

TEST_F(SnapshotFile, ThatIsAbsentIsNotFoundAndNamed) {
  fs::remove(path());
  const Result<Snapshot> opened = Open();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(opened.error().message, HasSubstr(path().string()));
}

TEST_F(SnapshotFile, ThatIsAFolderIsAnIoError) {
  fs::remove(path());
  fs::create_directory(path());
  const Result<Snapshot> opened = Open();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kIo);
}

struct OtherDefinition {
  std::string name;
  std::function<void(SeriesSpec&)> change;
  std::string zone = "UTC";
};

void PrintTo(const OtherDefinition& one, std::ostream* out) { *out << one.name; }

class OtherDefinitionTest : public SnapshotFile,
                            public testing::WithParamInterface<OtherDefinition> {};

TEST_P(OtherDefinitionTest, IsRefusedAndSaysToPublishAgain) {
  SeriesSpec other = spec_;
  GetParam().change(other);
  const Result<Snapshot> opened =
      Snapshot::Open(path(), DefinitionOf(other, GetParam().zone), other.ValueSchema());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(opened.error().message, AllOf(HasSubstr("another definition"), HasSubstr("ingest")));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, OtherDefinitionTest,
    testing::Values(
        OtherDefinition{"AnotherTable", [](SeriesSpec& spec) { spec.source = TableSource{"x"}; }},
        OtherDefinition{"AGrowingColumn",
                        [](SeriesSpec& spec) {
                          std::get<TableSource>(spec.source).grows_by = GrowingColumn{"id"};
                        }},
        OtherDefinition{"AQueryNamedLikeTheTable",
                        [](SeriesSpec& spec) { spec.source = QuerySource{"levels"}; }},
        OtherDefinition{
            "AnotherType",
            [](SeriesSpec& spec) { spec.source_schema.columns[3].type = ColumnType::kDouble; }},
        OtherDefinition{"AnotherOrderOfValues",
                        [](SeriesSpec& spec) { std::ranges::reverse(spec.values); }},
        OtherDefinition{"FewerValues", [](SeriesSpec& spec) { spec.values.pop_back(); }},
        OtherDefinition{"AnotherKey", [](SeriesSpec& spec) { spec.key = {"colour"}; }},
        OtherDefinition{"NoKnownAt", [](SeriesSpec& spec) { spec.known_at.clear(); }},
        OtherDefinition{"AnotherDelay",
                        [](SeriesSpec& spec) { spec.delay = std::chrono::microseconds(1); }},
        OtherDefinition{"AnotherZone", [](SeriesSpec&) {}, "Europe/Berlin"}),
    [](const auto& param) { return param.param.name; });

TEST_F(SnapshotFile, IsSharedBySeriesThatDifferOnlyInStaleness) {
  SeriesSpec other = spec_;
  other.max_staleness = std::chrono::hours(1);
  other.max_age = std::chrono::hours(1);
  other.when_stale = WhenStale::kRefuse;
  EXPECT_EQ(DefinitionInUtc(other), DefinitionInUtc(spec_));
}

TEST_F(SnapshotFile, MappedBeforeItWasPublishedAgainKeepsItsValues) {
  const Result<Snapshot> old = Open();
  ASSERT_TRUE(old.ok());
  Publish(spec_, RowsOf(spec_, {{"a", "2024-01-01", "2024-01-01", "77", "blue"}}), path());
  EXPECT_EQ(ValueAsOf(*old, "a", At("2024-01-03")), "1");
  EXPECT_EQ(ValueAsOf(*old, "b", At("2024-01-03")), "3");
  EXPECT_TRUE(old->Verify().ok());
  EXPECT_EQ(ValueAsOf(*Open(), "a", At("2024-01-03")), "77");
  EXPECT_EQ(ValueAsOf(*Open(), "b", At("2024-01-03")), "none");
}

TEST_F(SnapshotFile, IsTheOnlyFileThatPublishingLeaves) {
  Publish(spec_, RowsOf(spec_, {}), path());
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder_.path())) files.push_back(entry.path());
  EXPECT_THAT(files, testing::ElementsAre(path()));
}

TEST_F(SnapshotFile, ThatCannotBePublishedIsAnIoErrorNamingIt) {
  const fs::path nowhere = folder_.path() / "absent" / "s.snapshot";
  const Result<SnapshotReport> report = SnapshotBuilder(spec_, TimeZone()).Publish(nowhere);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kIo);
  EXPECT_THAT(report.error().message, HasSubstr(nowhere.string()));
}

TEST_F(SnapshotFile, IsReadWithoutAllocating) {
  const Result<Snapshot> snapshot = Open();
  ASSERT_TRUE(snapshot.ok());
  std::string scratch;
  const std::vector<Value> composite{std::string_view("a"), std::int64_t{5}, At("2024-01-01")};
  (void)EncodeKey(composite, scratch);
  std::size_t found = 0;
  const std::size_t before = AllocationCount();
  for (const std::string_view key : {"a", "b", "c"}) {
    const Value text = key;
    (void)snapshot->Find(EncodeKey(composite, scratch));
    const auto rows = snapshot->Find(EncodeKey(std::span(&text, 1), scratch));
    if (!rows) continue;
    const auto row = snapshot->AsOf(*rows, FromMicros(1'704'672'000'000'000));  // 2024-01-08
    if (!row) continue;
    found += IsMissing(snapshot->ValueAt(0, *row)) ? 0 : 1;
    found += IsMissing(snapshot->ValueAt(1, *row)) ? 0 : 1;
  }
  EXPECT_EQ(AllocationCount() - before, 0U);
  EXPECT_EQ(found, 3U);  // a: only the colour of its revision, b: both of its last row
}

}  // namespace
}  // namespace forkcast::preprocessing
