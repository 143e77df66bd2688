// Two threads write one variable and nothing orders them. The thread sanitizer has to say so.
#include <thread>

int shared = 0;

int main() {
  std::thread other([] { ++shared; });
  ++shared;
  other.join();
  return shared == 2 ? 0 : 1;
}
