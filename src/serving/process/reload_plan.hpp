#pragma once

#include <cstdint>
#include <optional>

namespace forkcast::serving {

/// Which generations of workers there should be. A reload begins another generation, which is on
/// trial until a first worker of it is READY; if that fails, the old one stays. From then on each
/// of the new that is READY takes the place of an old one. Reloads that are asked for meanwhile, or
/// before any worker was ever ready, become one more behind it, which sees the newest files. Pure.
class ReloadPlan {
 public:
  enum class Asked { kBegins, kLater };
  Asked Ask() noexcept;

  enum class Ready {
    kOneMore,
    kFirstEver,  ///< The server serves.
    kProven,     ///< The generation on trial is proven by it.
  };
  Ready OnReady(std::uint64_t generation) noexcept;

  /// The new generation has taken over. Precondition: under_way().
  void Finish() noexcept { reload_.reset(); }
  /// The old generation stays. Precondition: under_way().
  void Abandon() noexcept;
  /// The server stops: nothing is to become of it.
  void Cancel() noexcept { reload_.reset(); }

  /// What is to serve; while it is on trial, kept_generation() serves.
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
  [[nodiscard]] bool under_way() const noexcept { return reload_.has_value(); }
  [[nodiscard]] bool on_trial() const noexcept { return reload_ && !reload_->proven; }
  /// Whether the reload stands and falls with a worker of this generation.
  [[nodiscard]] bool IsOnTrial(std::uint64_t generation) const noexcept {
    return on_trial() && generation == generation_;
  }
  /// Precondition: under_way().
  [[nodiscard]] std::uint64_t kept_generation() const noexcept { return reload_->old_generation; }
  [[nodiscard]] bool ever_ready() const noexcept { return ever_ready_; }
  /// One more is to begin when the one at hand is over.
  [[nodiscard]] bool asked_again() const noexcept { return asked_again_; }

 private:
  struct Reload {
    std::uint64_t old_generation = 0;
    bool proven = false;
  };

  std::uint64_t generation_ = 1;
  std::uint64_t newest_generation_ = 1;  // also of those that were abandoned
  std::optional<Reload> reload_;
  bool asked_again_ = false;
  bool ever_ready_ = false;
};

}  // namespace forkcast::serving
