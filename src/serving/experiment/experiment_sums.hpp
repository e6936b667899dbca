#pragma once

#include <cstdint>

#include "model/evaluate/confidence_sequence.hpp"

namespace forkcast::serving {

/// What one of both did. An observation is a request, however many rows it has: rows of one request
/// are not independent of each other.
struct ArmSums {
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;    ///< Some row could not be scored, or the time was over.
  model::Moments output{};       ///< Mean of the compared output, where it is a number.
  model::Moments log_seconds{};  ///< LogSeconds() of scoring.

  void Merge(const ArmSums& other) noexcept {
    requests += other.requests;
    failures += other.failures;
    output.Merge(other.output);
    log_seconds.Merge(other.log_seconds);
  }
  friend bool operator==(const ArmSums&, const ArmSums&) = default;
};

/// What an experiment has found so far; whole numbers and doubles alone, so that it can be copied
/// word by word.
struct ExperimentSums {
  ArmSums champion{};
  ArmSums challenger{};
  // Of a shadow, whose requests both have scored:
  std::uint64_t lines = 0;        ///< Rows, or steps of a forecast, that were compared.
  std::uint64_t agreed = 0;       ///< Of these with the same output.
  model::Moments difference{};    ///< Challenger minus champion, mean of a request.
  model::Moments disagreement{};  ///< Share of a request's lines that differ.
  model::Moments log_slowdown{};  ///< Difference of LogSeconds().
  std::uint64_t dropped = 0;      ///< Requests that were to be scored and were not.

  void Merge(const ExperimentSums& other) noexcept {
    champion.Merge(other.champion);
    challenger.Merge(other.challenger);
    lines += other.lines;
    agreed += other.agreed;
    difference.Merge(other.difference);
    disagreement.Merge(other.disagreement);
    log_slowdown.Merge(other.log_slowdown);
    dropped += other.dropped;
  }
  friend bool operator==(const ExperimentSums&, const ExperimentSums&) = default;
};

}  // namespace forkcast::serving
