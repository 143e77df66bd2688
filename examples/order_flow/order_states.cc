#include "order_states.h"

#include <fmt/format.h>

namespace order_flow {

std::string_view ToString(SaleState state) {
  switch (state) {
    case SaleState::kPendingPayment:
      return "pending_payment";
    case SaleState::kPaid:
      return "paid";
    case SaleState::kCancelled:
      return "cancelled";
    case SaleState::kShipped:
      return "shipped";
    case SaleState::kRefunded:
      return "refunded";
    case SaleState::kSigned:
      return "signed";
    case SaleState::kReturned:
      return "returned";
  }
  return "unknown";
}

std::string_view ToString(SaleEvent event) {
  switch (event) {
    case SaleEvent::kPay:
      return "pay";
    case SaleEvent::kCancel:
      return "cancel";
    case SaleEvent::kShip:
      return "ship";
    case SaleEvent::kRefund:
      return "refund";
    case SaleEvent::kSign:
      return "sign";
    case SaleEvent::kReturn:
      return "return";
  }
  return "unknown";
}

std::string_view ToString(ReturnState state) {
  switch (state) {
    case ReturnState::kAnnounced:
      return "announced";
    case ReturnState::kReturned:
      return "returned";
    case ReturnState::kRefused:
      return "refused";
  }
  return "unknown";
}

std::string_view ToString(ReturnEvent event) {
  switch (event) {
    case ReturnEvent::kTakeIn:
      return "take_in";
    case ReturnEvent::kRefuse:
      return "refuse";
  }
  return "unknown";
}

std::string TopicOf(SaleState state) {
  return fmt::format("order.{}", ToString(state));
}
std::string TopicOf(ReturnState state) {
  return fmt::format("order.{}", ToString(state));
}

std::string StateDiagrams() {
  return fmt::format("%% a sale\n{}\n%% a return\n{}", kSaleTable.ToMermaid(),
                     kReturnTable.ToMermaid());
}

}  // namespace order_flow
