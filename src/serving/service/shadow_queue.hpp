#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data_preprocessing/base/clock.hpp"
#include "serving/service/challenger.hpp"
#include "serving/service/scoring_steps.hpp"
#include "serving/wire/invocation.hpp"

namespace forkcast::serving {

class Catalogue;
class HookChain;

/// A request that is answered, and that the challenger is to score, too: the champion's steps, with
/// the rows and what came of them, as they are.
struct ShadowTask {
  std::shared_ptr<Challenger> challenger;
  std::unique_ptr<ScoringSteps> champion;
  std::chrono::nanoseconds champion_scoring{};
  Instant received;
  /// What records of it say; views of what the request's buffer held are copied.
  struct Request {
    std::string id;
    std::string inference_id;
    std::string custom_attributes;
    std::string traceparent;
    std::string content_type;
    std::string body;
    std::string answer_type;  ///< The media type of its answer.
    std::string deployment;
    std::string route;
    char csv_delimiter = ',';
  } request{};
};

/// The requests that challengers score behind their answers, one after the other, in slices: what a
/// worker does when it has nothing else to do. Never in the way: at most kMostWaiting wait, and one
/// that has waited for kLatest is dropped, both counted.
class ShadowQueue {
 public:
  static constexpr std::size_t kMostWaiting = 8;
  static constexpr std::chrono::milliseconds kLatest{1000};
  static constexpr std::chrono::microseconds kSlice{500};

  /// All outlive it. `on_offered`: somebody is to call Work() soon.
  struct Context {
    Catalogue& catalogue;  ///< Where champions' steps go back to.
    HookChain& hooks;
    const Clock& clock;
    wire::DecoderLimits limits{};
    std::function<void()> on_offered{};
  };
  explicit ShadowQueue(Context context) : context_(std::move(context)) {}

  /// Whether there is room for another one; if not, it is counted as dropped.
  [[nodiscard]] bool HasRoomFor(Challenger& challenger);
  /// Precondition: HasRoomFor().
  void Offer(ShadowTask task);
  /// A slice. False when nothing is left.
  bool Work();
  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

 private:
  enum class Stage { kWaits, kFeatures, kModel, kDone };
  struct Waiting {
    ShadowTask task;
    MonotonicTime since;
    Stage stage = Stage::kWaits;
    std::size_t lines_a_step = 1;
    std::unique_ptr<ScoringSteps> own{};
    std::chrono::nanoseconds scoring{};
  };

  void DropLate(MonotonicTime now);
  void Step(Waiting& one) const;
  /// Counts and records what came of it. `threw`: nothing did.
  void Finish(Waiting& one, bool threw);
  void Record(Waiting& one);
  void WriteAnswer(Waiting& one);
  void Remove(Waiting& one);

  Context context_;
  std::deque<Waiting> waiting_;
  std::string answer_;
  std::vector<preprocessing::Value> answer_row_;
};

}  // namespace forkcast::serving
