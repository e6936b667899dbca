#include "data_preprocessing/base/output_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <sstream>
#include <string>
#include <thread>

#include "data_preprocessing/base/descriptor_stream.hpp"
#include "support/test_files.hpp"

namespace forkcast {
namespace {

namespace fs = std::filesystem;
using preprocessing::ReadWhole;

class OutputFileTest : public testing::Test {
 protected:
  [[nodiscard]] fs::path At(const std::string& name) const { return folder_.path() / name; }
  Status WriteTo(const fs::path& path) { return WriteOutput(path, "new", out_); }

  const preprocessing::TempFolder folder_;
  std::ostringstream out_;
};

TEST_F(OutputFileTest, TakesTheNameOfAFileWhenItIsFinished) {
  folder_.Write("page", "old");
  Result<OutputFile> file = OutputFile::Open(At("page"), out_);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->Write("new").ok());
  EXPECT_EQ(ReadWhole(At("page")), "old");
  ASSERT_TRUE(file->Finish().ok());
  EXPECT_EQ(ReadWhole(At("page")), "new");
}

TEST_F(OutputFileTest, NotFinishedLeavesTheFileAsItWas) {
  folder_.Write("page", "old");
  { ASSERT_TRUE(OutputFile::Open(At("page"), out_)->Write("new").ok()); }
  EXPECT_EQ(ReadWhole(At("page")), "old");
}

TEST_F(OutputFileTest, KeepsThePermissionsOfAFileAndLeavesThoseOfANewOneToTheUmask) {
  folder_.Write("secret", "old");
  fs::permissions(At("secret"), fs::perms(0600));
  ASSERT_TRUE(WriteTo(At("secret")).ok());
  EXPECT_EQ(fs::status(At("secret")).permissions(), fs::perms(0600));
  const mode_t mask = ::umask(0027);
  EXPECT_TRUE(WriteTo(At("page")).ok());
  ::umask(mask);
  EXPECT_EQ(fs::status(At("page")).permissions(), fs::perms(0640));
}

TEST_F(OutputFileTest, OpenedInPlaceCanBeFollowed) {
  folder_.Write("answers", "old and long");
  const Result<Fd> fd = OutputFile::OpenInPlace(At("answers"));
  ASSERT_TRUE(fd.ok());
  ASSERT_EQ(WriteAll(fd->get(), "new"), 0);
  EXPECT_EQ(ReadWhole(At("answers")), "new");
}

TEST_F(OutputFileTest, TellsStreamsFromFiles) {
  folder_.Write("page", "");
  ASSERT_EQ(::mkfifo(At("fifo").c_str(), 0600), 0);
  EXPECT_TRUE(OutputFile::IsStream(At("fifo")));
  EXPECT_TRUE(OutputFile::IsStream("/dev/null"));
  EXPECT_TRUE(OutputFile::IsStream("-"));
  EXPECT_FALSE(OutputFile::IsStream(At("page")));
  EXPECT_FALSE(OutputFile::IsStream(At("absent")));
}

TEST(InputPaths, AreStandardInputForADash) {
  EXPECT_EQ(InputPath("-"), "/dev/stdin");
  EXPECT_EQ(InputPath("-.csv"), "-.csv");
}

TEST_F(OutputFileTest, WritesThroughALinkThatStaysOne) {
  folder_.Write("page", "old");
  fs::create_symlink("page", At("link"));
  fs::create_symlink(At("link"), At("link-to-link"));
  ASSERT_TRUE(WriteTo(At("link-to-link")).ok());
  EXPECT_TRUE(fs::is_symlink(At("link-to-link")));
  EXPECT_TRUE(fs::is_symlink(At("link")));
  EXPECT_EQ(ReadWhole(At("page")), "new");
}

TEST_F(OutputFileTest, MakesTheFileThatALinkNamesAndThatIsNotThere) {
  fs::create_directory(At("pages"));
  fs::create_symlink("pages/new", At("link"));
  ASSERT_TRUE(WriteTo(At("link")).ok());
  EXPECT_TRUE(fs::is_symlink(At("link")));
  EXPECT_EQ(ReadWhole(At("pages/new")), "new");
}

TEST_F(OutputFileTest, WritesIntoAFifoThatStaysOne) {
  ASSERT_EQ(::mkfifo(At("fifo").c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = ReadWhole(At("fifo")); });
  EXPECT_TRUE(WriteTo(At("fifo")).ok());
  reader.join();
  EXPECT_EQ(read, "new");
  EXPECT_TRUE(fs::is_fifo(At("fifo")));
}

TEST_F(OutputFileTest, WritesIntoADeviceThatStaysOne) {
  fs::create_symlink("/dev/null", At("nothing"));
  EXPECT_TRUE(WriteTo(At("nothing")).ok());
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_TRUE(fs::is_symlink(At("nothing")));
}

TEST_F(OutputFileTest, WritesIntoAnOpenDescriptorBehindWhatItHas) {
  const Fd fd(::open(At("log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(WriteAll(fd.get(), "old,"), 0);
  ASSERT_TRUE(WriteTo("/dev/fd/" + std::to_string(fd.get())).ok());
  EXPECT_EQ(ReadWhole(At("log")), "old,new");
}

class StandardOutputNames : public OutputFileTest,
                            public testing::WithParamInterface<const char*> {};

TEST_P(StandardOutputNames, MeanTheStream) {
  EXPECT_TRUE(OutputFile::IsStandardOutput(GetParam()));
  ASSERT_TRUE(WriteTo(GetParam()).ok());
  EXPECT_EQ(out_.str(), "new");
}

INSTANTIATE_TEST_SUITE_P(Cases, StandardOutputNames,
                         testing::Values("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"));

struct BadPath {
  std::string name;
  std::string path;  ///< Within a folder that has `folder/`, `file` and `circle`, a link to itself.
  std::string why;
};

class BadPaths : public OutputFileTest, public testing::WithParamInterface<BadPath> {
 protected:
  void SetUp() override {
    fs::create_directory(At("folder"));
    folder_.Write("file", "old");
    fs::create_symlink("circle", At("circle"));
  }
};

TEST_P(BadPaths, AreRefusedByCheckAndOpenAlike) {
  const fs::path path =
      GetParam().path.starts_with('/') ? fs::path(GetParam().path) : At(GetParam().path);
  const Status checked = OutputFile::Check(path);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, ErrorCode::kIo);
  EXPECT_EQ(checked.error().message, path.string() + ": " + GetParam().why);
  const Status written = WriteTo(path);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error(), checked.error());
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadPaths,
    testing::Values(BadPath{"FolderAbsent", "absent/page", "No such file or directory"},
                    BadPath{"IsAFolder", "folder", "Is a directory"},
                    BadPath{"EndsLikeAFolder", "file/", "No such file or directory"},
                    BadPath{"FolderIsAFile", "file/page", "Not a directory"},
                    BadPath{"LinkToItself", "circle", "Too many levels of symbolic links"},
                    BadPath{"DescriptorClosed", "/dev/fd/987", "Bad file descriptor"}),
    [](const auto& param) { return param.param.name; });

TEST_F(OutputFileTest, CheckLeavesNothingBehind) {
  ASSERT_TRUE(OutputFile::Check(At("page")).ok());
  EXPECT_TRUE(fs::is_empty(folder_.path()));
  EXPECT_TRUE(OutputFile::Check("/dev/full").ok());
}

TEST_F(OutputFileTest, SaysWhyADeviceTakesNoMore) {
  const Status written = WriteTo("/dev/full");
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().message, "/dev/full: No space left on device");
}

TEST_F(OutputFileTest, SaysWhyStandardOutputTakesNoMore) {
  const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  DescriptorBuffer buffer(full.get());
  std::ostream stream(&buffer);
  const Status written = WriteOutput("-", "new", stream);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().message, "standard output: No space left on device");
}

TEST(DescriptorBuffers, WriteInOrderHoweverMuchComesAtOnce) {
  const preprocessing::TempFolder folder;
  const fs::path path = folder.path() / "out";
  std::string expected;
  {
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    DescriptorBuffer buffer(fd.get());
    std::ostream stream(&buffer);
    for (const std::size_t size : {1, 100, 8192, 50'000, 3}) {
      const std::string text(size, static_cast<char>('a' + size % 26));
      stream << text;
      expected += text;
    }
    EXPECT_TRUE(stream.good());
  }
  EXPECT_EQ(ReadWhole(path), expected);
}

}  // namespace
}  // namespace forkcast
