#pragma once

#include <cerrno>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data_preprocessing/base/file_identity.hpp"
#include "serving/service/load_attempt.hpp"

namespace forkcast::serving {

/// Files, each with what was written to it last.
class FakeDisk {
 public:
  void Write(const std::string& path, std::string text) {
    files_[path] = {.text = std::move(text), .number = ++writes_};
  }
  void Remove(const std::string& path) { files_.erase(path); }

  [[nodiscard]] std::string Read(const std::string& path) const { return files_.at(path).text; }
  [[nodiscard]] FileIdentity At(const std::filesystem::path& path) const {
    const auto file = files_.find(path.string());
    if (file == files_.end()) return {.error = ENOENT};
    return {.number = file->second.number,
            .modified_ns = static_cast<std::int64_t>(file->second.number) * 1'000'000'000};
  }
  [[nodiscard]] std::vector<SeenFile> LookAt(const std::vector<std::string>& paths) const {
    std::vector<SeenFile> seen;
    for (const std::string& path : paths) seen.push_back({.path = path, .identity = At(path)});
    return seen;
  }

 private:
  struct File {
    std::string text;
    std::uint64_t number = 0;  // no two writes have the same
  };
  std::map<std::string, File> files_;
  std::uint64_t writes_ = 0;
};

}  // namespace forkcast::serving
