#include "data_preprocessing/dao/mysql/mysql_url.hpp"

#include <charconv>
#include <optional>

namespace forkcast::preprocessing {
namespace {

Error WrongForm() {
  return Invalid(
      "the store's URL is not of the form mysql://[USER@]HOST[:PORT]/DATABASE[?OPTION=VALUE&...]");
}

Error HoldsPassword() {
  return Invalid(
      "the store's URL holds a password, which ps and logs would show: leave it out, and set "
      "MYSQL_PWD, or put it under [client] in ~/.my.cnf or in the file of ?option-file=");
}

/// With `%41` as the byte that it stands for; none: a `%` without two hexadecimal digits.
std::optional<std::string> Decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned char byte = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const char* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, byte, 16);
    if (digits.size() != 2 || read.ptr != end || read.ec != std::errc()) return std::nullopt;
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return decoded;
}

/// What stands in front of `separator`, which is taken off `text` with it; all where there is none.
std::string_view TakeUntil(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return taken;
}

/// `HOST`, `HOST:PORT` or `[ADDRESS]:PORT`. False: another form.
bool ReadHost(std::string_view text, MysqlUrl& url) {
  std::string_view host;
  if (text.starts_with('[')) {
    if (text.find(']') == std::string_view::npos) return false;
    text.remove_prefix(1);
    host = TakeUntil(text, ']');
    if (!text.empty() && !text.starts_with(':')) return false;
    if (!text.empty()) text.remove_prefix(1);
  } else {
    host = TakeUntil(text, ':');
  }
  const std::optional<std::string> decoded = Decoded(host);
  if (!decoded) return false;
  url.host = *decoded;
  if (text.empty()) return true;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, url.port);
  return read.ec == std::errc() && read.ptr == end && url.port > 0 && url.port < 65'536;
}

Status ReadOptions(std::string_view text, MysqlUrl& url) {
  while (!text.empty()) {
    std::string_view value = TakeUntil(text, '&');
    const std::string_view name = TakeUntil(value, '=');
    if (name == "password") return HoldsPassword();
    const std::optional<std::string> decoded = Decoded(value);
    if (!decoded) return WrongForm();
    url.options.emplace_back(name, *decoded);
  }
  return {};
}

}  // namespace

Result<MysqlUrl> ParseMysqlUrl(std::string_view place) {
  if (!place.starts_with("//")) return WrongForm();
  place.remove_prefix(2);
  std::string_view rest = place;
  const std::string_view front = TakeUntil(rest, '?');
  std::string_view where = front;
  MysqlUrl url;
  // A password may have a / or an @ of its own.
  if (const std::size_t at = front.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = front.substr(0, at);
    if (user.find(':') != std::string_view::npos) return HoldsPassword();
    const std::optional<std::string> decoded = Decoded(user);
    if (!decoded) return WrongForm();
    url.user = *decoded;
    where = front.substr(at + 1);
  }
  const std::string_view host = TakeUntil(where, '/');
  const std::optional<std::string> database = Decoded(where);
  if (!database || database->empty() || !ReadHost(host, url)) return WrongForm();
  Status read = ReadOptions(rest, url);
  if (!read) return std::move(read).error();
  url.database = *database;
  return url;
}

}  // namespace forkcast::preprocessing
