// One attempt of a step function, as the coordinator would make it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "skald/base/codec.h"
#include "skald/saga/definition.h"
#include "skald/saga/internal/call.h"

namespace skald::testing {

class Attempt {
 public:
  explicit Attempt(const Definition& definition) {
    call_->outputs.Make().resize(definition.step_count());
    OnDone([this] { ++done_; });
  }
  ~Attempt() {
    if (call_->Release()) delete call_;
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  template <typename T>
  Attempt& Input(const T& input) {
    call_->input = &input;
    return *this;
  }
  template <typename T>
  Attempt& Output(size_t step, const T& output) {
    call_->outputs.Make()[step] = &output;
    return *this;
  }
  template <typename T>
  Attempt& Own(const T& output) {
    call_->own_output = &output;
    return *this;
  }

  Attempt& Report(const std::shared_ptr<internal::MisuseReporter>& reporter) {
    call_->reporter = reporter;
    return *this;
  }

  // Instead of counting it.
  void OnDone(absl::AnyInvocable<void() &&> done) { call_->on_done = std::move(done); }

  // RETURNS: what the function did; the verdict is in result().
  internal::CallState Run(const internal::StepFunction& function) {
    call_->Renew();
    return function(*call_);
  }

  const internal::AttemptResult& result() const { return call_->result; }
  internal::AttemptResult& mutable_result() { return call_->result; }
  int done() const { return done_; }
  template <typename T>
  T Decoded() const {
    return Decode<T>(call_->result.output()).value();
  }

 private:
  struct OwnCall final : internal::Call {
    absl::AnyInvocable<void() &&> on_done;

   private:
    void Done() override {
      auto done = std::move(on_done);
      std::move(done)();
    }
  };

  std::atomic<int> done_ = 0;
  OwnCall* call_ = new OwnCall;  // copies of its completion may outlive this
};

}  // namespace skald::testing
