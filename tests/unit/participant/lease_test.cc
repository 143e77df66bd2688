// One holder at a time, and what a paused one writes does not land.
#include "skald/participant/lease.h"

#include <atomic>
#include <thread>
#include <vector>

#include "catch.h"
#include "skald/store/memory_store.h"

namespace skald_test {
namespace {

using skald::Committer;
using skald::Lease;
using skald::LeaseOptions;
using skald::MemoryStore;
using skald::Transaction;

constexpr auto kDuration = absl::Seconds(15);

// A process over the shared store, with a clock of its own.
struct Process {
  Process(MemoryStore& store, const std::string& name) {
    committer = *Committer::Open(
        store, {.writer = name, .own_thread = false, .shared_rows = true, .clock = &clock});
    LeaseOptions options{.name = "billing", .holder = name, .duration = kDuration};
    options.on_taken = [this](uint64_t fence) { taken.push_back(fence); };
    options.on_lost = [this](uint64_t fence, const absl::Status& why) {
      lost.push_back(fence);
      reason = std::string(why.message());
    };
    options.own_thread = false;
    options.clock = &clock;
    auto opened = Lease::Open(*committer, std::move(options));
    REQUIRE(opened.ok());
    lease = *std::move(opened);
  }
  // Everything that can be done now.
  void Run() {
    for (int i = 0; i < 4; ++i) {
      lease->Poll();
      while (committer->PollOnce()) {
      }
    }
  }
  // Writes a row, as who holds the lease.
  absl::Status Write(const std::string& value, bool guarded = true) {
    Transaction rows = committer->Begin();
    if (guarded) {
      if (absl::Status ours = lease->Guard(rows); !ours.ok()) return ours;
    }
    return Commit(std::move(rows), value);
  }
  absl::Status Commit(Transaction rows, const std::string& value) {
    rows.Put("bills", value);
    absl::Status committed = absl::UnknownError("not answered");
    const absl::Status queued =
        std::move(rows).CommitThen([&](const absl::Status& status) { committed = status; });
    if (!queued.ok()) return queued;
    while (committer->PollOnce()) {
    }
    return committed;
  }

  skald::ManualClock clock;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<Lease> lease;
  std::vector<uint64_t> taken;
  std::vector<uint64_t> lost;
  std::string reason;
};

struct Two {
  // Time passes for both, unless one is paused.
  void Pass(absl::Duration time, bool a_runs = true, bool b_runs = true) {
    for (absl::Duration passed; passed < time; passed += absl::Seconds(1)) {
      a.clock.Advance(absl::Seconds(1));
      b.clock.Advance(absl::Seconds(1));
      if (a_runs) a.Run();
      if (b_runs) b.Run();
    }
  }
  std::string Bills() {
    const auto row = store.Get(skald::Space::kRows, "bills");
    return row.ok() && *row ? (*row)->value : "";
  }
  MemoryStore store;
  Process a{store, "a"};
  Process b{store, "b"};
};

TEST_CASE("who asks first holds it, and keeps it as long as it renews") {
  Two w;
  w.a.Run();
  w.Pass(absl::Minutes(5));
  CHECK(w.a.lease->Held());
  CHECK_FALSE(w.b.lease->Held());
  CHECK(w.a.taken == std::vector<uint64_t>{1});
  CHECK(w.b.taken.empty());
  CHECK_FALSE(w.a.lease->stop_token().stop_requested());
  CHECK(w.b.lease->stop_token().stop_requested());
}

TEST_CASE("one that is silent loses it at two thirds, before another takes it") {
  Two w;
  w.a.Run();
  const std::stop_token token = w.a.lease->stop_token();
  w.Pass(absl::Seconds(1));
  absl::Duration a_lost_at = -absl::InfiniteDuration();
  absl::Duration b_took_at = -absl::InfiniteDuration();
  const absl::Duration begin = w.a.clock.Boot();
  for (int second = 0; second < 40; ++second) {
    w.Pass(absl::Seconds(1), /*a_runs=*/false);
    const bool a = w.a.lease->Held();
    const bool b = w.b.lease->Held();
    CHECK_FALSE((a && b));
    if (!a && a_lost_at < absl::ZeroDuration()) a_lost_at = w.a.clock.Boot() - begin;
    if (b && b_took_at < absl::ZeroDuration()) b_took_at = w.b.clock.Boot() - begin;
  }
  CHECK(a_lost_at <= kDuration * 2 / 3);
  CHECK(b_took_at >= kDuration - absl::Seconds(1));
  CHECK(b_took_at <= kDuration * 4 / 3);
  CHECK(w.b.lease->fence() == 2);
  w.a.Run();
  CHECK(token.stop_requested());
  CHECK(w.a.lost == std::vector<uint64_t>{1});
  CHECK(w.a.reason.find("paused") != std::string::npos);
}

TEST_CASE("no write of a holder that was paused beyond its lease lands") {
  Two w;
  w.a.Run();
  REQUIRE(w.a.Write("by a").ok());
  // a is paused in the middle: it has asked, and read, and not yet committed.
  Transaction rows = w.a.committer->Begin();
  REQUIRE(w.a.lease->Guard(rows).ok());
  w.Pass(absl::Seconds(40), /*a_runs=*/false);
  REQUIRE(w.b.Write("by b").ok());
  CHECK(absl::IsAborted(w.a.Commit(std::move(rows), "by a, late")));
  CHECK(absl::IsAborted(w.a.Write("by a, later")));
  CHECK(w.Bills() == "by b");
  // Without the guard it lands: that is what the fence is for.
  CHECK(w.a.Write("by a, unguarded", /*guarded=*/false).ok());
  CHECK(w.Bills() == "by a, unguarded");
}

TEST_CASE("a renewal does not abort what is guarded meanwhile") {
  Two w;
  w.a.Run();
  Transaction rows = w.a.committer->Begin();
  REQUIRE(w.a.lease->Guard(rows).ok());
  w.Pass(absl::Seconds(8));  // renewed once
  CHECK(w.a.Commit(std::move(rows), "by a").ok());
}

TEST_CASE("one that gives it up lets the next take it at once") {
  Two w;
  w.a.Run();
  w.b.Run();
  CHECK(w.a.lease->Release().ok());
  CHECK_FALSE(w.a.lease->Held());
  CHECK(w.a.lease->stop_token().stop_requested());
  w.b.clock.Advance(kDuration / 3);
  w.b.Run();
  CHECK(w.b.lease->Held());
  CHECK(w.b.lease->fence() == 2);
}

TEST_CASE("fences grow over every change of holder, also back and forth") {
  Two w;
  w.a.Run();
  for (int i = 0; i < 6; ++i) {
    const bool a_paused = w.a.lease->Held();
    w.Pass(absl::Seconds(40), !a_paused, a_paused);
    w.Pass(absl::Seconds(1));
  }
  CHECK(w.a.taken == std::vector<uint64_t>{1, 3, 5, 7});
  CHECK(w.b.taken == std::vector<uint64_t>{2, 4, 6});
}

TEST_CASE("a holder that was paused and comes back alone takes it anew, under a higher fence") {
  Two w;
  w.a.Run();
  w.Pass(absl::Seconds(40), false, false);
  w.a.Run();
  CHECK(w.a.lost == std::vector<uint64_t>{1});
  CHECK(w.a.lease->Held());
  CHECK(w.a.lease->fence() == 2);
}

TEST_CASE("names and durations that make no sense are refused with the reason") {
  MemoryStore store;
  auto committer = *Committer::Open(store, {.writer = "a"});
  const auto said = [&](LeaseOptions options) {
    options.own_thread = false;
    return std::string(Lease::Open(*committer, std::move(options)).status().message());
  };
  CHECK(said({.name = ""}).find("must be 1 to 64 letters") != std::string::npos);
  CHECK(said({.name = "a/b"}).find("must be 1 to 64 letters") != std::string::npos);
  CHECK(said({.name = "a\n"}).find("must be 1 to 64 letters") != std::string::npos);
  CHECK(said({.name = "a", .holder = std::string(257, 'h')}).find("257 bytes") !=
        std::string::npos);
  CHECK(said({.name = "a", .duration = absl::Milliseconds(1)}).find("30ms") != std::string::npos);
}

TEST_CASE("a damaged row is nobody's, and is not taken over") {
  Two w;
  Transaction rows = w.a.committer->Begin();
  rows.Put("~l/billing", "what");
  REQUIRE(w.a.Commit(std::move(rows), "").ok());
  w.Pass(absl::Minutes(2));
  CHECK_FALSE(w.a.lease->Held());
  CHECK_FALSE(w.b.lease->Held());
}

TEST_CASE("by its own thread, under real time: one of four holds it, and each change has a fence") {
  MemoryStore store;
  struct Member {
    std::unique_ptr<Committer> committer;
    std::unique_ptr<Lease> lease;
  };
  std::vector<Member> members(4);
  std::atomic<uint64_t> highest{0};
  std::atomic<int> not_growing{0};
  for (int i = 0; i < 4; ++i) {
    members[i].committer =
        *Committer::Open(store, {.writer = "w" + std::to_string(i), .shared_rows = true});
    LeaseOptions options{.name = "x", .duration = absl::Milliseconds(60)};
    options.on_taken = [&](uint64_t fence) {
      if (highest.exchange(fence) >= fence) ++not_growing;
    };
    members[i].lease = *Lease::Open(*members[i].committer, std::move(options));
  }
  const absl::Duration end = skald::Clock::Real().Boot() + absl::Seconds(20);
  while (highest < 6 && skald::Clock::Real().Boot() < end) {
    for (Member& member : members) {
      if (member.lease->Held()) REQUIRE(member.lease->Release().ok());
    }
    std::this_thread::yield();
  }
  CHECK(highest >= 6);
  CHECK(not_growing == 0);
  for (Member& member : members) member.lease.reset();
}

TEST_CASE("what hangs on the stop token may ask the lease") {
  Two w;
  w.a.Run();
  bool held = true;
  const std::stop_callback ask(w.a.lease->stop_token(), [&] { held = w.a.lease->Held(); });
  CHECK(w.a.lease->Release().code() != absl::StatusCode::kInternal);
  CHECK_FALSE(held);
}

TEST_CASE("a process that is started again reclaims its lease at once, by the next fence") {
  Two w;
  w.a.Run();
  REQUIRE(w.a.lease->Held());
  const auto open = [&](std::string holder) {
    auto opened = Lease::Open(*w.b.committer, {.name = "billing",
                                               .holder = std::move(holder),
                                               .duration = kDuration,
                                               .reclaim = true,
                                               .own_thread = false,
                                               .clock = &w.b.clock});
    REQUIRE(opened.ok());
    w.b.lease = *std::move(opened);
    w.b.Run();
    return w.b.lease->Held();
  };
  CHECK_FALSE(open("c"));  // another's
  CHECK(open("a"));
  CHECK(w.b.lease->fence() == w.a.lease->fence() + 1);
  // If the earlier one lives after all, nothing that it writes lands, and it does not take it back.
  CHECK(absl::IsAborted(w.a.Write("late")));
  w.Pass(absl::Minutes(1));
  CHECK(w.b.lease->Held());
  CHECK_FALSE(w.a.lease->Held());
}

TEST_CASE("to reclaim a lease one must have a name") {
  MemoryStore store;
  const auto committer = *Committer::Open(store, {.own_thread = false});
  CHECK(absl::IsInvalidArgument(
      Lease::Open(*committer, {.name = "x", .reclaim = true, .own_thread = false}).status()));
}

TEST_CASE("who has given it up is not told afterwards that it was taken") {
  Two w;
  w.a.lease->Poll();
  while (w.a.committer->PollOnce()) {
  }
  REQUIRE(w.a.lease->Held());
  CHECK(w.a.lease->Release().ok());
  w.a.Run();
  CHECK_FALSE(w.a.lease->Held());
  CHECK(w.a.taken.empty());
}

TEST_CASE("who has given it up asks again only when others could have taken it") {
  Two w;
  w.a.Run();
  w.Pass(kDuration / 3);
  w.a.lease->Poll();  // a renewal is on its way
  CHECK(w.a.lease->Release().ok());
  w.Pass(kDuration - absl::Seconds(1), /*a_runs=*/true, /*b_runs=*/false);
  CHECK_FALSE(w.a.lease->Held());
  CHECK(w.a.taken.size() == 1);
  w.Pass(absl::Seconds(3), /*a_runs=*/true, /*b_runs=*/false);
  CHECK(w.a.lease->Held());
}

TEST_CASE("a lease that was given up while it was asked for is not held") {
  Two w;
  w.a.lease->Poll();                 // asked, and not durable yet
  CHECK(w.a.lease->Release().ok());  // not held: nothing to give up
  w.a.Run();
  CHECK_FALSE(w.a.lease->Held());
  CHECK(w.a.taken.empty());
}

TEST_CASE("why a lease cannot be had is told") {
  Two w;
  CHECK(w.a.lease->status().ok());
  Transaction rows = w.a.committer->Begin();
  rows.Put("~l/billing", "nonsense");
  REQUIRE(w.a.Commit(std::move(rows), "x").ok());
  w.a.Run();
  CHECK(absl::IsDataLoss(w.a.lease->status()));
}

}  // namespace
}  // namespace skald_test
