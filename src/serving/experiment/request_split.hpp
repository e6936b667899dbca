#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "data_preprocessing/table/value.hpp"

namespace forkcast::serving {

/// Which requests take part in an experiment: by a hash, so that the same ones do on every worker
/// and after every restart, also of other servers with the same settings. What a smaller share
/// takes, a greater one takes, too. Experiments of other names take others, independently of each
/// other.
class RequestSplit {
 public:
  RequestSplit(std::string_view deployment, std::string_view challenger, double share) noexcept;

  /// By a text, such as a request's id.
  [[nodiscard]] bool Takes(std::string_view text) const noexcept;
  /// By the values of a key.
  [[nodiscard]] bool Takes(std::span<const preprocessing::Value> key) const noexcept;

 private:
  [[nodiscard]] bool IsBelowShare(std::uint64_t hash) const noexcept;

  std::uint64_t seed_;
  double share_;
};

}  // namespace forkcast::serving
