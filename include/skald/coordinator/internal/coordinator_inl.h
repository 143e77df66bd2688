// The typed face of Coordinator: encodes, and hands on to the erased core.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "skald/base/codec.h"
#include "skald/coordinator/coordinator.h"

namespace skald::inline v1 {

namespace internal {

template <typename T>
absl::Status EncodeTo(const T& value, std::string* bytes) {
  if constexpr (std::is_void_v<decltype(Codec<T>::Encode(value, bytes))>) {
    Codec<T>::Encode(value, bytes);
    return absl::OkStatus();
  } else {
    return Codec<T>::Encode(value, bytes);
  }
}

template <typename T>
absl::StatusOr<std::string> EncodeValue(const T& value) {
  std::string bytes;
  absl::Status status = EncodeTo(value, &bytes);
  if (!status.ok()) return status;
  return bytes;
}

template <typename Result>
absl::StatusOr<SagaHandle<Result>> ToHandle(absl::StatusOr<Started> started) {
  if (!started.ok()) return started.status();
  return SagaHandle<Result>(*std::move(started));
}

}  // namespace internal

template <typename Key>
void Coordinator::StartThen(
    const Key& key, const typename Key::Input& input, StartOptions options,
    absl::AnyInvocable<void(absl::StatusOr<SagaHandle<typename Key::Result>>) &&> done) {
  const auto encode = [&input](std::string* bytes) { return internal::EncodeTo(input, bytes); };
  StartEncoded(key.name(), key.version(), encode, std::move(options),
               [done = std::move(done)](absl::StatusOr<internal::Started> started) mutable {
                 std::move(done)(internal::ToHandle<typename Key::Result>(std::move(started)));
               });
}

template <typename Key>
absl::StatusOr<SagaHandle<typename Key::Result>> Coordinator::Start(
    const Key& key, const typename Key::Input& input, StartOptions options) {
  std::vector<EncodedStart> one;
  one.push_back({internal::EncodeValue(input), std::move(options)});
  return internal::ToHandle<typename Key::Result>(
      std::move(StartBlocking(key.name(), key.version(), std::move(one)).front()));
}

template <typename Key>
std::vector<absl::StatusOr<SagaHandle<typename Key::Result>>> Coordinator::StartMany(
    const Key& key, std::span<const StartRequest<typename Key::Input>> requests) {
  std::vector<EncodedStart> encoded;
  encoded.reserve(requests.size());
  for (const auto& request : requests) {
    encoded.push_back({internal::EncodeValue(request.input), request.options});
  }
  std::vector<absl::StatusOr<SagaHandle<typename Key::Result>>> handles;
  handles.reserve(requests.size());
  for (auto& started : StartBlocking(key.name(), key.version(), std::move(encoded))) {
    handles.push_back(internal::ToHandle<typename Key::Result>(std::move(started)));
  }
  return handles;
}

template <typename Key>
absl::StatusOr<SagaHandle<typename Key::Result>> Coordinator::Find(const Key& key,
                                                                   std::string_view business_key) {
  return internal::ToHandle<typename Key::Result>(FindBlocking(key.name(), business_key));
}

template <typename StepKeyT>
void Coordinator::SupplyOutputThen(SagaId id, const StepKeyT& step,
                                   const typename StepKeyT::Output& output, Operator by,
                                   VerbCallback done, uint32_t item) {
  SupplyEncoded(id, step.name(), item, internal::EncodeValue(output), std::move(by),
                std::move(done));
}

template <typename StepKeyT>
absl::Status Coordinator::SupplyOutput(SagaId id, const StepKeyT& step,
                                       const typename StepKeyT::Output& output, Operator by,
                                       uint32_t item) {
  return Blocking([&](VerbCallback done) {
    SupplyOutputThen(id, step, output, std::move(by), std::move(done), item);
  });
}

template <typename SignalKeyT>
void Coordinator::SignalThen(SagaId id, const SignalKeyT& signal,
                             const typename SignalKeyT::Payload& payload, std::string dedup_key,
                             VerbCallback done) {
  using Payload = typename SignalKeyT::Payload;
  SignalEncoded(id, signal.name(), Codec<Payload>::kName, Codec<Payload>::kSchemaVersion,
                internal::EncodeValue(payload), std::move(dedup_key), std::move(done));
}

template <typename SignalKeyT>
absl::Status Coordinator::Signal(SagaId id, const SignalKeyT& signal,
                                 const typename SignalKeyT::Payload& payload,
                                 std::string dedup_key) {
  return Blocking([&](VerbCallback done) {
    SignalThen(id, signal, payload, std::move(dedup_key), std::move(done));
  });
}

}  // namespace skald::inline v1
