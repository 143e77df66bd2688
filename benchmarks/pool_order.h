// What an object pool is measured with: an order with the buffers that it grows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace skald::bench {

struct PooledLine {
  std::string item;
  std::string description;
  int64_t quantity = 0;
  int64_t price_mills = 0;
};

// As examples/order_flow has it: an order of eight lines, texts of the Online Retail data's
// lengths.
struct PooledOrder {
  std::string id;
  std::string customer;
  std::vector<PooledLine> lines;
  size_t used = 0;  // lines beyond it are kept for their buffers
  std::string encoded;

  PooledLine& NextLine() {
    if (used == lines.size()) lines.emplace_back();
    return lines[used++];
  }
  bool Reset() noexcept {
    id.clear();
    customer.clear();
    used = 0;
    encoded.clear();
    return encoded.capacity() <= 4'096 && lines.capacity() <= 256;
  }
};

// The compiler must take the object for used.
inline void KeepAlive(const void* object) {
  asm volatile("" : : "r"(object) : "memory");
}

inline constexpr size_t kEncodedBytes = 200;

// The same bytes into a new order and into one that has been filled before. Its user knows how many
// lines there will be: a new one gets room for them at once.
inline void Fill(PooledOrder& order) {
  constexpr int kLines = 8;
  constexpr std::string_view kDescription = "WHITE HANGING HEART T-LIGHT HOLDER";
  order.id = "order-536365-2010-12-01";
  order.customer = "customer-17850-united-kingdom";
  order.lines.reserve(kLines);
  for (int i = 0; i < kLines; ++i) {
    PooledLine& line = order.NextLine();
    line.item = "85123A";
    line.description = kDescription;
    line.quantity = i;
    line.price_mills = 2'550;
  }
  order.encoded.resize(kEncodedBytes);
  KeepAlive(&order);
}

}  // namespace skald::bench
