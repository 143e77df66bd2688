#include "socket.h"

#include <errno.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

namespace skald::inline v1::internal {
namespace {

absl::Status Broken(std::string_view doing, int error) {
  return absl::UnavailableError(
      fmt::format("{}: {}", doing, std::system_category().message(error)));
}

bool IsForLater(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

absl::StatusOr<std::vector<Address>> Resolve(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0) {
    return absl::UnavailableError(fmt::format("looking up '{}': {}", host, gai_strerror(code)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::vector<Address> addresses;
  for (; found != nullptr; found = found->ai_next) {
    Address& address = addresses.emplace_back();
    std::memcpy(&address.bytes, found->ai_addr, found->ai_addrlen);
    address.size = found->ai_addrlen;
  }
  return addresses;
}

absl::StatusOr<Socket> Socket::Connect(const Address& address) {
  FileDescriptor fd(socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return Broken("making a socket", errno);
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const auto* to = reinterpret_cast<const sockaddr*>(&address.bytes);
  if (connect(fd.get(), to, address.size) != 0 && errno != EINPROGRESS) {
    return Broken("connecting", errno);
  }
  return Socket(std::move(fd));
}

absl::StatusOr<size_t> Socket::Send(std::string_view bytes) const {
  const ssize_t sent = send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return static_cast<size_t>(sent);
  if (IsForLater(errno)) return size_t{0};
  return Broken("sending", errno);
}

absl::StatusOr<std::string_view> Socket::Receive(char* buffer, size_t size) const {
  const ssize_t got = recv(fd(), buffer, size, MSG_DONTWAIT);
  if (got > 0) return std::string_view(buffer, static_cast<size_t>(got));
  if (got == 0) return absl::UnavailableError("the other side has closed the connection");
  if (IsForLater(errno)) return std::string_view();
  return Broken("receiving", errno);
}

absl::StatusOr<Waker> Waker::Make() {
  FileDescriptor fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (fd.get() < 0) return Broken("making an eventfd", errno);
  return Waker(std::move(fd));
}

void Waker::Wake() const {
  const uint64_t one = 1;
  // What cannot be added to it is there already.
  [[maybe_unused]] const ssize_t written = write(fd_.get(), &one, sizeof(one));
}

bool Waker::Wait(int fd, bool write, absl::Duration most) const {
  pollfd fds[2] = {
      {.fd = fd_.get(), .events = POLLIN, .revents = 0},
      {.fd = fd, .events = static_cast<int16_t>(write ? POLLIN | POLLOUT : POLLIN), .revents = 0}};
  // Rounded up, so that a deadline has passed when the wait ends for it.
  const absl::Duration bounded = std::clamp(most, absl::ZeroDuration(), absl::Minutes(10));
  const auto millis =
      static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(bounded, absl::Milliseconds(1))));
  if (poll(fds, 2, millis) <= 0) return false;
  if ((fds[0].revents & POLLIN) != 0) {
    uint64_t wakes = 0;
    [[maybe_unused]] const ssize_t got = read(fd_.get(), &wakes, sizeof(wakes));
  }
  return (fds[1].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
}

}  // namespace skald::inline v1::internal
