#include "terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <vector>

#include "money.h"
#include "skald/base/clock.h"

namespace order_flow {
namespace {

constexpr int kBarCells = 30;
constexpr int kBarCellsBesideRound = 20;
constexpr int kHistogramBars = 12;
constexpr int kHistogramCells = 50;
constexpr absl::Duration kRedraw = absl::Milliseconds(200);
constexpr absl::Duration kNextLine = absl::Seconds(30);

// `share` of `cells` character cells, to an eighth of a cell.
std::string Blocks(double share, int cells) {
  static constexpr std::string_view kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<size_t>(std::clamp(share, 0.0, 1.0) * cells * 8);
  std::string text;
  for (size_t i = 0; i < eighths / 8; ++i) text += "█";
  text += kEighths[eighths % 8];
  return text;
}

// How many cells Blocks() fills, the last one perhaps in part.
int CellsOf(double share, int cells) {
  return (static_cast<int>(std::clamp(share, 0.0, 1.0) * cells * 8) + 7) / 8;
}

double ShareOf(size_t finished, size_t total) {
  return total == 0 ? 1 : static_cast<double>(finished) / static_cast<double>(total);
}

std::string Spaces(int count) {
  return std::string(static_cast<size_t>(std::max(0, count)), ' ');
}

class Table {
 public:
  explicit Table(std::string_view title) : text_(title) { text_ += "\n"; }

  Table& Row(std::string_view name, std::string_view value, std::string_view note = {}) {
    text_ += "  ";
    text_ += name;
    text_ += Spaces(kNameColumns - static_cast<int>(name.size()));
    text_ += Spaces(kValueColumns - static_cast<int>(value.size()));
    text_ += value;
    if (!note.empty()) text_ += fmt::format("  {}", note);
    text_ += "\n";
    return *this;
  }
  Table& Row(std::string_view name, int64_t value, std::string_view note = {}) {
    return Row(name, FormatCount(value), note);
  }
  Table& Rows(std::string_view indent, const std::map<std::string, int64_t>& counts) {
    for (const auto& [name, count] : counts) Row(fmt::format("{}{}", indent, name), count);
    return *this;
  }
  std::string Text() const { return text_ + "\n"; }

 private:
  static constexpr int kNameColumns = 44;
  static constexpr int kValueColumns = 16;
  std::string text_;
};

std::string FormatMicros(int64_t micros) {
  if (micros < 10'000) return fmt::format("{} µs", FormatCount(micros));
  if (micros < 10'000'000) return fmt::format("{} ms", FormatCount(micros / 1000));
  return fmt::format("{} s", FormatCount(micros / 1'000'000));
}

}  // namespace

ProgressBar::ProgressBar(size_t total, size_t rounds)
    : total_(total),
      rounds_(rounds),
      on_terminal_(isatty(STDERR_FILENO) == 1),
      began_(skald::Clock::Real().Boot()),
      last_(began_) {}

ProgressBar::~ProgressBar() {
  Clear();
}

void ProgressBar::Clear() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

void ProgressBar::Show(size_t finished) {
  const absl::Duration now = skald::Clock::Real().Boot();
  const bool is_due = on_terminal_ ? !drawn_ || now - last_ >= kRedraw : now - last_ >= kNextLine;
  if (!is_due) return;
  last_ = now;
  if (on_terminal_) {
    drawn_ = true;
    fmt::print(stderr, "\r\x1b[K{}", ProgressLine(finished, total_, rounds_, now - began_));
  } else {
    fmt::print(stderr, "{}\n", ProgressText(finished, total_, rounds_, now - began_));
  }
  std::fflush(stderr);
}

std::string ProgressText(size_t finished, size_t total, size_t rounds, absl::Duration elapsed) {
  const double seconds = absl::ToDoubleSeconds(elapsed);
  const double rate = seconds > 0 ? static_cast<double>(finished) / seconds : 0;
  std::string text = fmt::format(
      "{} %  {} of {}  {}/s", static_cast<int>(ShareOf(finished, total) * 100),
      FormatCount(static_cast<int64_t>(finished)), FormatCount(static_cast<int64_t>(total)),
      FormatCount(static_cast<int64_t>(rate)));
  if (rounds == 1 || total == 0) return text;
  const size_t round = std::min(rounds, finished / (total / rounds) + 1);
  return text + fmt::format("  round {} of {}", round, rounds);
}

std::string ProgressLine(size_t finished, size_t total, size_t rounds, absl::Duration elapsed) {
  const double share = ShareOf(finished, total);
  const int cells = rounds == 1 ? kBarCells : kBarCellsBesideRound;
  return fmt::format("[{}{}] {}", Blocks(share, cells), Spaces(cells - CellsOf(share, cells)),
                     ProgressText(finished, total, rounds, elapsed));
}

std::string IntakeTable(const IntakeCounts& counts) {
  Table table("Input");
  table.Row("lines read", counts.lines_read);
  table.Rows("  dropped: ", counts.lines_dropped);
  table.Row("orders", counts.invoices);
  table.Rows("  refused: ", counts.orders_refused);
  return table.Text();
}

std::string OrdersTable(const Report& report, const Tally* tally) {
  Table table("Orders");
  table.Row("sales completed", report.sales_completed);
  table.Row("returns completed", report.returns_completed);
  table.Rows("sales undone at ", report.sales_compensated);
  table.Rows("returns undone at ", report.returns_compensated);
  table.Row("stuck or half done", report.stuck);
  if (tally != nullptr) {
    table.Rows("  why: ", tally->reasons);
    if (tally->existed > 0) table.Row("of all, known from an earlier run", tally->existed);
    for (const std::string& example : tally->stuck_examples) table.Row("stuck", "", example);
  }
  return table.Text();
}

std::string BooksTable(const Report& report) {
  return Table("Books")
      .Row("units sold", report.units_sold)
      .Row("revenue, pounds", FormatPounds(report.revenue))
      .Row("units returned", report.units_returned)
      .Row("refunded, pounds", FormatPounds(report.refunded))
      .Row("different items sold", report.items_sold)
      .Row("payments given back", report.payments_given_back)
      .Text();
}

std::string CallbacksTable(const PaymentAnswers& answers) {
  if (answers.noted + answers.already + answers.may_not == 0) return {};
  return Table("Payments by callback, in this run")
      .Row("paid", answers.noted)
      .Row("already paid", answers.already)
      .Row("may not be paid: given back", answers.may_not)
      .Text();
}

std::string SpeedTable(const Tally& tally, const Measured& measured) {
  Table table("Speed");
  table.Row("sagas driven to their end", tally.driven);
  table.Row("sagas found unfinished at open", measured.resumed);
  table.Row("seconds", fmt::format("{:.2f}", absl::ToDoubleSeconds(tally.elapsed)));
  table.Row("sagas per second", static_cast<int64_t>(measured.sagas_per_second));
  const ChaosCounts& chaos = measured.chaos;
  if (chaos.duplicated + chaos.reordered + chaos.late > 0) {
    table.Row("calls made twice, on purpose", chaos.duplicated);
    table.Row("calls overtaken, on purpose", chaos.reordered);
    table.Row("calls come again late, on purpose", chaos.late);
  }
  if (tally.latency.count() == 0) return table.Text();
  const Latency& latency = measured.latency_us;
  return table.Row("latency, median", FormatMicros(latency.p50))
      .Row("latency, 99 of 100 within", FormatMicros(latency.p99))
      .Row("latency, 999 of 1,000 within", FormatMicros(latency.p999))
      .Row("latency, longest", FormatMicros(latency.max))
      .Text();
}

std::string HistogramOf(const LatencyHistogram& latency) {
  const std::vector<LatencyHistogram::Bar> bars = latency.Bars(kHistogramBars);
  if (bars.empty()) return {};
  const int64_t most = std::ranges::max_element(bars, {}, &LatencyHistogram::Bar::count)->count;
  std::string text = "Latency\n";
  for (const LatencyHistogram::Bar& bar : bars) {
    const double share = static_cast<double>(bar.count) / static_cast<double>(most);
    const std::string label = FormatMicros(bar.up_to_us);
    // "µ" takes two bytes and one column.
    const int columns = static_cast<int>(label.size()) - (label.ends_with("µs") ? 1 : 0);
    text += fmt::format(
        "  up to {}{}  {}{} {}\n", Spaces(9 - columns), label, Blocks(share, kHistogramCells),
        Spaces(kHistogramCells - CellsOf(share, kHistogramCells)), FormatCount(bar.count));
  }
  return text + "\n";
}

std::string AuditTable(const Audit& audit) {
  std::string text =
      audit.ok() ? "Audit: the books are in order\n" : "Audit: THE BOOKS ARE WRONG\n";
  for (const Check& check : audit.checks) {
    text += fmt::format("  {} {}{}  {}\n", check.ok ? "ok   " : "WRONG", check.name,
                        Spaces(44 - static_cast<int>(check.name.size())), check.detail);
  }
  return text;
}

}  // namespace order_flow
