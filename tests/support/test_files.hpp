#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "data_preprocessing/table/parse_value.hpp"
#include "data_preprocessing/table/table.hpp"
#include "data_preprocessing/table/value.hpp"

namespace forkcast::preprocessing {

/// A new folder for one test, removed with everything in it.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "forkcast-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  std::filesystem::path Write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  std::filesystem::path WriteGzip(const std::string& name, std::string_view text) const {
    const gzFile file = ::gzopen((path_ / name).c_str(), "wb");
    EXPECT_EQ(::gzwrite(file, text.data(), static_cast<unsigned>(text.size())),
              static_cast<int>(text.size()));
    EXPECT_EQ(::gzclose(file), Z_OK);
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

inline std::string ReadWhole(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A value as a test would write it: texts in quotes, a missing value as "-".
inline std::string Show(const Value& value) {
  struct Shower {
    std::string operator()(std::monostate) const { return "-"; }
    std::string operator()(std::string_view text) const { return "'" + std::string(text) + "'"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const {
      char text[32];
      return {text, std::to_chars(text, text + sizeof text, number).ptr};
    }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(Instant instant) const {
      std::string text;
      AppendIsoTimestamp(instant, text);
      return text;
    }
  };
  return std::visit(Shower{}, value);
}

/// Each row as its shown values with a blank between them.
inline std::vector<std::string> Rows(const Table& table) {
  std::vector<std::string> rows;
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    std::string shown;
    for (std::size_t i = 0; i < table.column_count(); ++i) {
      shown += (i > 0 ? " " : "") + Show(ValueAt(table.column(i), row));
    }
    rows.push_back(std::move(shown));
  }
  return rows;
}

}  // namespace forkcast::preprocessing
