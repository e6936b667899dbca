#include "serving/access/session.hpp"

#include <nettle/hmac.h>
#include <nettle/memops.h>

#include <cstring>
#include <span>
#include <vector>

#include "data_preprocessing/base/ascii.hpp"
#include "serving/access/base64_url.hpp"
#include "serving/access/user.hpp"

namespace forkcast::serving {
namespace {

// What of a session is sealed, in this order; the name takes the rest. Only the machine that wrote
// it reads it.
struct Fixed {
  std::uint64_t id = 0;
  std::uint64_t stamp = 0;
  std::int64_t begun_ns = 0;
  std::int64_t renewed_ns = 0;
};
static_assert(sizeof(Fixed) == 32);

constexpr std::size_t kMacBytes = SHA256_DIGEST_SIZE;
using Mac = std::array<std::uint8_t, kMacBytes>;

/// `purpose` keeps what is made for one from being taken for another.
Mac MacOf(std::string_view purpose, std::span<const std::uint8_t> bytes, const SessionKey& key) {
  hmac_sha256_ctx context{};
  hmac_sha256_set_key(&context, key.size(), key.data());
  hmac_sha256_update(&context, purpose.size(),
                     reinterpret_cast<const std::uint8_t*>(purpose.data()));
  hmac_sha256_update(&context, bytes.size(), bytes.data());
  Mac mac{};
  hmac_sha256_digest(&context, mac.size(), mac.data());
  return mac;
}

constexpr std::string_view kSealing = "forkcast session 1\n";
constexpr std::string_view kCsrf = "forkcast csrf 1\n";

MonotonicTime TimeOf(std::int64_t ns) noexcept {
  return MonotonicTime(std::chrono::nanoseconds(ns));
}

}  // namespace

std::string Seal(const Session& session, const SessionKey& key) {
  const Fixed fixed{.id = session.id,
                    .stamp = session.stamp,
                    .begun_ns = session.begun.time_since_epoch().count(),
                    .renewed_ns = session.renewed.time_since_epoch().count()};
  std::vector<std::uint8_t> bytes(sizeof fixed);
  std::memcpy(bytes.data(), &fixed, sizeof fixed);
  bytes.insert(bytes.end(), session.user.begin(), session.user.end());
  const Mac mac = MacOf(kSealing, bytes, key);
  bytes.insert(bytes.end(), mac.begin(), mac.end());
  return ToBase64Url(bytes);
}

std::optional<Session> Unseal(std::string_view text, const SessionKey& key) {
  constexpr std::size_t kMostText = (sizeof(Fixed) + kMostUserName + kMacBytes + 2) / 3 * 4;
  if (text.size() > kMostText) return std::nullopt;
  const auto bytes = FromBase64Url(text);
  if (!bytes || bytes->size() <= sizeof(Fixed) + kMacBytes) return std::nullopt;
  const std::span<const std::uint8_t> sealed(bytes->data(), bytes->size() - kMacBytes);
  const Mac mac = MacOf(kSealing, sealed, key);
  if (memeql_sec(mac.data(), bytes->data() + sealed.size(), mac.size()) == 0) return std::nullopt;
  Fixed fixed;
  std::memcpy(&fixed, sealed.data(), sizeof fixed);
  const auto name = sealed.subspan(sizeof fixed);
  return Session{.id = fixed.id,
                 .stamp = fixed.stamp,
                 .begun = TimeOf(fixed.begun_ns),
                 .renewed = TimeOf(fixed.renewed_ns),
                 .user = std::string(name.begin(), name.end())};
}

std::string CsrfTokenOf(const Session& session, const SessionKey& key) {
  std::array<std::uint8_t, sizeof session.id> id{};
  std::memcpy(id.data(), &session.id, sizeof session.id);
  return ToBase64Url(MacOf(kCsrf, id, key));
}

bool AreSame(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && memeql_sec(a.data(), b.data(), a.size()) != 0;
}

}  // namespace forkcast::serving
