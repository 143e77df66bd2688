#include "broker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "absl/time/time.h"
#include "skald/base/clock.h"

namespace skald_test {
namespace {

constexpr char kServer[] = "/usr/lib/rabbitmq/bin/rabbitmq-server";
constexpr char kControl[] = "/usr/lib/rabbitmq/bin/rabbitmqctl";
constexpr char kEpmd[] = "/usr/bin/epmd";
// It is up in some 5 s; other tests may run beside, under a sanitizer.
constexpr absl::Duration kPatience = absl::Minutes(2);

std::string Read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

template <typename Condition>
bool Until(Condition condition, absl::Duration patience = kPatience) {
  const absl::Duration end = skald::Clock::Real().Boot() + patience;
  while (!condition()) {
    if (skald::Clock::Real().Boot() > end) return false;
    ::poll(nullptr, 0, 20);
  }
  return true;
}

}  // namespace

uint16_t FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

Broker::Broker() {
  for (const char* program : {kServer, kControl, kEpmd}) {
    if (::access(program, X_OK) != 0) {
      throw std::runtime_error(fmt::format(
          "there is no {}: install rabbitmq-server, or build with -Drabbitmq=disabled", program));
    }
  }
  directory_ = (std::filesystem::temp_directory_path() / "skald_rabbit_XXXXXX").string();
  if (::mkdtemp(directory_.data()) == nullptr) throw std::runtime_error("no temporary directory");
  for (const char* part : {"home", "log", "data"}) {
    std::filesystem::create_directory(directory_ + "/" + part);
  }
  std::ofstream(directory_ + "/plugins") << "[].\n";
  std::ofstream(directory_ + "/rabbitmq.conf") << "max_message_size = 200000\n"
                                               << "disk_free_limit.absolute = 1MB\n";
  port_ = FreePort();
  const uint16_t epmd_port = FreePort();
  environment_ = {
      "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
      "LANG=C.UTF-8",
      "HOME=" + directory_ + "/home",
      fmt::format("RABBITMQ_NODENAME=skald_{}@localhost", port_),
      "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
      fmt::format("RABBITMQ_NODE_PORT={}", port_),
      fmt::format("RABBITMQ_DIST_PORT={}", FreePort()),
      fmt::format("ERL_EPMD_PORT={}", epmd_port),
      "ERL_EPMD_ADDRESS=127.0.0.1",
      "RABBITMQ_MNESIA_BASE=" + directory_ + "/data",
      "RABBITMQ_LOG_BASE=" + directory_ + "/log",
      "RABBITMQ_PID_FILE=" + directory_ + "/pid",
      "RABBITMQ_CONFIG_FILE=" + directory_ + "/rabbitmq",
      "RABBITMQ_CONF_ENV_FILE=" + directory_ + "/none",
      "RABBITMQ_ENABLED_PLUGINS_FILE=" + directory_ + "/plugins",
      "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="
      "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false +S 2:2 +sbwt none",
  };
  epmd_ = Spawn({kEpmd, "-address", "127.0.0.1", "-port", std::to_string(epmd_port)}, "epmd");
  Start();
  Listen();
}

Broker::~Broker() {
  Kill();
  ::kill(epmd_, SIGKILL);
  ::waitpid(epmd_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

pid_t Broker::Spawn(std::vector<std::string> command, const std::string& output) const {
  std::vector<char*> argv;
  for (std::string& part : command) argv.push_back(part.data());
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (const std::string& set : environment_) envp.push_back(const_cast<char*>(set.c_str()));
  envp.push_back(nullptr);
  const std::string path = directory_ + "/" + output + ".out";
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child > 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  const int in = ::open("/dev/null", O_RDONLY);
  const int out = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::execve(argv[0], argv.data(), envp.data());
  ::_exit(127);
}

pid_t Broker::beam() const {
  const std::string pid = Read(directory_ + "/pid");
  return pid.empty() ? -1 : static_cast<pid_t>(std::stol(pid));
}

void Broker::Start() {
  std::filesystem::remove(directory_ + "/pid");
  server_ = Spawn({kServer}, "server");
}

bool Broker::Listens() const {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port_);
  const bool listens =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(fd);
  return listens;
}

void Broker::Listen() {
  const bool up = Until([&] {
    if (::waitpid(server_, nullptr, WNOHANG) == server_) {
      server_ = -1;
      throw std::runtime_error("rabbitmq-server ended: " + Read(directory_ + "/server.out"));
    }
    return Listens();
  });
  if (!up) throw std::runtime_error("rabbitmq-server: " + Read(directory_ + "/server.out"));
}

void Broker::Reap() {
  if (!Until([&] { return ::waitpid(server_, nullptr, WNOHANG) == server_; })) {
    throw std::runtime_error("rabbitmq-server did not end");
  }
  server_ = -1;
}

void Broker::Kill() {
  if (server_ < 0) return;
  // The pid is there soon after the start.
  if (!Until([&] { return beam() > 0; })) throw std::runtime_error("rabbitmq-server has no pid");
  ::kill(beam(), SIGKILL);
  Reap();
}

void Broker::Stop() {
  ::kill(beam(), SIGTERM);
  Reap();
}

void Broker::Control(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), kControl);
  const pid_t child = Spawn(std::move(arguments), "control");
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) throw std::runtime_error("rabbitmqctl: " + Read(directory_ + "/control.out"));
}

Broker& SharedBroker() {
  static Broker broker;
  return broker;
}

}  // namespace skald_test
