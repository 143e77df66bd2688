#include "in_flight.h"

#include <algorithm>

#include "message.h"

namespace skald::inline v1::internal {

void InFlight::Add(Entrusted entrusted) {
  sent_.push_back({.entrusted = std::move(entrusted)});
}

void InFlight::Settle(Sent& sent, bool taken, std::vector<Settled>& settled) {
  if (sent.settled) return;
  sent.settled = true;
  if (!sent.waited_for) return;
  sent.waited_for = false;
  settled.push_back({.entrusted = std::move(sent.entrusted),
                     .taken = taken,
                     .returned_code = sent.returned_code,
                     .returned_text = std::move(sent.returned_text)});
}

bool InFlight::Confirm(uint64_t tag, bool multiple, bool taken, std::vector<Settled>& settled) {
  const uint64_t end_tag = first_tag_ + sent_.size();
  // 0 with `multiple` is "all so far".
  const uint64_t last = tag == 0 && multiple ? end_tag - 1 : tag;
  if (last >= end_tag || (tag == 0 && !multiple)) return false;
  if (multiple) {
    for (uint64_t t = first_tag_; t <= last; ++t) Settle(sent_[t - first_tag_], taken, settled);
  } else if (last >= first_tag_) {
    Settle(sent_[last - first_tag_], taken, settled);
  }
  while (!sent_.empty() && sent_.front().settled) {
    sent_.pop_front();
    ++first_tag_;
  }
  return true;
}

void InFlight::Returned(std::string_view id, uint16_t code, std::string text) {
  // Returns come in the order in which messages were sent: it is one of the first.
  const auto found = std::find_if(sent_.begin(), sent_.end(), [id](const Sent& sent) {
    return sent.waited_for && sent.returned_code == 0 && MessageId(sent.entrusted.message) == id;
  });
  if (found == sent_.end()) return;
  found->returned_code = code;
  found->returned_text = std::move(text);
}

void InFlight::Expire(absl::Duration now, std::vector<Entrusted>& expired) {
  for (Sent& sent : sent_) {
    if (!sent.waited_for) continue;
    if (sent.entrusted.deadline > now) return;
    sent.waited_for = false;
    expired.push_back(std::move(sent.entrusted));
  }
}

std::vector<Entrusted> InFlight::Clear() {
  std::vector<Entrusted> all;
  for (Sent& sent : sent_) {
    if (sent.waited_for) all.push_back(std::move(sent.entrusted));
  }
  sent_.clear();
  first_tag_ = 1;
  return all;
}

absl::Duration InFlight::deadline() const {
  for (const Sent& sent : sent_) {
    if (sent.waited_for) return sent.entrusted.deadline;
  }
  return absl::InfiniteDuration();
}

void InFlight::SetDeadlines(absl::Duration deadline) {
  for (Sent& sent : sent_) sent.entrusted.deadline = deadline;
}

void InFlight::ForEach(absl::FunctionRef<void(const OutgoingMessage&)> look) const {
  for (const Sent& sent : sent_) {
    if (sent.waited_for) look(sent.entrusted.message);
  }
}

}  // namespace skald::inline v1::internal
