// Who hears of orders: keeps, for each order, the events that it was told of, each once and in
// order, however often they are sent. Another process, where there is a broker between.
#pragma once

#include "participant.h"
#include "skald/participant/outbox.h"

namespace order_flow {

// THREADS: any.
class Mailer final : public skald::Publisher {
 public:
  explicit Mailer(Participant& participant) : participant_(participant) {}

  // Takes what it has not taken before; `done` comes when that is durable.
  void Publish(const skald::OutgoingMessage& message, Done done) override;

 private:
  Participant& participant_;
  const skald::Inbox inbox_{"mailer"};
};

}  // namespace order_flow
