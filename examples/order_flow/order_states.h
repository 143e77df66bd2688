// What an order is to the business: its states, and what leads from one to another. The tables
// print themselves: `order_flow states`.
//
// The log's returns are invoices of their own and name no sale, so they have a table of their own.
// That a sale's goods come back (kReturned) is in its table, and happens in no replay.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "skald/participant/business_state.h"

namespace order_flow {

// All four are persisted; numbers are never reused.
enum class SaleState : uint8_t {
  kPendingPayment = 1,
  kPaid = 2,
  kCancelled = 3,  // undone before it was paid
  kShipped = 4,
  kRefunded = 5,  // undone after it was paid
  kSigned = 6,
  kReturned = 7,
};
enum class SaleEvent : uint8_t {
  kPay = 1,
  kCancel = 2,
  kShip = 3,
  kRefund = 4,
  kSign = 5,
  kReturn = 6,
};
enum class ReturnState : uint8_t { kAnnounced = 1, kReturned = 2, kRefused = 3 };
enum class ReturnEvent : uint8_t { kTakeIn = 1, kRefuse = 2 };

inline constexpr skald::BusinessTable kSaleTable(
    SaleState::kPendingPayment,
    std::to_array<skald::Transition<SaleState, SaleEvent>>({
        {SaleState::kPendingPayment, SaleEvent::kPay, SaleState::kPaid},
        {SaleState::kPendingPayment, SaleEvent::kCancel, SaleState::kCancelled},
        {SaleState::kPaid, SaleEvent::kShip, SaleState::kShipped},
        {SaleState::kPaid, SaleEvent::kRefund, SaleState::kRefunded},
        {SaleState::kShipped, SaleEvent::kSign, SaleState::kSigned},
        {SaleState::kShipped, SaleEvent::kReturn, SaleState::kReturned},
        {SaleState::kSigned, SaleEvent::kReturn, SaleState::kReturned},
    }),
    std::array{SaleState::kCancelled, SaleState::kRefunded, SaleState::kReturned});

inline constexpr skald::BusinessTable kReturnTable(
    ReturnState::kAnnounced,
    std::to_array<skald::Transition<ReturnState, ReturnEvent>>({
        {ReturnState::kAnnounced, ReturnEvent::kTakeIn, ReturnState::kReturned},
        {ReturnState::kAnnounced, ReturnEvent::kRefuse, ReturnState::kRefused},
    }),
    std::array{ReturnState::kReturned, ReturnState::kRefused});

std::string_view ToString(SaleState state);
std::string_view ToString(SaleEvent event);
std::string_view ToString(ReturnState state);
std::string_view ToString(ReturnEvent event);

// Under which a state that was reached is told to whoever wants to know: "order.paid".
std::string TopicOf(SaleState state);
std::string TopicOf(ReturnState state);

// Both tables as diagrams.
std::string StateDiagrams();

}  // namespace order_flow
