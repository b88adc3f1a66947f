// floor: the least that the kernel lets a fan-out cost. The control row of the bench.
//
//   floor PORT BROADCAST_PORT
//
// It checks nothing and knows one answer to each thing a load client says: whatever comes first is an upgrade (101 and a
// welcome in one write), whatever comes second is a subscription to the one stream, whatever comes after is a whisper on it.
// A broadcast is one frame, made once, and one write() a subscriber. What a real server spends above this is its own.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 100000
#define IDENTIFIER "{\\\"channel\\\":\\\"$pubsub\\\",\\\"stream_name\\\":\\\"bench\\\"}"

enum role { FREE, NEW, WELCOMED, SUBSCRIBED, PUBLISHER };
static uint8_t roles[MOST];
static int subscribers[MOST], subscriber_count, poller;
static uint8_t listed[MOST];    // a descriptor comes again, with another client behind it

static const char WELCOME[] = "{\"type\":\"welcome\",\"sid\":\"1\"}";
static const char CONFIRM[] = "{\"identifier\":\"" IDENTIFIER "\",\"type\":\"confirm_subscription\"}";
static const char MESSAGE[] = "{\"identifier\":\"" IDENTIFIER "\",\"message\":";
// The accept value belongs to the example key of RFC 6455 1.3, the one that the load client always sends.
static const char SWITCHING[] =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: actioncable-v1-json\r\n\r\n";
static const char DATA[] = "\"data\":\"";
static const char WHISPERED[] = "\"data\":";
static const char CREATED[] = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";

static int listen_on(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4096) < 0) {
    perror("floor: listening");
    exit(1);
  }
  struct epoll_event interest = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &interest);
  return fd;
}

static size_t put_frame(uint8_t *out, const char *text, size_t length) {
  size_t head = 2;
  out[0] = 0x81;
  out[1] = length < 126 ? length : 126;
  if (length >= 126) {
    out[2] = length >> 8;
    out[3] = length & 255;
    head = 4;
  }
  memcpy(out + head, text, length);
  return head + length;
}

static void answer(int fd, const void *bytes, size_t length) {
  if (write(fd, bytes, length) < 0) roles[fd] = FREE;
}

// One frame to every subscriber but one; -1 leaves out nobody.
static void send_to_all(const char *text, size_t length, int but) {
  static uint8_t frame[66000];
  size_t size = put_frame(frame, text, length);
  int left = 0;
  for (int i = 0; i < subscriber_count; i++) {
    int fd = subscribers[i];
    if (roles[fd] == SUBSCRIBED && (fd == but || write(fd, frame, size) > 0)) subscribers[left++] = fd;
    else listed[fd] = 0;
  }
  subscriber_count = left;
}

// Takes the escaped JSON behind `"data":"` for the message, without looking at the rest of the request. Returns its end.
static char *broadcast(char *from) {
  static char text[65000];
  size_t length = sizeof MESSAGE - 1;
  memcpy(text, MESSAGE, length);
  for (; *from && !(*from == '"' && from[-1] != '\\'); from++) if (*from != '\\') text[length++] = *from;
  text[length++] = '}';
  send_to_all(text, length, -1);
  return from;
}

// Takes what stands behind `"data":` for the message and the command's last brace for the frame's: the load client masks
// with zeroes and puts nothing behind its data.
static void whisper(char *command, size_t length, int from) {
  static char text[65000];
  char *data = memmem(command, length, WHISPERED, sizeof WHISPERED - 1);
  if (!data) return;
  data += sizeof WHISPERED - 1;
  memcpy(text, MESSAGE, sizeof MESSAGE - 1);
  size_t rest = (size_t)(command + length - data);
  memcpy(text + sizeof MESSAGE - 1, data, rest);
  send_to_all(text, sizeof MESSAGE - 1 + rest, from);
}

static void on_readable(int fd) {
  static char request[65000];
  static uint8_t out[1024];
  ssize_t got = read(fd, request, sizeof request - 1);
  if (got <= 0) {
    close(fd);
    roles[fd] = FREE;
    return;
  }
  request[got] = 0;
  if (roles[fd] == NEW) {
    memcpy(out, SWITCHING, sizeof SWITCHING - 1);
    answer(fd, out, sizeof SWITCHING - 1 + put_frame(out + sizeof SWITCHING - 1, WELCOME, sizeof WELCOME - 1));
    roles[fd] = WELCOMED;
  } else if (roles[fd] == WELCOMED) {
    answer(fd, out, put_frame(out, CONFIRM, sizeof CONFIRM - 1));
    if (!listed[fd]) subscribers[subscriber_count++] = fd;
    listed[fd] = 1;
    roles[fd] = SUBSCRIBED;
  } else if (roles[fd] == SUBSCRIBED) {
    whisper(request, (size_t)got, fd);
  } else if (roles[fd] == PUBLISHER) {
    // Two in flight: one read may bring two requests.
    for (char *at = request; (at = strstr(at, DATA)); answer(fd, CREATED, sizeof CREATED - 1)) at = broadcast(at + sizeof DATA - 1);
  }
}

static void accept_all(int listener, enum role role) {
  int fd, on = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (fd >= MOST) {
      close(fd);
      continue;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    roles[fd] = role;
    struct epoll_event interest = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &interest);
  }
}

int main(int count, char **values) {
  struct rlimit files;
  struct epoll_event events[512];
  if (count != 3) {
    fputs("floor PORT BROADCAST_PORT\n", stderr);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  poller = epoll_create1(0);
  int sockets = listen_on(atoi(values[1])), publishers = listen_on(atoi(values[2]));
  for (;;) {
    int ready = epoll_wait(poller, events, 512, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == sockets) accept_all(fd, NEW);
      else if (fd == publishers) accept_all(fd, PUBLISHER);
      else on_readable(fd);
    }
  }
}
