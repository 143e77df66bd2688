// Answers beside commits. Where many callers wait, to answer a group takes a fair part of the time
// that the next commit takes, which needs nothing of it. Still one group after the other, in their
// order: whoever answers waits until those before are answered.
#include <system_error>
#include <utility>

#include "committer_impl.h"

namespace skald::inline v1 {
namespace {

// Fewer are answered before another thread has woken up.
constexpr size_t kHandedOverMin = 256;

}  // namespace

bool Committer::Impl::HandOver() {
  if (!options_.own_thread) return false;
  MutexLock lock(mutex_);
  const bool many = in_flight_->done.size() >= kHandedOverMin || !AnswererIdle();
  // Where nobody waits for the next commit, the writer has the time. (Only it takes from the
  // queue.)
  bool hand_over = many && !queue_.empty();
  if (hand_over && !answerer_.joinable()) {
    lock.Unlock();
    hand_over = StartAnswerer();
    lock.Lock();
  }
  if (!hand_over) {
    while (!AnswererIdle()) answered_.Wait(mutex_);
    return false;
  }
  while (answering_ != nullptr) answered_.Wait(mutex_);
  answering_ = std::move(in_flight_);
  busy_ = false;
  to_answer_.NotifyOne();
  return true;
}

// RETURNS: false: there is no thread to be had.
bool Committer::Impl::StartAnswerer() {
  if (answerer_refused_) return false;
  try {
    answerer_ = std::thread([this] { RunAnswerer(); });
  } catch (const std::system_error&) {
    answerer_refused_ = true;  // the writer answers, as it does small groups
  }
  return !answerer_refused_;
}

void Committer::Impl::WaitForAnswerer() {
  MutexLock lock(mutex_);
  while (!AnswererIdle()) answered_.Wait(mutex_);
}

void Committer::Impl::RunAnswerer() {
  answerer_id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  MutexLock lock(mutex_);
  while (true) {
    while (answering_ == nullptr && !answerer_ends_) to_answer_.Wait(mutex_);
    if (answering_ == nullptr) return;
    std::unique_ptr<CommitGroup> group = std::move(answering_);
    answerer_busy_ = true;
    answered_.NotifyAll();  // there is room for the next
    lock.Unlock();
    for (CommitCallback& done : group->done) Answer(done, absl::OkStatus());
    Finish(std::move(group));
    lock.Lock();
    answerer_busy_ = false;
    answered_.NotifyAll();
    if (phase_ != Phase::kRunning) idle_.NotifyAll();
  }
}

}  // namespace skald::inline v1
