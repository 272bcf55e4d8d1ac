// --connect: a process asks a running tracer to trace it.
#include <gmock/gmock.h>

#include <thread>

#include "server_client.h"
#include "temporary_folder.h"

namespace wc {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class AttachTest : public testing::Test {
 protected:
  void listen() {
    auto server = Server::listen(path_, host_);
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(*server);
  }
  static std::string error_of(const Status& status) {
    return status.ok() ? "" : status.error().message;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "socket";
  FakeHost host_;
  std::unique_ptr<Server> server_;
};

TEST_F(AttachTest, IsConfirmed) {
  listen();
  EXPECT_EQ(error_of(request_attach(path_)), "");
  EXPECT_THAT(host_.pids(), ElementsAre(getpid()));
}

TEST_F(AttachTest, ErrorOfTheTracerIsPassedOn) {
  listen();
  host_.answer_attach("cannot trace 17: Operation not permitted");
  EXPECT_THAT(error_of(request_attach(path_)),
              AllOf(HasSubstr("refuses"), HasSubstr("cannot trace 17: Operation not permitted")));
}

TEST_F(AttachTest, AnswerMayComeLaterAndFromAnotherThread) {
  listen();
  host_.answer_attach(std::nullopt);
  std::string error = "none came";
  std::thread asking([&] { error = error_of(request_attach(path_)); });
  FakeHost::Done done = host_.take_attach();
  // Meanwhile others are served.
  Client client(path_);
  EXPECT_TRUE(client.send(make_hello()));
  EXPECT_EQ(client.receive().refusal(), "not today");
  if (done) done("");
  done = nullptr;
  asking.join();
  EXPECT_EQ(error, "");
}

TEST_F(AttachTest, TracerThatNeverAnswersIsNotWaitedForOnceItHangsUp) {
  listen();
  host_.answer_attach(std::nullopt);
  std::string error;
  std::thread asking([&] { error = error_of(request_attach(path_)); });
  host_.take_attach() = nullptr;  // forgotten: the connection goes with it
  asking.join();
  EXPECT_THAT(error, HasSubstr("gave no answer"));
}

TEST_F(AttachTest, LateAnswerToAPeerThatLeftIsHarmless) {
  listen();
  host_.answer_attach(std::nullopt);
  {
    Client client(path_);
    wc_attach request{wc_message_head(WC_ATTACH), getpid(), 0};
    ASSERT_TRUE(client.send(request));
    FakeHost::Done done = host_.take_attach();
    client.close();
    done("");
    done("refused");
  }
  EXPECT_TRUE(Client(path_).is_connected());
}

TEST_F(AttachTest, WithoutATracerTheErrorSaysHowToStartOne) {
  const Status status = request_attach(path_);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ENOENT);
  EXPECT_THAT(status.error().message,
              AllOf(HasSubstr(path_), HasSubstr("wc-preload serve --control " + path_)));
}

// Something else that listens there.
class Stranger {
 public:
  Stranger(const std::string& path, std::string answer)
      : listener_(socket(AF_UNIX, SOCK_SEQPACKET, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    thread_ = std::thread([this, answer = std::move(answer)] {
      ScopedFd peer(accept(listener_.get(), nullptr, nullptr));
      // Read first: with data unread, the kernel would drop the answer at the close.
      char request[WC_MAX_MESSAGE];
      if (recv(peer.get(), request, sizeof request, 0) < 0) return;
      if (!answer.empty()) send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    });
  }
  ~Stranger() { thread_.join(); }

 private:
  ScopedFd listener_;
  std::thread thread_;
};

template <typename Message>
std::string bytes_of(const Message& message) {
  return {reinterpret_cast<const char*>(&message), sizeof message};
}

TEST_F(AttachTest, StrangeAnswersAreErrors) {
  wc_welcome welcome{wc_message_head(WC_WELCOME), 0};
  wc_message newer = wc_message_head(WC_ATTACHED);
  newer.version = WC_PROTOCOL_VERSION + 1;
  wc_refuse refusal{};
  refusal.head = wc_message_head(WC_REFUSE);
  std::memset(refusal.text, 'n', sizeof refusal.text);  // without an end
  const std::pair<std::string, std::string> cases[] = {
      {bytes_of(welcome), "strange answer"},
      {bytes_of(newer), "gave no answer"},
      {"hello", "gave no answer"},
      {std::string(1000, 'x'), "gave no answer"},
      {"", "gave no answer"},
      {bytes_of(refusal), "refuses: " + std::string(sizeof refusal.text, 'n')},
  };
  int number = 0;
  for (const auto& [answer, expected] : cases) {
    std::string path = folder_ / ("stranger" + std::to_string(number++));
    Stranger stranger(path, answer);
    EXPECT_THAT(error_of(request_attach(path)), HasSubstr(expected));
  }
}

}  // namespace
}  // namespace wc
