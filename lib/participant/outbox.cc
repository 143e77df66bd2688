#include "skald/participant/outbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "outbox_impl.h"
#include "outbox_rows.h"
#include "skald/base/bytes.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {
namespace internal {
namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kHeadersMax = 1000;
constexpr size_t kNameBytesMost = 64;

}  // namespace

std::string EncodeOutboxRow(const OutboxRow& row) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.U8(kFormat).Little(static_cast<uint64_t>(absl::ToUnixMicros(row.added)));
  out.String(row.message.key).String(row.message.topic).String(row.message.body);
  out.Varint(row.message.headers.size());
  for (const auto& [name, value] : row.message.headers) out.String(name).String(value);
  out.String(row.reason);
  return bytes;
}

absl::StatusOr<OutboxRow> DecodeOutboxRow(std::string_view bytes) {
  ByteReader in(bytes);
  OutboxRow row;
  if (in.U8() != kFormat) in.Fail();
  row.added = absl::FromUnixMicros(static_cast<int64_t>(in.Little<uint64_t>()));
  row.message.key = in.String();
  row.message.topic = in.String();
  row.message.body = in.String();
  const uint64_t headers = in.VarintUpTo(kHeadersMax);
  for (uint64_t i = 0; i < headers && in.ok(); ++i) {
    std::string name(in.String());
    row.message.headers.emplace_back(std::move(name), std::string(in.String()));
  }
  row.reason = in.String();
  SKALD_RETURN_IF_ERROR(in.Finish("message of an outbox"));
  return row;
}

std::string WithId(std::string_view prefix, uint64_t id) {
  std::string key(prefix);
  ByteWriter(&key).Big(id);
  return key;
}

absl::StatusOr<uint64_t> IdIn(std::string_view key, std::string_view prefix) {
  ByteReader in(key);
  if (in.Raw(prefix.size()) != prefix) in.Fail();
  const auto id = in.Big<uint64_t>();
  SKALD_RETURN_IF_ERROR(in.Finish("key of an outbox' message"));
  return id;
}

bool IsPlainName(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMost) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace internal

using internal::OutboxRow;

absl::Status Outbox::Impl::TakeOver() {
  const std::string key = fmt::format("~o/{}", options.name);
  Transaction rows = committer.Begin();
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> row, rows.Get(key));
  uint64_t openings = 0;
  if (row) {
    ByteReader in(*row);
    openings = in.Big<uint64_t>();
    SKALD_RETURN_IF_ERROR(in.Finish(fmt::format("row of outbox '{}'", options.name)));
  }
  std::string next;
  ByteWriter(&next).Big(openings + 1);
  rows.Put(key, next);
  SKALD_RETURN_IF_ERROR(
      Annotate(std::move(rows).Commit(), fmt::format("opening outbox '{}'", options.name)));
  opened_at = (openings + 1) << kCountBits;
  next_id.store(opened_at);
  return absl::OkStatus();
}

Outbox::Outbox(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Outbox::~Outbox() = default;

absl::StatusOr<std::unique_ptr<Outbox>> Outbox::Open(Committer& committer, OutboxOptions options) {
  if (!internal::IsPlainName(options.name)) {
    return absl::InvalidArgumentError(fmt::format(
        "opening outbox '{}': its name must be 1 to 64 letters, digits, '-', '_' or '.'",
        options.name.substr(0, 64)));
  }
  auto impl = std::make_shared<Impl>(committer, std::move(options));
  SKALD_RETURN_IF_ERROR(impl->TakeOver());
  return std::unique_ptr<Outbox>(new Outbox(std::move(impl)));
}

absl::Status Outbox::Add(Transaction& rows, const Message& message) {
  const auto refuse = [&](std::string_view why) {
    return absl::InvalidArgumentError(
        ToAbsl(fmt::format("a message to outbox '{}', key '{}': {}", impl_->options.name,
                           std::string_view(message.key).substr(0, 64), why)));
  };
  if (message.topic.empty()) return refuse("it has no topic");
  const std::string bytes = internal::EncodeOutboxRow({impl_->options.clock->Wall(), message, {}});
  if (bytes.size() > impl_->options.message_bytes_max) {
    return refuse(fmt::format("it has {} bytes, the bound is {} (message_bytes_max)", bytes.size(),
                              impl_->options.message_bytes_max));
  }
  rows.Put(internal::WithId(impl_->pending, impl_->next_id.fetch_add(1)), bytes);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Outbox::Parked>> Outbox::ParkedMessages(size_t limit) const {
  std::string end = impl_->parked;
  ++end.back();
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> cursor,
                         impl_->committer.store().Scan(Space::kRows, {impl_->parked, end}));
  std::vector<Parked> all;
  for (; cursor->Valid() && all.size() < limit; cursor->Next()) {
    SKALD_ASSIGN_OR_RETURN(const uint64_t id, internal::IdIn(cursor->key(), impl_->parked));
    SKALD_ASSIGN_OR_RETURN(OutboxRow row, internal::DecodeOutboxRow(cursor->value()));
    all.push_back({id, std::move(row.message), std::move(row.reason)});
  }
  SKALD_RETURN_IF_ERROR(cursor->status());
  return all;
}

absl::Status Outbox::Retry(uint64_t id) {
  Transaction rows = impl_->committer.Begin();
  const std::string key = internal::WithId(impl_->parked, id);
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, rows.Get(key));
  if (!bytes) return absl::NotFoundError(fmt::format("message {} is not parked", id));
  SKALD_ASSIGN_OR_RETURN(OutboxRow row, internal::DecodeOutboxRow(*bytes));
  row.reason.clear();
  rows.Delete(key);
  // Under a new id: what came behind it has been published since.
  rows.Put(internal::WithId(impl_->pending, impl_->next_id.fetch_add(1)),
           internal::EncodeOutboxRow(row));
  return std::move(rows).Commit();
}

absl::Status Outbox::Discard(uint64_t id) {
  Transaction rows = impl_->committer.Begin();
  const std::string key = internal::WithId(impl_->parked, id);
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, rows.Get(key));
  if (!bytes) return absl::NotFoundError(fmt::format("message {} is not parked", id));
  rows.Delete(key);
  return std::move(rows).Commit();
}

absl::StatusOr<bool> Inbox::Accept(Transaction& rows, std::string_view outbox, std::string_view key,
                                   uint64_t id) const {
  std::string row_key = fmt::format("~n/{}/{}/", name_, outbox);
  row_key += key;
  SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> row, rows.Get(row_key));
  if (row) {
    ByteReader in(*row);
    const auto last = in.Big<uint64_t>();
    SKALD_RETURN_IF_ERROR(in.Finish(fmt::format("row of inbox '{}'", name_)));
    if (id <= last) return false;
  }
  std::string bytes;
  ByteWriter(&bytes).Big(id);
  rows.Put(row_key, bytes);
  return true;
}

}  // namespace skald::inline v1
