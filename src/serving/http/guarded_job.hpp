#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "data_preprocessing/base/clock.hpp"
#include "serving/access/gate.hpp"
#include "serving/config/ip_network.hpp"
#include "serving/http/audit_log.hpp"
#include "serving/http/endpoint.hpp"
#include "serving/http/exchange.hpp"
#include "serving/http/job.hpp"

namespace forkcast::serving {

/// What stands between callers and endpoints. All of it outlives whoever is given it.
struct Guards {
  Gate& gate;
  AuditLog* audit = nullptr;  ///< Null: nothing is noted.
  const TrustedProxies& trusted_proxies;
  const Clock& clock;
  std::size_t worker = 0;  ///< In the audit log.
  /// Whoever asks does so over TLS, though no proxy that is trusted says it.
  bool is_always_tls = false;
};

/// A job behind the gate: its request is taken on only if its caller may do that. Notes in the
/// audit log what changes something, who logs in, and who was refused. Gives a browser that showed
/// a session a newer one when it is time. Endpoints that everybody may ask are not wrapped in one,
/// and so pay nothing for it.
class GuardedJob final : public Job {
 public:
  GuardedJob(std::unique_ptr<Job> job, const Guards& guards)
      : job_(std::move(job)), guards_(guards) {}
  GuardedJob(const GuardedJob&) = delete;
  GuardedJob& operator=(const GuardedJob&) = delete;
  /// Given up in work: it is noted as broken off.
  ~GuardedJob() override;

  Status Begin(Exchange& exchange) override;
  Progress Work() override;
  [[nodiscard]] bool is_great() const noexcept override { return !refused_ && job_->is_great(); }

 private:
  [[nodiscard]] Admission Ask() const;
  [[nodiscard]] Channel ChannelOf() const noexcept;
  /// Tells the exchange.
  void Introduce(Admission& admission);
  void GiveCookie();
  [[nodiscard]] std::string_view From() const noexcept;
  /// Begins an entry that Note() ends.
  void Open();
  void Note(AuditEntry::Outcome outcome, int status) noexcept;
  /// By what the answer is.
  void NoteAnswer() noexcept;

  std::unique_ptr<Job> job_;
  const Guards& guards_;
  Exchange* exchange_ = nullptr;
  bool refused_ = false;
  std::string cookie_;               // for the browser, behind the answer; empty: none
  std::optional<AuditEntry> entry_;  // of what is in work
};

}  // namespace forkcast::serving
