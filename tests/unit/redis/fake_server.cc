#include "fake_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace skald_test {
namespace {

constexpr int kTickMilliseconds = 2;

}  // namespace

int ListenOnLoopback(uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || ::bind(fd, plain, size) != 0 || ::listen(fd, 16) != 0 ||
      ::getsockname(fd, plain, &size) != 0) {
    throw std::runtime_error("cannot listen on loopback");
  }
  port = ntohs(address.sin_port);
  return fd;
}

uint16_t FreePort() {
  uint16_t port = 0;
  ::close(ListenOnLoopback(port));
  return port;
}

FakeServer::FakeServer(Answers answers) : answers_(std::move(answers)) {
  listener_ = ListenOnLoopback(port_);
  thread_ = std::thread([this] { Serve(); });
}

FakeServer::~FakeServer() {
  stopping_ = true;
  thread_.join();
  for (const Line& line : lines_) ::close(line.fd);
  ::close(listener_);
}

void FakeServer::Serve() {
  while (!stopping_) {
    std::vector<pollfd> waits{{.fd = listener_, .events = POLLIN, .revents = 0}};
    for (const Line& line : lines_)
      waits.push_back({.fd = line.fd, .events = POLLIN, .revents = 0});
    ::poll(waits.data(), waits.size(), kTickMilliseconds);
    std::vector<Line> stay;
    for (size_t i = 0; i < lines_.size(); ++i) {
      const bool open = waits[i + 1].revents == 0 || Hear(lines_[i]);
      if (!open) {
        // First an orderly end, then, where something was left unread, a reset: a client that still
        // writes meets EPIPE.
        ::shutdown(lines_[i].fd, SHUT_WR);
        ::close(lines_[i].fd);
        continue;
      }
      if (!lines_[i].dribble.empty()) Dribble(lines_[i]);
      stay.push_back(lines_[i]);
    }
    lines_ = std::move(stay);
    if (waits[0].revents != 0) Accept();
    if (!say_unasked_.exchange(false)) continue;
    for (const Line& line : lines_) ::send(line.fd, ":8\r\n", 4, MSG_NOSIGNAL);
    ++unasked_;
  }
}

void FakeServer::Accept() {
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;
  lines_.push_back({.fd = fd});
  ++connections_;
}

// False: the line is to be closed.
bool FakeServer::Hear(Line& line) {
  std::array<char, 4096> buffer;
  const ssize_t got = ::recv(line.fd, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  const FakeAnswer answer =
      answers_(requests_++, std::string(buffer.data(), static_cast<size_t>(got)));
  if (answer.dribble) {
    line.dribble = answer.bytes;
  } else if (!answer.bytes.empty()) {
    ::send(line.fd, answer.bytes.data(), answer.bytes.size(), MSG_NOSIGNAL);
  }
  return !answer.close;
}

void FakeServer::Dribble(Line& line) {
  ::send(line.fd, &line.dribble[line.dribbled++ % line.dribble.size()], 1, MSG_NOSIGNAL);
}

}  // namespace skald_test
