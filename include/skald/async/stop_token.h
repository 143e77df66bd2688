// Stop tokens are the standard's: std::stop_source asks, std::stop_token is asked,
// std::stop_callback is told. They travel beside a Deadline, from caller to callee. A stop is a
// request: what got it ends early if it can, says truthfully what it did, and is awaited all the
// same.
//
//   LinkedStopSource attempt(context.stop_token());      // stops with its parent, or alone
//   StartCall(attempt.token());
//   attempt.RequestStop();
#pragma once

#include <stop_token>
#include <utility>

namespace skald::inline v1 {

// A stop source that also stops when `parent` does.
// THREADS: any; RequestStop runs the callbacks registered with the token on its caller's thread.
class LinkedStopSource {
 public:
  explicit LinkedStopSource(std::stop_token parent) : link_(std::move(parent), Relay{source_}) {}
  LinkedStopSource(const LinkedStopSource&) = delete;
  LinkedStopSource& operator=(const LinkedStopSource&) = delete;

  std::stop_token token() const { return source_.get_token(); }
  bool stop_requested() const { return source_.stop_requested(); }
  // RETURNS: false when it had been stopped before.
  bool RequestStop() { return source_.request_stop(); }

 private:
  // Keeps the shared state alive by itself.
  struct Relay {
    std::stop_source source;
    void operator()() { source.request_stop(); }
  };

  std::stop_source source_;
  std::stop_callback<Relay> link_;
};

}  // namespace skald::inline v1
