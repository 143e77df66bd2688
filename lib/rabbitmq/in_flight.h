// Messages that were sent on a channel and are not settled, by the number that the channel gives
// them. Pure: no I/O, no clock.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "skald/participant/outbox.h"

namespace skald::inline v1::internal {

// A message that somebody waits for. `message` is valid until `done` is called.
struct Entrusted {
  OutgoingMessage message;
  Publisher::Done done;
  absl::Duration deadline;
};

class InFlight {
 public:
  // What the broker has said of one.
  struct Settled {
    Entrusted entrusted;
    bool taken = false;
    uint16_t returned_code = 0;  // not 0: it came back
    std::string returned_text;
  };

  // The next number, from 1 on.
  void Add(Entrusted entrusted);
  // Adds what is settled by this, and is still waited for, to `settled`.
  // RETURNS: false: that number was never given.
  bool Confirm(uint64_t tag, bool multiple, bool taken, std::vector<Settled>& settled);
  // The oldest message of that id will be confirmed as one that came back.
  void Returned(std::string_view id, uint16_t code, std::string text);
  // Nobody waits any more for those whose deadline has passed; their numbers stay.
  void Expire(absl::Duration now, std::vector<Entrusted>& expired);
  // All that are waited for; numbers begin at 1 again.
  std::vector<Entrusted> Clear();

  // The next deadline; infinite: nobody waits.
  absl::Duration deadline() const;
  void SetDeadlines(absl::Duration deadline);
  // Numbers that the broker has not settled, whether or not somebody waits for them.
  size_t size() const { return sent_.size(); }
  bool empty() const { return sent_.empty(); }
  void ForEach(absl::FunctionRef<void(const OutgoingMessage&)> look) const;

 private:
  struct Sent {
    Entrusted entrusted;
    bool waited_for = true;
    bool settled = false;
    uint16_t returned_code = 0;
    std::string returned_text;
  };

  void Settle(Sent& sent, bool taken, std::vector<Settled>& settled);

  std::deque<Sent> sent_;
  uint64_t first_tag_ = 1;  // of sent_.front()
};

}  // namespace skald::inline v1::internal
