// A row as it stands in a memtable: what RocksDB makes of it, and its order.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "skald/base/bytes.h"

namespace skald::inline v1::rocks::memtable {

// What RocksDB calls an internal key: the user's bytes, and the number of the write with its kind.
struct Key {
  std::string_view user;
  uint64_t tag;
};

inline constexpr size_t kTagBytes = 8;

inline Key KeyOf(std::string_view internal_key) {
  const size_t user_bytes = internal_key.size() - kTagBytes;
  return {internal_key.substr(0, user_bytes),
          internal::LoadLittle<uint64_t>(&internal_key[user_bytes])};
}

// An entry begins with the length of its key as a varint.
inline std::string_view InternalKeyOf(const char* entry) {
  auto bytes = static_cast<unsigned char>(*entry++);
  if (bytes < 0x80) return {entry, bytes};
  uint32_t length = bytes & 0x7FU;
  for (int shift = 7; bytes >= 0x80; shift += 7) {
    bytes = static_cast<unsigned char>(*entry++);
    length |= uint32_t{bytes & 0x7FU} << shift;
  }
  return {entry, length};
}

inline Key KeyOf(const char* entry) {
  return KeyOf(InternalKeyOf(entry));
}

// By the user's bytes, and of one key the newest version first.
inline bool Before(const Key& a, const Key& b) {
  const int order = a.user.compare(b.user);
  return order != 0 ? order < 0 : a.tag > b.tag;
}

// A row's place in memory, its entry right behind it. It does not change once it is linked but for
// `next`.
struct Node {
  Node* older;              // the version before, of the same key
  std::atomic<Node*> next;  // the newest version of another key in the same bucket

  char* entry() { return reinterpret_cast<char*>(this + 1); }
  const char* entry() const { return reinterpret_cast<const char*>(this + 1); }
  Key key() const { return KeyOf(entry()); }
  std::string_view user() const {
    const std::string_view internal_key = InternalKeyOf(entry());
    return internal_key.substr(0, internal_key.size() - kTagBytes);
  }
};

}  // namespace skald::inline v1::rocks::memtable
