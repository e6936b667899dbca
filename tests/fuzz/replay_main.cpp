// Gives each file of the corpus directories named on the command line to the fuzz target, each also
// cut short at every length. Ends with 1 when there is nothing to replay; a bug crashes.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::uint8_t> ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::size_t Replay(const std::filesystem::path& directory) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const std::vector<std::uint8_t> input = ReadFile(entry.path());
    for (std::size_t size = 0; size <= input.size(); ++size) {
      // A copy of its own length, so that ASan sees a read beyond.
      const std::vector<std::uint8_t> prefix(input.begin(),
                                             input.begin() + static_cast<std::ptrdiff_t>(size));
      LLVMFuzzerTestOneInput(prefix.data(), prefix.size());
    }
    ++files;
  }
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::size_t files = 0;
    for (int i = 1; i < argc; ++i) files += Replay(argv[i]);
    std::printf("replayed %zu files\n", files);
    return files > 0 ? 0 : 1;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
