#include "bare_curve.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zmq.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "trib/common/host/identity/identity.h"

namespace trib::bench::path {
namespace {

constexpr double kPatience_s = 120;

void Check(int result, const char* what) {
  if (result < 0) {
    Fail(std::string(what) + ": " + zmq_strerror(zmq_errno()));
  }
}

void SetKey(void* socket, int option, const KeyBytes& key) {
  Check(zmq_setsockopt(socket, option, key.data(), key.size()), "CURVE key");
}
void SetInt(void* socket, int option, int value) {
  Check(zmq_setsockopt(socket, option, &value, sizeof value), "socket option");
}

crypto::KeyPair PairOf(std::uint64_t node) {
  crypto::SecretSeed seed;
  for (std::size_t i = 0; i < seed.bytes.size(); ++i) {
    seed.bytes[i] = static_cast<std::byte>((node >> (8 * (i % 8))) ^ (i * 37 + 11));
  }
  return crypto::Ed25519KeyPairFromSeed(seed);
}

constexpr std::uint64_t kServerNode = 0xBE7C'4000'0000'0001;

}  // namespace

CurvePair CurveOf(std::uint64_t node) {
  const auto keys = host::identity::ToCurve(PairOf(node));
  return {keys.public_key.bytes, keys.secret_key.bytes};
}

KeyBytes IdentityOf(std::uint64_t node) {
  return PairOf(node).public_key.bytes;
}

SharedState::SharedState(const std::filesystem::path& file, bool create) {
  const int fd = ::open(file.c_str(), create ? O_RDWR | O_CREAT | O_TRUNC : O_RDWR, 0600);
  if (fd < 0 || (create && ::ftruncate(fd, sizeof(ServerState)) != 0)) {
    Fail(file.string() + ": " + std::strerror(errno));
  }
  void* memory = ::mmap(nullptr, sizeof(ServerState), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory == MAP_FAILED) {
    Fail(file.string() + ": " + std::strerror(errno));
  }
  state_ = static_cast<ServerState*>(memory);
}

SharedState::~SharedState() {
  ::munmap(state_, sizeof(ServerState));
}

void ServeBare(Serve serve, const std::filesystem::path& state_file) {
  const SharedState state(state_file, false);
  const std::string written = state_file.string() + ".written";
  const int file =
      serve == Serve::kDurable ? ::open(written.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;
  const CurvePair keys = CurveOf(kServerNode);
  void* context = zmq_ctx_new();
  void* socket = zmq_socket(context, ZMQ_ROUTER);
  SetInt(socket, ZMQ_CURVE_SERVER, 1);
  SetKey(socket, ZMQ_CURVE_SECRETKEY, keys.secret_key);
  SetInt(socket, ZMQ_BACKLOG, 4096);
  SetInt(socket, ZMQ_LINGER, 0);
  Check(zmq_bind(socket, "tcp://127.0.0.1:*"), "bind");
  char endpoint[128];
  std::size_t size = sizeof endpoint;
  Check(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size), "endpoint");
  state->public_key = keys.public_key;
  state->port = static_cast<std::uint32_t>(std::stoul(std::strrchr(endpoint, ':') + 1));

  const std::array<char, 40> answer{};
  const std::array<char, 4096> page{};
  off_t end = 0;
  zmq_msg_t id;
  zmq_msg_t body;
  zmq_msg_init(&id);
  zmq_msg_init(&body);
  while (true) {
    Check(zmq_msg_recv(&id, socket, 0), "receive");
    Check(zmq_msg_recv(&body, socket, 0), "receive");
    state->messages.fetch_add(1, std::memory_order_relaxed);
    if (serve == Serve::kDurable) {
      if (::pwrite(file, page.data(), page.size(), end) < 0 || ::fdatasync(file) != 0) {
        Fail(written + ": " + std::strerror(errno));
      }
      end += static_cast<off_t>(page.size());
    }
    if (serve != Serve::kCount) {
      Check(zmq_msg_send(&id, socket, ZMQ_SNDMORE), "answer");
      Check(zmq_send(socket, answer.data(), answer.size(), 0), "answer");
    }
  }
}

BareServer::BareServer(const Run& run, const std::string& name, Serve serve)
    : state_(run.folder / (name + ".state"), true) {
  std::string error;
  process_ = tools::launcher::Process::Start({.argv = {(run.bin / "trib-bench-path").string(),
                                                       "--serve",
                                                       std::to_string(static_cast<int>(serve)),
                                                       "--state",
                                                       (run.folder / (name + ".state")).string()},
                                              .log = run.folder / (name + ".log")},
                                             error);
  if (!process_ ||
      !tools::launcher::WaitUntil([&] { return state_->port != 0 || process_->Poll(); },
                                  std::chrono::seconds(60)) ||
      state_->port == 0) {
    Fail("bare server: " + (process_ ? process_->LastLogLine() : error));
  }
}

std::string BareServer::endpoint() const {
  return "tcp://127.0.0.1:" + std::to_string(state_->port);
}

Dealers::Dealers(const std::string& endpoint,
                 const KeyBytes& server_key,
                 std::uint64_t first,
                 std::size_t count)
    : context_(zmq_ctx_new()) {
  zmq_ctx_set(context_, ZMQ_MAX_SOCKETS, static_cast<int>(count) + 16);
  for (std::size_t i = 0; i < count; ++i) {
    void* socket = zmq_socket(context_, ZMQ_DEALER);
    if (socket == nullptr) {
      Fail(std::string("socket: ") + zmq_strerror(zmq_errno()));
    }
    const CurvePair keys = CurveOf(first + i);
    SetKey(socket, ZMQ_CURVE_SERVERKEY, server_key);
    SetKey(socket, ZMQ_CURVE_PUBLICKEY, keys.public_key);
    SetKey(socket, ZMQ_CURVE_SECRETKEY, keys.secret_key);
    SetInt(socket, ZMQ_LINGER, 0);
    SetInt(socket, ZMQ_SNDHWM, 64);
    SetInt(socket, ZMQ_HANDSHAKE_IVL, 60'000);
    Check(zmq_connect(socket, endpoint.c_str()), "connect");
    sockets_.push_back(socket);
  }
}

Dealers::~Dealers() {
  for (void* socket : sockets_) {
    zmq_close(socket);
  }
  zmq_ctx_term(context_);
}

bool Dealers::Send(std::size_t i, std::string_view bytes) {
  if (zmq_send(sockets_[i], bytes.data(), bytes.size(), ZMQ_DONTWAIT) >= 0) {
    return true;
  }
  if (zmq_errno() != EAGAIN) {
    Fail(std::string("send: ") + zmq_strerror(zmq_errno()));
  }
  return false;
}

bool Dealers::Receive(std::size_t i, std::string& bytes) {
  zmq_msg_t message;
  zmq_msg_init(&message);
  const bool got = zmq_msg_recv(&message, sockets_[i], ZMQ_DONTWAIT) >= 0;
  if (got) {
    bytes.assign(static_cast<const char*>(zmq_msg_data(&message)), zmq_msg_size(&message));
  }
  zmq_msg_close(&message);
  return got;
}

void Dealers::Wait(short events, int most_ms) {
  std::vector<zmq_pollitem_t> items;
  items.reserve(sockets_.size());
  for (void* socket : sockets_) {
    items.push_back({socket, 0, events, 0});
  }
  (void)zmq_poll(items.data(), static_cast<int>(items.size()), most_ms);
}

void Dealers::WaitReadable(int most_ms) {
  Wait(ZMQ_POLLIN, most_ms);
}
void Dealers::WaitWritable(int most_ms) {
  Wait(ZMQ_POLLOUT, most_ms);
}

bool Dealers::WaitReadable(std::size_t i, int most_ms) {
  zmq_pollitem_t item{sockets_[i], 0, ZMQ_POLLIN, 0};
  return zmq_poll(&item, 1, most_ms) > 0;
}

void Flood(Dealers& dealers, std::span<const std::string> messages, double seconds) {
  const Stopwatch watch;
  while (watch.seconds() < seconds) {
    bool sent = false;
    for (std::size_t i = 0; i < dealers.size(); ++i) {
      sent = dealers.Send(i, messages[i % messages.size()]) || sent;
    }
    if (!sent) {
      dealers.WaitWritable(10);
    }
  }
}

void AwaitConnected(Dealers& dealers, const BareServer& server, std::string_view message) {
  const std::uint64_t before = server.messages();
  for (std::size_t i = 0; i < dealers.size(); ++i) {
    while (!dealers.Send(i, message)) {
      dealers.WaitWritable(10);
    }
  }
  const Stopwatch watch;
  while (server.messages() < before + dealers.size()) {
    if (watch.seconds() > kPatience_s) {
      Fail("the bare server did not get every dealer's first message");
    }
    ::usleep(1000);
  }
}

}  // namespace trib::bench::path
