// 05: side by side. A trip needs a flight and a hotel, which do not wait for each other, and an
// insurance only for who wants one; then it is paid.
//
// A step follows everything that is declared before it, unless it says what it follows: After(…)
// names steps, Using(…) names steps whose outputs it is given. When(…) lets it run only if a
// decision came out true; whoever uses a step that may be skipped is given a pointer.

#include <cstdio>
#include <string>

#include "skald/async/thread_pool.h"
#include "skald/coordinator/coordinator.h"
#include "skald/saga/define.h"
#include "skald/store/memory_store.h"

struct Guest {
  std::string name;
  bool insured;
};
// How a Guest is stored (see base/codec.h).
template <>
struct skald::Codec<Guest> {
  static constexpr std::string_view kName = "guest";
  static constexpr uint32_t kSchemaVersion = 1;
  static void Encode(const Guest& guest, std::string* out) {
    *out += guest.insured ? '+' : '-';
    *out += guest.name;
  }
  static absl::StatusOr<Guest> Decode(std::string_view bytes) {
    if (bytes.empty()) return absl::DataLossError("a guest has at least one byte");
    return Guest{std::string(bytes.substr(1)), bytes.front() == '+'};
  }
};

struct Flight : skald::StepKey<"flight", std::string> {};
struct Hotel : skald::StepKey<"hotel", std::string> {};
struct WantsInsurance : skald::StepKey<"wants-insurance", bool> {};
struct Insurance : skald::StepKey<"insurance", std::string> {};
struct Pay : skald::StepKey<"pay", std::string> {};
inline constexpr skald::SagaKey<"trip", 1, Guest, std::string> kTrip;

skald::Definition Trip() {
  using skald::After, skald::StepContext, skald::Using, skald::When;
  const auto undo = [](const StepContext&, const Guest&, const std::string*) {};
  return skald::Define(kTrip)
      // After() alone: it follows nothing. Both are sent at once.
      .Step(
          Flight{}, After(),
          [](const StepContext&, const Guest&) { return std::string("seat 12A"); }, undo)
      .Step(
          Hotel{}, After(), [](const StepContext&, const Guest&) { return std::string("room 7"); },
          undo)
      .Decide(WantsInsurance{}, After(), [](const Guest& guest) { return guest.insured; })
      .Step(
          Insurance{}, After(), When(WantsInsurance{}),
          [](const StepContext&, const Guest&) { return std::string("policy 99"); }, undo)
      // The pivot follows everything before it; what could be skipped comes as a pointer.
      .Pivot(Pay{}, Using(Flight{}, Hotel{}, Insurance{}),
             [](const StepContext&, const Guest& guest, const std::string& flight,
                const std::string& hotel, const std::string* insurance) {
               return guest.name + " pays for " + flight + ", " + hotel +
                      (insurance == nullptr ? "" : ", " + *insurance);
             })
      .Returns(Pay{})
      .Build();
}

int main() {
  skald::MemoryStore store;
  skald::ThreadPool pool;
  auto coordinator = skald::Coordinator::Open(store, pool, {Trip()});
  if (!coordinator.ok()) return 1;
  for (const Guest& guest : {Guest{"Ada", true}, Guest{"Ben", false}}) {
    auto saga = (*coordinator)->Start(kTrip, guest, {.key = guest.name});
    if (!saga.ok()) return 1;
    auto outcome = saga->Await();
    if (!outcome.ok() || !outcome->completed()) return 1;
    std::printf("%s\n", outcome->result()->c_str());
  }
  return 0;
}
