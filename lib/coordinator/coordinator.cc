// The public face: each member hands on to Coordinator::Impl.
#include "skald/coordinator/coordinator.h"

#include <fmt/core.h>

#include <algorithm>
#include <future>
#include <utility>

#include "coordinator_impl.h"
#include "skald/base/status.h"

namespace skald::inline v1 {

using internal::Shard;
using internal::Started;
using internal::StartedCallback;

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Open(Store& store, Executor& steps,
                                                               std::vector<Definition> definitions,
                                                               CoordinatorOptions options) {
  auto impl = std::make_shared<Impl>(std::move(options), steps);
  SKALD_RETURN_IF_ERROR(impl->Open(store, std::move(definitions)));
  return std::unique_ptr<Coordinator>(new Coordinator(std::move(impl)));
}

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Open(Committer& committer,
                                                               Executor& steps,
                                                               std::vector<Definition> definitions,
                                                               CoordinatorOptions options) {
  auto impl = std::make_shared<Impl>(std::move(options), steps);
  SKALD_RETURN_IF_ERROR(impl->Open(committer, std::move(definitions)));
  return std::unique_ptr<Coordinator>(new Coordinator(std::move(impl)));
}

Coordinator::Coordinator(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Coordinator::~Coordinator() = default;

void Coordinator::StartEncoded(std::string_view definition, uint32_t version,
                               internal::EncodeRef input, StartOptions options,
                               StartedCallback done) {
  impl_->Start(definition, version, input, std::move(options), std::move(done));
}

std::vector<absl::StatusOr<Started>> Coordinator::StartBlocking(std::string_view definition,
                                                                uint32_t version,
                                                                std::vector<EncodedStart> starts) {
  std::vector<std::future<absl::StatusOr<Started>>> futures;
  futures.reserve(starts.size());
  for (EncodedStart& start : starts) {
    std::promise<absl::StatusOr<Started>> promise;
    futures.push_back(promise.get_future());
    const auto encoded = [&start](std::string* bytes) {
      if (start.input.ok()) *bytes = *std::move(start.input);
      return start.input.status();
    };
    impl_->Start(definition, version, encoded, std::move(start.options),
                 [promise = std::move(promise)](absl::StatusOr<Started> started) mutable {
                   promise.set_value(std::move(started));
                 });
  }
  std::vector<absl::StatusOr<Started>> answers;
  answers.reserve(futures.size());
  for (auto& future : futures) answers.push_back(impl_->Wait(std::move(future)));
  return answers;
}

absl::StatusOr<Started> Coordinator::FindBlocking(std::string_view definition,
                                                  std::string_view key) {
  return impl_->Find(definition, key);
}

void Coordinator::CancelThen(SagaId id, Operator by, VerbCallback done) {
  impl_->OnShard(
      id,
      [id, by = std::move(by)](Shard& shard, internal::AnswerCallback answer) {
        shard.Cancel(id, by, std::move(answer));
      },
      [impl = impl_.get(), id] { return impl->OfFinished(id); }, std::move(done));
}

void Coordinator::DoVerb(SagaId id, internal::VerbRequest request, VerbCallback done) {
  impl_->OnShard(
      id,
      [id, request = std::move(request)](Shard& shard, internal::AnswerCallback answer) {
        shard.DoVerb(id, request, std::move(answer));
      },
      [impl = impl_.get(), id] { return impl->OfFinished(id); }, std::move(done));
}

void Coordinator::RetryThen(SagaId id, Operator by, VerbCallback done) {
  DoVerb(id, {.verb = Verb::kRetry, .step = {}, .output = {}, .by = std::move(by)},
         std::move(done));
}

void Coordinator::SignalEncoded(SagaId id, std::string_view name, std::string_view schema_name,
                                uint32_t schema_version, absl::StatusOr<std::string> payload,
                                std::string dedup_key, VerbCallback done) {
  if (!payload.ok()) {
    return std::move(done)(
        Annotate(payload.status(), fmt::format("encoding the payload of signal '{}'", name)));
  }
  impl_->Signal(id,
                {.name = std::string(name),
                 .key = std::move(dedup_key),
                 .output = std::string(internal::kPayloadFollows) + *payload,
                 .schema_name = std::string(schema_name),
                 .schema_version = schema_version},
                std::move(done));
}

void Coordinator::SupplyEncoded(SagaId id, std::string_view step, uint32_t item,
                                absl::StatusOr<std::string> output, Operator by,
                                VerbCallback done) {
  if (!output.ok()) {
    return std::move(done)(Annotate(output.status(), "encoding the supplied output"));
  }
  DoVerb(id,
         {.verb = Verb::kSupplyOutput,
          .step = std::string(step),
          .index = item,
          .output = *std::move(output),
          .by = std::move(by)},
         std::move(done));
}

void Coordinator::MarkNotDoneThen(SagaId id, std::string_view step, Operator by,
                                  VerbCallback done) {
  DoVerb(id,
         {.verb = Verb::kMarkNotDone, .step = std::string(step), .output = {}, .by = std::move(by)},
         std::move(done));
}

void Coordinator::AbandonThen(SagaId id, Operator by, VerbCallback done) {
  DoVerb(id, {.verb = Verb::kAbandon, .step = {}, .output = {}, .by = std::move(by)},
         std::move(done));
}

absl::Status Coordinator::Blocking(absl::FunctionRef<void(VerbCallback)> ask) {
  return impl_->Blocking(ask);
}

absl::Status Coordinator::Cancel(SagaId id, Operator by) {
  return Blocking([&](VerbCallback done) { CancelThen(id, std::move(by), std::move(done)); });
}

absl::Status Coordinator::Retry(SagaId id, Operator by) {
  return Blocking([&](VerbCallback done) { RetryThen(id, std::move(by), std::move(done)); });
}

absl::Status Coordinator::MarkNotDone(SagaId id, std::string_view step, Operator by) {
  return Blocking(
      [&](VerbCallback done) { MarkNotDoneThen(id, step, std::move(by), std::move(done)); });
}

absl::Status Coordinator::Abandon(SagaId id, Operator by) {
  return Blocking([&](VerbCallback done) { AbandonThen(id, std::move(by), std::move(done)); });
}

absl::StatusOr<SagaDetails> Coordinator::Show(SagaId id) {
  return impl_->Show(id);
}

absl::StatusOr<std::vector<SagaInfo>> Coordinator::List(const SagaFilter& filter) {
  return impl_->List(filter);
}

absl::Status Coordinator::Shutdown(absl::Duration timeout) {
  return impl_->Shutdown(timeout);
}
bool Coordinator::PollOnce() {
  return impl_->PollOnce();
}
void Coordinator::RunUntilIdle() {
  while (impl_->PollOnce()) {
  }
}

absl::Time Coordinator::NextTimer() const {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& shard : impl_->core().shards) next = std::min(next, shard->next_timer());
  return next;
}

Coordinator::Stats Coordinator::stats() const {
  Stats sum;
  for (const auto& shard : impl_->core().shards) {
    const internal::ShardStats& s = shard->stats();
    sum.started += s.started.load();
    sum.completed += s.completed.load();
    sum.compensated += s.compensated.load();
    sum.stuck += s.stuck.load();
    sum.abandoned += s.abandoned.load();
    sum.resumed += s.resumed.load();
    sum.attempts += s.attempts.load();
    sum.commits += s.commits.load();
    sum.journal_bytes += s.journal_bytes.load();
    sum.late_verdicts += s.late_verdicts.load();
    sum.woken += s.woken.load();
    sum.asleep += shard->asleep();
    sum.in_flight += shard->in_memory();
  }
  return sum;
}

absl::Status Coordinator::health() const {
  return impl_->core().Health();
}

}  // namespace skald::inline v1
