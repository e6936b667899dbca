#include "serving/page/page_desk.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace forkcast::serving {
namespace {

/// Of this thread alone, which Linux takes for a process here.
void StepBack() noexcept {
  constexpr int kLowest = 19;
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kLowest));
}

}  // namespace

PageDesk::~PageDesk() {
  if (Stop() || !thread_.joinable()) return;
  thread_.join();
}

Result<std::shared_ptr<const PageDesk::Pending>> PageDesk::Ask(Question question) {
  auto pending = std::make_shared<Pending>(std::move(question));
  {
    const std::lock_guard lock(mutex_);
    // Those whose callers have gone.
    std::erase_if(waiting_, [](const std::weak_ptr<Pending>& one) { return one.expired(); });
    if (waiting_.size() >= kMostWaiting) {
      return Error{ErrorCode::kOverloaded, "the page is asked too much at once: ask again"};
    }
    waiting_.push_back(pending);
    if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  }
  asked_.notify_one();
  return std::shared_ptr<const Pending>(std::move(pending));
}

void PageDesk::Run() {
  StepBack();
  std::unique_lock lock(mutex_);
  while (true) {
    works_ = false;
    asked_.wait(lock, [this] { return stops_ || !waiting_.empty(); });
    if (stops_) return;
    const std::shared_ptr<Pending> next = waiting_.front().lock();
    waiting_.pop_front();
    if (!next) continue;
    works_ = true;
    lock.unlock();
    Answer(*next);
    on_answer_();
    lock.lock();
  }
}

void PageDesk::Answer(Pending& pending) {
  try {
    pending.answer_.emplace(pending.question_());
  } catch (const std::exception& error) {
    pending.answer_.emplace(Error{ErrorCode::kInternal, error.what()});
  }
  pending.question_ = nullptr;  // what it looked at is let go here, and not by the loop
  pending.is_done_.store(true, std::memory_order_release);
}

bool PageDesk::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
    if (works_) return false;
  }
  asked_.notify_one();
  if (thread_.joinable()) thread_.join();
  return true;
}

}  // namespace forkcast::serving
