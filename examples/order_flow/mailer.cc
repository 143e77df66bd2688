#include "mailer.h"

#include <utility>

namespace order_flow {
namespace {

using skald::Transaction;

absl::Status NoticeRows(Transaction& rows, const skald::Inbox& inbox,
                        const skald::OutgoingMessage& message) {
  const std::string& number = message.message.key;
  SKALD_ASSIGN_OR_RETURN(const bool fresh, inbox.Accept(rows, message.outbox, number, message.id));
  if (!fresh) return absl::OkStatus();
  const std::string key = KeyOf(kNoticePrefix, number);
  SKALD_ASSIGN_OR_RETURN(std::optional<NoticeRow> notice, GetRow<NoticeRow>(rows, key));
  if (!notice) notice.emplace();
  notice->events.push_back({message.message.topic, static_cast<int64_t>(message.id)});
  rows.Put(key, EncodeRow(*notice));
  return absl::OkStatus();
}

}  // namespace

void Mailer::Publish(const skald::OutgoingMessage& message, Done done) {
  Transaction rows = participant_.committer().Begin();
  const absl::Status noted = NoticeRows(rows, inbox_, message);
  // A row that does not read is no reason to give a message up.
  if (!noted.ok()) return std::move(done)(absl::UnavailableError(noted.message()));
  CommitRows(std::move(rows), std::move(done));
}

}  // namespace order_flow
