// One attempt of a step function, as the coordinator would make it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "skald/base/codec.h"
#include "skald/saga/definition.h"
#include "skald/saga/step_context.h"

namespace skald::testing {

class Attempt {
 public:
  explicit Attempt(const Definition& definition) : outputs_(definition.step_count()) {
    call_.context = &context_;
    call_.result = &result_;
    call_.done = [](internal::Call& call) {
      auto done = std::move(static_cast<OwnCall&>(call).on_done);
      std::move(done)();
    };
    OnDone([this] { ++done_; });
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  template <typename T>
  Attempt& Input(const T& input) {
    call_.input = &input;
    return *this;
  }
  template <typename T>
  Attempt& Output(size_t step, const T& output) {
    outputs_[step] = &output;
    return *this;
  }
  template <typename T>
  Attempt& Own(const T& output) {
    call_.own_output = &output;
    return *this;
  }

  Attempt& Report(const std::shared_ptr<internal::MisuseReporter>& reporter) {
    call_.reporter = reporter;
    return *this;
  }

  // Instead of counting it.
  void OnDone(absl::AnyInvocable<void() &&> done) { call_.on_done = std::move(done); }

  // RETURNS: what the function did; the verdict is in result().
  internal::CallState Run(const internal::StepFunction& function) {
    result_.Reset();
    call_.outputs = outputs_.data();
    call_.met = false;
    return function(call_);
  }

  const internal::AttemptResult& result() const { return result_; }
  internal::AttemptResult& mutable_result() { return result_; }
  int done() const { return done_; }
  template <typename T>
  T Decoded() const {
    return Decode<T>(result_.output()).value();
  }

 private:
  struct OwnCall : internal::Call {
    absl::AnyInvocable<void() &&> on_done;
  };

  StepContext context_{StepContext::Fields{}};
  std::vector<const void*> outputs_;
  internal::AttemptResult result_;
  std::atomic<int> done_ = 0;
  OwnCall call_;
};

}  // namespace skald::testing
