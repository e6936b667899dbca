#include "model/artefact/alias_history.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "data_preprocessing/base/fd.hpp"
#include "data_preprocessing/document/json.hpp"
#include "data_preprocessing/table/parse_value.hpp"

namespace forkcast::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

}  // namespace

std::vector<AliasMove> ReadAliasHistory(const fs::path& model_folder, std::string_view alias) {
  std::vector<AliasMove> moves;
  std::ifstream file(model_folder / kAliasHistoryName);
  for (std::string line; std::getline(file, line);) {
    const auto json = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || json.value("alias", ordered_json()) != alias) continue;
    const auto at = json.find("at");
    const auto version = json.find("version");
    if (at == json.end() || !at->is_string() || version == json.end() ||
        !version->is_number_unsigned()) {
      continue;
    }
    const auto time = preprocessing::ParseTimestamp(at->get<std::string>(), {});
    if (time) moves.push_back({.at = *time, .number = version->get<std::uint64_t>()});
  }
  return moves;
}

std::string AliasMoveLine(const std::string& alias, const AliasMove& move) {
  const ordered_json line{
      {"at", preprocessing::IsoTimestamp(move.at)}, {"alias", alias}, {"version", move.number}};
  return "\n" + line.dump() + "\n";
}

Status NoteAliasMove(const fs::path& model_folder, const std::string& alias,
                     const AliasMove& move) {
  const fs::path path = model_folder / kAliasHistoryName;
  const auto failed = [&path] {
    return Error{ErrorCode::kIo, path.string() + ": " + std::generic_category().message(errno)};
  };
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  struct stat before {};
  if (!file || ::fstat(file.get(), &before) != 0) return failed();
  const std::string line = AliasMoveLine(alias, move);
  const ssize_t written = ::write(file.get(), line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size()) && ::fsync(file.get()) == 0) return {};
  const Error error = failed();
  // What was written in part is no line; to cut it off is tidier.
  [[maybe_unused]] const int cut = ::ftruncate(file.get(), before.st_size);
  return error;
}

std::optional<std::uint64_t> MeantAt(const std::vector<AliasMove>& moves, Instant time) {
  std::optional<std::uint64_t> meant;
  for (const AliasMove& move : moves) {
    if (move.at <= time) meant = move.number;
  }
  return meant;
}

}  // namespace forkcast::model
