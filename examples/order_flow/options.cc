#include "options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>
#include <utility>
#include <vector>

#include "repeated_orders.h"
#include "sagas.h"
#include "skald/base/strings.h"

namespace order_flow {
namespace {

constexpr size_t kInFlightMax = 65'536;
constexpr double kStockMax = 1000;
constexpr absl::Duration kTimeToPayMax = absl::Hours(24);
constexpr int kUsage = 2;

struct Raw {
  std::string stock = "unlimited";
  std::vector<std::string> failures;
  std::vector<std::string> delays;
  std::string time_to_pay = "30s";
};

std::string CheckStock(const std::string& text) {
  if (text == "unlimited") return {};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && value >= 0 && value <= kStockMax) return {};
  return fmt::format("'{}' is neither 'unlimited' nor a fraction from 0 to {}", text, kStockMax);
}

// Found out before hours of work, not after.
std::string CheckReport(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::is_directory(path, error)) return fmt::format("'{}' is a directory", path);
  const fs::path parent = fs::path(path).parent_path();
  if (parent.empty() || fs::is_directory(parent, error)) return {};
  return fmt::format("there is no directory '{}' to write the report to", parent.string());
}

std::string CheckTimeToPay(const std::string& text) {
  absl::Duration time;
  const bool parsed = absl::ParseDuration(skald::ToAbsl(text), &time);
  if (parsed && time > absl::ZeroDuration() && time <= kTimeToPayMax) return {};
  return fmt::format("'{}' is not a duration from 1ms to 24h, as in 500ms or 30s", text);
}

std::string CheckShare(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && value >= 0 && value <= 1) return {};
  return fmt::format("'{}' is not a share from 0 to 1", text);
}

std::string CheckNotEmpty(const std::string& text) {
  return text.empty() ? "a path is wanted, this is empty" : "";
}

// What customers and operators do.
void AddPeopleFlags(CLI::App& app, RunOptions& run, Raw& raw) {
  CustomerOptions& customers = run.customers;
  const auto share = [&](const char* flag, double& value, const char* text) {
    return app.add_option(flag, value, text)->type_name("P")->check(CheckShare);
  };
  auto* callback = app.add_flag("--payment-callback", customers.pay_by_callback,
                                "Customers pay by a callback, which the order awaits");
  app.add_option("--time-to-pay", raw.time_to_pay, "How long an order awaits its payment [30s]")
      ->type_name("DURATION")
      ->check(CheckTimeToPay)
      ->needs(callback);
  share("--unpaid", customers.never_pay, "Share of orders that are never paid [0.02]")
      ->needs(callback);
  share("--late", customers.pay_late, "Share that is paid when its time is up [0.02]")
      ->needs(callback);
  share("--twice", customers.pay_twice, "Share whose callback comes twice [0.05]")->needs(callback);
  share("--cancel", customers.cancel, "Share of orders that their customers cancel, soon [0]");
  share("--sign", customers.sign, "Share of customers who sign for what was shipped [0]");
  app.add_flag("--operator", run.with_operator,
               "An operator sees to the cause of what is stuck, and retries it");
}

// What becomes of calls on their way.
void AddChaosFlags(CLI::App& app, ChaosOptions& chaos) {
  const auto share = [&](const char* flag, double& value, const char* text) {
    app.add_option(flag, value, text)->type_name("P")->check(CheckShare);
  };
  share("--chaos-duplicates", chaos.duplicates,
        "Share of calls from sagas to participants that are made twice [0]");
  share("--chaos-reorder", chaos.reorder,
        "Share that is held back until others have overtaken it [0]");
  share("--chaos-late", chaos.late, "Share that comes again later, or when its saga has ended [0]");
}

void AddRunFlags(CLI::App& app, RunOptions& run, Raw& raw) {
  auto* orders = app.add_option("--orders", run.orders,
                                "Replay this CSV of the Online Retail form; .gz too, '-' is stdin")
                     ->type_name("FILE")
                     ->check(CheckNotEmpty);
  app.add_option("--generate", run.generate, "Place so many drawn orders instead [100000]")
      ->type_name("N")
      ->check(CLI::Range(size_t{1}, kOrdersMax))
      ->excludes(orders);
  app.add_option("--repeat", run.repeat, "Replay the input so often, each time as new orders [1]")
      ->type_name("N")
      ->check(CLI::Range(size_t{1}, kRoundsMax));
  app.add_option("--seed", run.seed, "Draws generated orders and faults [1]")->type_name("S");
  app.add_option("--data", run.data,
                 "Keep the databases here; again with the same input, it goes on [a fresh one]")
      ->type_name("DIR")
      ->check(CheckNotEmpty);
  app.add_option("--in-flight", run.in_flight, "Orders that are under way at a time [1024]")
      ->type_name("N")
      ->check(CLI::Range(size_t{1}, kInFlightMax));
  app.add_option("--stock", raw.stock,
                 "First stock of an item: unlimited, or this fraction of all that is ordered of it")
      ->type_name("unlimited|FRACTION")
      ->check(CheckStock);
  app.add_option("--fail", raw.failures,
                 "Let a step fail for a share of orders: rejected, retry, unknown, throw or lost")
      ->type_name("STEP:KIND=P");
  app.add_option("--slow", raw.delays, "Let a step take its time: 5ms, 1.5s")
      ->type_name("STEP=DURATION");
  app.add_option("--report", run.report, "Write the report as JSON")
      ->type_name("FILE")
      ->check(CheckReport);
  AddPeopleFlags(app, run, raw);
  AddChaosFlags(app, run.chaos);
}

absl::Status ReadRest(const Raw& raw, RunOptions& run) {
  for (const std::string& failure : raw.failures) {
    SKALD_RETURN_IF_ERROR(run.faults.AddFailure(failure));
  }
  for (const std::string& delay : raw.delays) SKALD_RETURN_IF_ERROR(run.faults.AddDelay(delay));
  run.slow = !raw.delays.empty();
  // (How many orders a file has is known once it is read.)
  return run.orders.empty() ? CheckRounds(run.generate, run.repeat) : absl::OkStatus();
}

void ReadStock(const Raw& raw, RunOptions& run) {
  run.stock_text = raw.stock;
  if (raw.stock == "unlimited") return;
  double value = 0;
  std::from_chars(raw.stock.data(), raw.stock.data() + raw.stock.size(), value);
  run.stock = value;
  run.stock_text = fmt::format("{}", value);
}

}  // namespace

std::variant<RunOptions, AuditOptions, StatesOptions, int> ParseCommandLine(
    int argc, const char* const* argv) {
  CLI::App app(
      "Places orders through sagas over eight participants, each with a database of its own.",
      "order_flow");
  RunOptions run{.faults = FaultPlan(1, StepNames())};
  Raw raw;
  AddRunFlags(app, run, raw);
  AuditOptions audit;
  CLI::App* audit_command =
      app.add_subcommand("audit", "Recompute the books from the participants' databases alone");
  audit_command->add_option("--data", audit.data, "The data directory of a run")
      ->type_name("DIR")
      ->required()
      ->check(CheckNotEmpty);
  audit_command->add_option("--report", audit.report, "Write the report as JSON")
      ->type_name("FILE")
      ->check(CheckReport);
  const CLI::App* states_command =
      app.add_subcommand("states", "Print the states of orders as diagrams");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (*audit_command) return audit;
  if (*states_command) return StatesOptions{};
  run.faults = FaultPlan(run.seed, StepNames());
  ReadStock(raw, run);
  run.customers.seed = run.seed;
  run.chaos.seed = run.seed;
  absl::ParseDuration(raw.time_to_pay, &run.customers.time_to_pay);  // checked above
  if (const absl::Status status = ReadRest(raw, run); !status.ok()) {
    fmt::print(stderr, "order_flow: {}\n", skald::ToStd(status.message()));
    return kUsage;
  }
  return run;
}

}  // namespace order_flow
