// A process that holds a lock, for tests to pause and to kill.
//
//   redis_lock_holder PORT NAME MILLISECONDS FILE
//
// Appends to FILE what happens: "taken", "lost: WHY", and then, for it is late and does not know
// for whom, "released: STATUS". Ends after that.
#include <poll.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "skald/redis/redis_lock.h"

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  std::ofstream said(argv[4], std::ios::app);
  std::atomic<bool> lost{false};
  skald::RedisLockOptions options{.port = static_cast<uint16_t>(std::atoi(argv[1])),
                                  .name = argv[2],
                                  .holder = "child",
                                  .duration = absl::Milliseconds(std::atoi(argv[3]))};
  skald::RedisLock* self = nullptr;
  options.on_taken = [&] { said << "taken" << std::endl; };
  options.on_lost = [&](const absl::Status& why) {
    said << "lost: " << why.ToString() << "\nheld: " << self->Held()
         << "\nreleased: " << self->Release().ToString() << std::endl;
    lost = true;
  };
  options.own_thread = false;
  auto lock = skald::RedisLock::Open(std::move(options));
  if (!lock.ok()) return 3;
  self = lock->get();
  while (!lost) {
    self->Poll();
    ::poll(nullptr, 0, 1);
  }
  return 0;
}
