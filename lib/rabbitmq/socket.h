// A TCP connection that never blocks, and what wakes its thread.
#pragma once

#include <netdb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace skald::inline v1::internal {

// Closes its file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  ~FileDescriptor();
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;

  int get() const { return fd_; }

 private:
  int fd_;
};

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

// Blocks as long as the system's resolver does.
absl::StatusOr<std::vector<Address>> Resolve(const std::string& host, uint16_t port);

class Socket {
 public:
  // Begins to connect; Send takes bytes, or says why there is no connection, when that has ended.
  static absl::StatusOr<Socket> Connect(const Address& address);

  int fd() const { return fd_.get(); }
  // RETURNS: how many bytes were taken, 0 when none can be now.
  absl::StatusOr<size_t> Send(std::string_view bytes) const;
  // RETURNS: what has come, empty when nothing has; Unavailable: the other side has closed.
  absl::StatusOr<std::string_view> Receive(char* buffer, size_t size) const;

 private:
  explicit Socket(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

// Ends a wait of another thread.
class Waker {
 public:
  static absl::StatusOr<Waker> Make();

  // THREADS: any.
  void Wake() const;
  // Until Wake, until `fd` (-1: none) can be read, or also written where `write` says so, or for so
  // long. Wakes that came before count.
  // RETURNS: whether `fd` can be read, or is broken.
  bool Wait(int fd, bool write, absl::Duration most) const;

 private:
  explicit Waker(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace skald::inline v1::internal
