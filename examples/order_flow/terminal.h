// What a person sees: a progress bar while it runs, and at the end what happened to the orders and
// why.
#pragma once

#include <cstddef>
#include <string>

#include "absl/time/time.h"
#include "latency.h"
#include "replay.h"
#include "report.h"

namespace order_flow {

// Draws on stderr, over its last drawing, a few times a second; where that is no terminal, it
// writes a line every half minute.
class ProgressBar {
 public:
  ProgressBar(size_t total, size_t rounds);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Show(size_t finished);
  void Clear();

 private:
  size_t total_;
  size_t rounds_;
  bool on_terminal_;
  bool drawn_ = false;
  absl::Duration began_;
  absl::Duration last_;
};

// "54 %  54,321 of 100,000  12,345/s", and of several rounds the one that is under way: "  round 3
// of 100".
std::string ProgressText(size_t finished, size_t total, size_t rounds, absl::Duration elapsed);
// "[█████▍    ] " and this. At most 79 columns, with rounds up to a million orders.
std::string ProgressLine(size_t finished, size_t total, size_t rounds, absl::Duration elapsed);

// The tables, each ending with a blank line.
std::string IntakeTable(const IntakeCounts& counts);
std::string OrdersTable(const Report& report, const Tally* tally);
std::string BooksTable(const Report& report);
// Empty where nobody paid by a callback.
std::string CallbacksTable(const PaymentAnswers& answers);
std::string SpeedTable(const Tally& tally, const Measured& measured);
std::string HistogramOf(const LatencyHistogram& latency);
std::string AuditTable(const Audit& audit);

}  // namespace order_flow
