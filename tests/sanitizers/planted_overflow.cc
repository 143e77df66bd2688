// Adds one to the largest int. The undefined-behaviour sanitizer has to say so.
#include <limits>

int main(int argc, char**) {
  int largest = std::numeric_limits<int>::max();
  largest += argc;
  return largest < 0 ? 0 : 1;
}
