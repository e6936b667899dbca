#include "data_preprocessing/push/remembered_pushes.hpp"

#include <fmt/format.h>

#include <iterator>
#include <sstream>

namespace forkcast::preprocessing {
namespace {

constexpr std::size_t kBucketDigits = 3;  // hexadecimal: 4096 buckets

void AppendLine(const RememberedPush& push, std::string& text) {
  fmt::format_to(std::back_inserter(text), "{} {} {} {} {} {} {} {}\n", push.key, push.content,
                 push.taken.time_since_epoch().count(), push.rows, push.added, push.identical,
                 push.replaced, push.left_out);
}

}  // namespace

std::string BucketOf(std::string_view key_hash) {
  return fmt::format("push:{}", key_hash.substr(key_hash.size() - kBucketDigits));
}

std::vector<RememberedPush> ParseRemembered(std::string_view text) {
  std::vector<RememberedPush> pushes;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    RememberedPush push;
    Instant::rep taken = 0;
    if (words >> push.key >> push.content >> taken >> push.rows >> push.added >> push.identical >>
        push.replaced >> push.left_out) {
      push.taken = Instant(Instant::duration(taken));
      pushes.push_back(std::move(push));
    }
  }
  return pushes;
}

std::string Remember(const std::vector<RememberedPush>& known, const RememberedPush& more) {
  std::string text;
  for (const RememberedPush& push : known) {
    if (more.taken - push.taken < kRemembered) AppendLine(push, text);
  }
  AppendLine(more, text);
  return text;
}

}  // namespace forkcast::preprocessing
