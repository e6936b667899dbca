#include "model/mlflow/mlmodel_file.hpp"

#include <algorithm>

#include "data_preprocessing/base/ascii.hpp"

namespace forkcast::model {
namespace {

std::string Scalar(std::string_view text) {
  const bool is_quoted = text.size() >= 2 && (text.front() == '\'' || text.front() == '"') &&
                         text.back() == text.front();
  return std::string(is_quoted ? text.substr(1, text.size() - 2) : text);
}

/// Where flavours and their members begin, since only the first of each says how far they are in.
struct Depths {
  std::size_t flavor = 0;  // 0: not known yet
  std::size_t member = 0;
};

}  // namespace

Result<MlmodelFlavors> ReadMlmodel(std::string_view text) {
  MlmodelFlavors flavors;
  bool is_inside = false;
  Depths depths;
  std::map<std::string, std::string>* flavor = nullptr;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view words = Trimmed(line, kBlanksAndLineEnds);
    const std::size_t colon = words.find(':');
    if (words.empty() || words.front() == '#' || colon == words.npos) continue;
    const std::size_t depth = line.find_first_not_of(' ');
    const std::string name = Scalar(Trimmed(words.substr(0, colon), kBlanksAndLineEnds));
    const std::string_view value = Trimmed(words.substr(colon + 1), kBlanksAndLineEnds);
    if (depth == 0) {
      is_inside = name == "flavors";
      continue;
    }
    if (!is_inside) continue;
    if (depths.flavor == 0) depths.flavor = depth;
    if (depth == depths.flavor) {
      flavor = &flavors[name];
      depths.member = 0;
      continue;
    }
    if (depths.member == 0) depths.member = depth;
    if (depth == depths.member && flavor != nullptr && !value.empty()) {
      (*flavor)[name] = Scalar(value);
    }
  }
  if (!flavors.empty()) return flavors;
  return Error{ErrorCode::kCorrupt, "MLmodel: no flavours"};
}

}  // namespace forkcast::model
