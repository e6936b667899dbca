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
    if (stop_asked_.wait_for(lock, work.pause, [this] { return stops_; })) return;
    works_ = true;
    lock.unlock();
    work.again();
    lock.lock();
  }
  works_ = false;
}

bool LoaderThread::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
    if (works_) return false;
  }
  stop_asked_.notify_one();
  thread_.join();
  return true;
}

}  // namespace forkcast::serving
