#include "serving/worker/loader_thread.hpp"

#include <utility>

namespace forkcast::serving {

void LoaderThread::Start(Work work) {
  thread_ = std::thread([this, work = std::move(work)] { Run(work); });
}

void LoaderThread::Run(const Work& work) {
  const bool goes_on = work.first();
  std::unique_lock lock(mutex_);
  while (goes_on) {
    works_ = false;
    asked_.wait_for(lock, work.pause, [this] { return stops_ || hurries_; });
    if (stops_) return;
    hurries_ = false;
    works_ = true;
    lock.unlock();
    work.again();
    lock.lock();
  }
  works_ = false;
}

void LoaderThread::Hurry() {
  {
    const std::lock_guard lock(mutex_);
    hurries_ = true;
  }
  asked_.notify_one();
}

bool LoaderThread::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
    if (works_) return false;
  }
  asked_.notify_one();
  thread_.join();
  return true;
}

}  // namespace forkcast::serving
