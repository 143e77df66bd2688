// Reads memory that was freed. The address sanitizer has to say so.
#include <memory>

int main() {
  auto owner = std::make_unique<int>(1);
  const volatile int* dangling = owner.get();
  owner.reset();
  return *dangling == 1 ? 0 : 1;
}
