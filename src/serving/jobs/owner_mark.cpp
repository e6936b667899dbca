#include "serving/jobs/owner_mark.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <vector>

namespace forkcast::serving {
namespace {

std::string WholeOf(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Machine since its start, and whose numbers count here.
std::string PlaceMark() {
  std::string boot = WholeOf("/proc/sys/kernel/random/boot_id");
  if (const std::size_t end = boot.find('\n'); end != std::string::npos) boot.resize(end);
  std::error_code failed;
  const auto numbers = std::filesystem::read_symlink("/proc/self/ns/pid", failed);
  return fmt::format("{} {}", boot, numbers.string());
}

/// When a process began, in ticks since the boot; empty: there is none, or it has ended and waits
/// to be reaped.
std::string BeganAt(const std::string& pid) {
  const std::string stat = WholeOf(fmt::format("/proc/{}/stat", pid));
  // Its name, in brackets, may hold anything.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  std::vector<std::string_view> fields;  // from the third on
  std::string_view rest = std::string_view(stat).substr(name_end + 1);
  while (!rest.empty()) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (end != 0) fields.push_back(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  constexpr std::size_t kState = 0;
  constexpr std::size_t kBegan = 19;  // the 22nd
  if (fields.size() <= kBegan || fields[kState] == "Z" || fields[kState] == "X") return {};
  return std::string(fields[kBegan]);
}

}  // namespace

std::string OwnerMark() {
  const std::string pid = std::to_string(::getpid());
  return fmt::format("{} {} {}", PlaceMark(), pid, BeganAt(pid));
}

OwnerLife LifeOf(std::string_view mark) {
  const std::string place = PlaceMark() + ' ';
  if (!mark.starts_with(place)) return OwnerLife::kUnknown;
  const std::string_view process = mark.substr(place.size());
  const std::size_t blank = process.find(' ');
  if (blank == std::string_view::npos) return OwnerLife::kUnknown;
  const std::string began = BeganAt(std::string(process.substr(0, blank)));
  const bool lives = !began.empty() && began == process.substr(blank + 1);
  return lives ? OwnerLife::kAlive : OwnerLife::kDead;
}

std::string WorkerName() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return fmt::format("{}/{}", host.data(), ::getpid());
}

}  // namespace forkcast::serving
