// load: thousands of Action Cable clients in one thread, so that the client itself takes as little of the machine as it can.
//
//   load --port P[,P2,...] --broadcast-port B [--tokens FILE] [--identifiers FILE] [--payload BYTES] [--protocol NAME]
//
// With several ports clients are spread over them in turn. It obeys commands on stdin, one a line, and answers each with one line of JSON on stdout. Between two commands it goes
// on reading its sockets, so that whoever gives the commands can look at the server in peace:
//
//   connect COUNT WINDOW      open COUNT connections, at most WINDOW of them on the way at a time, until each has its welcome
//   again WINDOW RESUME       reset every connection and connect all of them again; with 1 each asks for its session, and
//                             then for the history of each of its channels, until all of that is answered
//   storm CUT SECONDS         with 1 reset every connection and have all clients try again in that moment, with 0 wait until the
//                             server ends all of them; whoever has no connection tries again after the pauses of AnyCable's
//                             client and subscribes to the one stream, until all are confirmed or so many seconds are over
//   subscribe                 subscribe each to one public stream, or under its own identifier, until each is confirmed
//   broadcast COUNT RATE      publish COUNT messages over HTTP, RATE a second (0: two in flight), until all have arrived
//   whisper COUNT RATE        have clients in turn whisper COUNT messages, RATE a second, until all have arrived
//   spread FROM TO            subscribe to the public streams FROM to TO - 1, each once, connections in turn, until all are confirmed
//   scatter COUNT RATE STREAMS   publish COUNT messages, each to another of the first STREAMS of these, until all have arrived
//   quit                      end (so does the end of stdin)
//
// Times inside a message are CLOCK_MONOTONIC, which server and client need not share: the client reads back its own stamp.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull
#define STALL (5 * SECOND)        // no progress for so long: report what there is
#define IDENTIFIER "{\\\"channel\\\":\\\"$pubsub\\\",\\\"stream_name\\\":\\\"bench\\\"}"
#define STAMP "sent="             // stands in each message before the time of its publication

enum state { IDLE, CONNECTING, UPGRADING, OPEN, WELCOMED, SUBSCRIBED, CLOSED };

struct client {
  int fd;
  enum state state;
  uint8_t *rest;      // the start of a frame whose end has not arrived; usually none
  uint32_t rest_length;
  uint64_t started;
  uint64_t due;       // when it tries again, in a storm
  int tries;          // that failed in this storm
  char sid[24];       // from its last welcome
};

#define MOST_PORTS 8
static int ports[MOST_PORTS], port_count, broadcast_port, payload = 100;
static char **tokens, **identifiers;    // an identifier is a JSON string, quotes included
static const char *protocol = "actioncable-v1-json";
static int storming;
static int resuming, followed, many_followed;    // the one stream, and how many of many
static int token_count, identifier_count;
static struct client *clients;
static int client_count, poller, publisher = -1;
static int started, welcomed, restored, confirmed, asked, told, refused, lost;
static uint64_t delivered, pings;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("load: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  exit(1);
}

// ---- A histogram of delays: 32 steps to each doubling, so that a percentile is right within about 2 %.

#define STEPS 32
static uint64_t delays[64 * STEPS], delay_count;

static void record_delay(uint64_t ns) {
  int doubling = ns < STEPS ? 0 : 63 - __builtin_clzll(ns) - 4;
  delays[doubling ? doubling * STEPS + ((ns >> (doubling - 1)) - STEPS) : ns]++;
  delay_count++;
}

static double delay_ms(double share) {
  uint64_t seen = 0, wanted = (uint64_t)(share * (double)delay_count);
  for (int i = 0; i < 64 * STEPS; i++) {
    seen += delays[i];
    if (seen <= wanted || delays[i] == 0) continue;
    int doubling = i / STEPS, step = i % STEPS;
    return (doubling ? (double)(step + STEPS) * (double)(1ull << (doubling - 1)) : (double)step) / 1e6;
  }
  return 0;
}

static void forget_delays(void) {
  memset(delays, 0, sizeof delays);
  delay_count = 0;
}

// ---- Coming back, as AnyCable's client does (backoffWithJitter of @anycable/core): 3 to 6 seconds, doubled each time, and
// up to a half less or more.

static double fraction(void) {
  static uint64_t state = 88172645463325252ull;    // xorshift: every run has the same crowd
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (double)(state >> 11) / (double)(1ull << 53);
}

static void come_later(struct client *c) {
  double least = 3.0 * (double)(1 << (c->tries < 10 ? c->tries : 10));
  double pause = (least + least * fraction()) * (0.5 + fraction());
  c->tries++;
  c->due = now() + (uint64_t)(pause * (double)SECOND);
}

// ---- The protocol, as far as a load client needs it.

static void hang_up(struct client *c, int *counter) {
  if (c->state == CLOSED) return;
  if (storming) {
    if (c->state == SUBSCRIBED) confirmed--;
    come_later(c);
  }
  c->state = CLOSED;
  (*counter)++;
  close(c->fd);
  free(c->rest);
  c->rest = NULL;
  c->rest_length = 0;
}

static void send_text(struct client *c, const char *text) {
  size_t length = strlen(text), head = 2;
  uint8_t frame[1024];
  if (length > sizeof frame - 8) die("a command of %zu bytes does not fit", length);
  frame[0] = 0x81;
  frame[1] = 0x80 | (length < 126 ? length : 126);
  if (length >= 126) {
    frame[2] = length >> 8;
    frame[3] = length & 255;
    head = 4;
  }
  memset(frame + head, 0, 4);    // a mask of zeroes leaves the payload as it is
  memcpy(frame + head + 4, text, length);
  if (write(c->fd, frame, head + 4 + length) < 0) hang_up(c, &lost);
}

static int port_of(const struct client *c) { return ports[(c - clients) % port_count]; }

static void ask_for_upgrade(struct client *c) {
  int port = port_of(c);
  char request[9000];
  const char *token = token_count ? tokens[(c - clients) % token_count] : NULL;
  int length = snprintf(request, sizeof request,
    "GET /cable?%s%s%s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: %s\r\nOrigin: http://127.0.0.1:%d\r\n\r\n",
    token ? "jid=" : "", token ? token : "", resuming ? "&sid=" : "", resuming ? c->sid : "", port, protocol, port);
  c->state = UPGRADING;
  if (write(c->fd, request, (size_t)length) < 0) hang_up(c, &lost);
}

static int contains(const uint8_t *text, size_t length, const char *part) {
  return memmem(text, length, part, strlen(part)) != NULL;
}

// A name of the length that names of records have.
#define STREAM_OF_MANY "record:%d:changes"
#define IDENTIFIER_OF_MANY "{\\\"channel\\\":\\\"$pubsub\\\",\\\"stream_name\\\":\\\"" STREAM_OF_MANY "\\\"}"

static void ask_for_history(struct client *c, const char *identifier) {
  char command[1000];
  snprintf(command, sizeof command, "{\"command\":\"history\",\"identifier\":%s,\"history\":{\"since\":%lld,\"streams\":{}}}",
    identifier, (long long)time(NULL));
  send_text(c, command);
  asked++;
}

static void on_restored(struct client *c) {
  int own = (int)(c - clients);
  char identifier[300];
  restored++;
  c->state = SUBSCRIBED;
  if (followed) ask_for_history(c, identifier_count ? identifiers[own % identifier_count] : "\"" IDENTIFIER "\"");
  for (int stream = own; stream < many_followed; stream += client_count) {
    snprintf(identifier, sizeof identifier, "\"" IDENTIFIER_OF_MANY "\"", stream);
    ask_for_history(c, identifier);
  }
}

static void subscribe(struct client *c) {
  char command[1000];
  snprintf(command, sizeof command, "{\"command\":\"subscribe\",\"identifier\":%s}",
    identifier_count ? identifiers[(c - clients) % identifier_count] : "\"" IDENTIFIER "\"");
  send_text(c, command);
}

static void keep_sid(struct client *c, const uint8_t *text, size_t length) {
  const char *name = "\"sid\":\"";
  const uint8_t *sid = memmem(text, length, name, strlen(name));
  if (!sid) return;
  sid += strlen(name);
  size_t size = 0;
  while (size + 1 < sizeof c->sid && sid + size < text + length && sid[size] != '"') size++;
  memcpy(c->sid, sid, size);
  c->sid[size] = 0;
}

static void on_text(struct client *c, const uint8_t *text, size_t length) {
  const uint8_t *stamp = c->state == SUBSCRIBED ? memmem(text, length, STAMP, strlen(STAMP)) : NULL;
  if (stamp) {
    uint64_t sent = 0;
    for (stamp += strlen(STAMP); *stamp >= '0' && *stamp <= '9'; stamp++) sent = sent * 10 + (uint64_t)(*stamp - '0');
    delivered++;
    record_delay(now() - sent);
  } else if (contains(text, length, "\"ping\"")) {
    pings++;
  } else if (c->state == OPEN && contains(text, length, "\"welcome\"")) {
    c->state = WELCOMED;
    welcomed++;
    record_delay(now() - c->started);
    keep_sid(c, text, length);
    if (storming) subscribe(c);
    if (contains(text, length, "\"restored\":true")) on_restored(c);
  } else if (contains(text, length, "\"confirm_history\"")) {
    told++;
  } else if ((c->state == WELCOMED || c->state == SUBSCRIBED) && contains(text, length, "\"confirm_subscription\"")) {
    c->state = SUBSCRIBED;
    confirmed++;
  } else if (contains(text, length, "\"disconnect\"") || contains(text, length, "\"reject_subscription\"")) {
    hang_up(c, &refused);
  }
}

// Reads the frames that are whole and says how many bytes they took.
static size_t on_frames(struct client *c, const uint8_t *bytes, size_t length) {
  size_t at = 0;
  while (length - at >= 2 && c->state != CLOSED) {
    const uint8_t *frame = bytes + at;
    size_t head = 2, size = frame[1] & 127;
    if (size == 126) {
      if (length - at < 4) break;
      size = (size_t)frame[2] << 8 | frame[3];
      head = 4;
    } else if (size == 127) {
      die("a server's frame of more than 64 KB was not expected");
    }
    if (length - at < head + size) break;
    int opcode = frame[0] & 15;
    if (opcode == 1) on_text(c, frame + head, size);
    if (opcode == 8) hang_up(c, &lost);
    if (opcode == 9 && write(c->fd, "\x8a\x80\0\0\0\0", 6) < 0) hang_up(c, &lost);
    at += head + size;
  }
  return at;
}

static size_t on_bytes(struct client *c, const uint8_t *bytes, size_t length) {
  if (c->state != UPGRADING) return on_frames(c, bytes, length);
  const uint8_t *end = memmem(bytes, length, "\r\n\r\n", 4);
  if (!end) return 0;
  if (memcmp(bytes, "HTTP/1.1 101", 12) != 0) {
    hang_up(c, &refused);
    return length;
  }
  c->state = OPEN;
  size_t head = (size_t)(end + 4 - bytes);
  return head + on_frames(c, bytes + head, length - head);
}

static void on_readable(struct client *c) {
  static uint8_t bytes[1 << 18];
  for (;;) {
    size_t length = c->rest_length;
    if (length) memcpy(bytes, c->rest, length);
    ssize_t got = read(c->fd, bytes + length, sizeof bytes - length);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      hang_up(c, &lost);
      return;
    }
    length += (size_t)got;
    size_t taken = on_bytes(c, bytes, length);
    if (c->state == CLOSED) return;
    free(c->rest);
    c->rest = NULL;
    c->rest_length = (uint32_t)(length - taken);
    if (c->rest_length) c->rest = memcpy(malloc(c->rest_length), bytes + taken, c->rest_length);
    if (length < sizeof bytes) return;    // a short read: an edge-triggered epoll speaks again when there is more
  }
}

static void open_connection(struct client *c) {
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port_of(c)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int on = 1;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) die("socket %d: %s", (int)(c - clients), strerror(errno));
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Reset at the end: ten thousand connections in TIME_WAIT would starve the rounds that follow of ports.
  struct linger reset = {.l_onoff = 1, .l_linger = 0};
  setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  c->started = now();
  c->state = CONNECTING;
  if (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) {
    hang_up(c, &lost);
    return;
  }
  struct epoll_event interest = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &interest);
}

// One turn of the sockets. True when a command waits on stdin.
static int turn(int timeout_ms) {
  static struct epoll_event events[1024];
  int command = 0, count = epoll_wait(poller, events, 1024, timeout_ms);
  for (int i = 0; i < count; i++) {
    struct client *c = events[i].data.ptr;
    if (!c) {
      command = 1;
      continue;
    }
    if (c->state == CLOSED) continue;
    if (c->state == CONNECTING && (events[i].events & (EPOLLERR | EPOLLHUP))) hang_up(c, &lost);
    else if (c->state == CONNECTING && (events[i].events & EPOLLOUT)) ask_for_upgrade(c);
    if (c->state > CONNECTING && c->state < CLOSED && (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))) on_readable(c);
  }
  return command;
}

static uint64_t answered(void) { return (uint64_t)(welcomed + refused + lost); }
static uint64_t answers(void) { return (uint64_t)(told + lost); }
static uint64_t settled(void) { return (uint64_t)(confirmed + refused + lost); }
static uint64_t arrived(void) { return delivered; }

// Turns until the count reaches `goal`, or has not moved for STALL. Returns the time of its last step.
static uint64_t wait_for(uint64_t (*count)(void), uint64_t goal) {
  uint64_t last = count(), moved = now();
  while (last < goal && now() - moved < STALL) {
    turn(10);
    if (count() == last) continue;
    last = count();
    moved = now();
  }
  return moved;
}

// ---- The commands.

// Returns the time of the last answer.
static uint64_t connect_all(int window) {
  uint64_t moved = now();
  forget_delays();
  while (started < client_count && now() - moved < STALL) {
    while (started < client_count && (uint64_t)started < answered() + (uint64_t)window) open_connection(&clients[started++]);
    moved = wait_for(answered, answered() + 1);
  }
  return wait_for(answered, (uint64_t)client_count);
}

static void reset_all(void) {
  for (int i = 0; i < client_count; i++) {
    struct client *c = &clients[i];
    if (c->state != CLOSED) close(c->fd);
    free(c->rest);
    c->rest = NULL;
    c->rest_length = 0;
    c->state = IDLE;
  }
}

static void run_again(int window, int resume) {
  reset_all();
  started = welcomed = restored = confirmed = asked = told = refused = lost = 0;
  resuming = resume;
  if (!resume) followed = many_followed = 0;
  uint64_t begin = now();
  connect_all(window);
  uint64_t end = wait_for(answers, (uint64_t)asked);
  printf("{\"welcomed\":%d,\"restored\":%d,\"told\":%d,\"refused\":%d,\"lost\":%d,\"seconds\":%.4f}\n", welcomed, restored, told,
    refused, lost, (double)(end - begin) / 1e9);
}

static uint64_t absent(void) { return (uint64_t)(client_count - confirmed); }

static void run_storm(int cut, int seconds) {
  uint64_t begin, end;
  int gone = 0;    // with the server, and by no failed try
  storming = 1;
  welcomed = refused = lost = confirmed = 0;
  forget_delays();
  if (cut) reset_all();
  for (int i = 0; i < client_count; i++) {
    struct client *c = &clients[i];
    c->tries = 0;
    c->due = 0;
    if (c->state == SUBSCRIBED) confirmed++;
    else if (!cut) come_later(c);    // the server was faster than the command
  }
  gone = confirmed;
  while (!cut && absent() == 0) turn(10);
  begin = end = now();
  if (!cut) wait_for(absent, (uint64_t)client_count);
  while (absent() > 0 && now() - begin < (uint64_t)seconds * SECOND) {
    int before = confirmed;
    for (int i = 0; i < client_count; i++) {
      struct client *c = &clients[i];
      if ((c->state == IDLE || c->state == CLOSED) && c->due <= now()) open_connection(c);
    }
    turn(5);
    if (confirmed > before) end = now();
  }
  storming = 0;
  printf("{\"back\":%d,\"refused\":%d,\"failed\":%d,\"seconds\":%.4f,\"p50_ms\":%.3f,\"p95_ms\":%.3f,\"p99_ms\":%.3f}\n",
    confirmed, refused, lost - gone, (double)(end - begin) / 1e9, delay_ms(.5), delay_ms(.95), delay_ms(.99));
}

static void run_connect(int count, int window) {
  client_count = count;
  clients = calloc((size_t)count, sizeof *clients);
  uint64_t begin = now(), moved = connect_all(window);
  printf("{\"welcomed\":%d,\"refused\":%d,\"lost\":%d,\"seconds\":%.4f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", welcomed, refused,
    lost, (double)(moved - begin) / 1e9, delay_ms(.5), delay_ms(.99));
}

static void run_subscribe(void) {
  uint64_t begin = now();
  int sent = 0;
  followed = 1;
  for (int i = 0; i < client_count; i++) {
    if (clients[i].state != WELCOMED) continue;
    subscribe(&clients[i]);
    if (++sent % 100 == 0) turn(0);
  }
  uint64_t end = wait_for(settled, (uint64_t)(sent + refused + lost));
  printf("{\"confirmed\":%d,\"refused\":%d,\"lost\":%d,\"seconds\":%.4f}\n", confirmed, refused, lost, (double)(end - begin) / 1e9);
}

static void run_spread(int from, int to) {
  uint64_t begin = now(), goal = settled() + (uint64_t)(to - from);
  int before = confirmed;
  many_followed = to;
  for (int stream = from; stream < to; stream++) {
    struct client *c = &clients[stream % client_count];
    if (c->state != WELCOMED && c->state != SUBSCRIBED) continue;
    char command[200];
    snprintf(command, sizeof command, "{\"command\":\"subscribe\",\"identifier\":\"" IDENTIFIER_OF_MANY "\"}", stream);
    send_text(c, command);
    if (stream % 100 == 0) turn(0);
  }
  uint64_t end = wait_for(settled, goal);
  printf("{\"confirmed\":%d,\"refused\":%d,\"lost\":%d,\"seconds\":%.4f}\n", confirmed - before, refused, lost,
    (double)(end - begin) / 1e9);
}

static void connect_publisher(void) {
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)broadcast_port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int on = 1;
  publisher = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(publisher, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(publisher, (struct sockaddr *)&server, sizeof server) < 0) die("broadcast port %d: %s", broadcast_port, strerror(errno));
}

static void publish(const char *stream, const char *padding) {
  static char body[65536], request[66000];
  if (publisher < 0) connect_publisher();
  int length = snprintf(body, sizeof body, "{\"stream\":\"%s\",\"data\":\"{\\\"body\\\":\\\"" STAMP "%llu %s\\\"}\"}",
    stream, (unsigned long long)now(), padding);
  int total = snprintf(request, sizeof request,
    "POST /_broadcast HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
    broadcast_port, length, body);
  if (write(publisher, request, (size_t)total) != total) die("publishing: %s", strerror(errno));
}

static void read_publisher(void) {
  char answer[4096];
  ssize_t got = recv(publisher, answer, sizeof answer - 1, MSG_DONTWAIT);
  if (got == 0) die("the server closed the broadcast connection");
  if (got < 12) return;
  answer[got] = 0;
  if (memcmp(answer, "HTTP/1.1 ", 9) == 0 && answer[9] != '2') die("a broadcast was answered: %.*s", (int)strcspn(answer, "\r"), answer);
}

static void sleep_until(uint64_t due) {
  for (uint64_t t = now(); t < due; t = now()) turn((int)((due - t) / 1000000));
}

static char *make_padding(void) {
  char *padding = malloc((size_t)payload + 1);
  memset(padding, 'x', (size_t)payload);
  padding[payload] = 0;
  return padding;
}

static void report_deliveries(uint64_t expected, uint64_t before, uint64_t begin, uint64_t end) {
  printf("{\"expected\":%llu,\"delivered\":%llu,\"lost\":%d,\"seconds\":%.4f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"pings\":%llu}\n",
    (unsigned long long)expected, (unsigned long long)(delivered - before), lost, (double)(end - begin) / 1e9, delay_ms(.5),
    delay_ms(.99), (unsigned long long)pings);
}

static void run_broadcast(int count, int rate) {
  char *padding = make_padding();
  uint64_t audience = (uint64_t)confirmed, before = delivered, expected = 0, begin = now();
  forget_delays();
  for (int i = 0; i < count; i++) {
    if (rate) sleep_until(begin + (uint64_t)i * SECOND / (uint64_t)rate);
    else if (i > 1) wait_for(arrived, before + expected - audience);
    if (!rate && i > 1 && delivered < before + expected - audience) break;
    publish("bench", padding);
    expected += audience;
    turn(0);
    read_publisher();
  }
  uint64_t end = wait_for(arrived, before + expected);
  turn(50);    // a message too many would arrive now
  read_publisher();
  report_deliveries(expected, before, begin, end);
  free(padding);
}

// Each to one subscriber, and none to the stream before it.
static void run_scatter(int count, int rate, int streams) {
  char *padding = make_padding(), stream[60];
  uint64_t before = delivered, begin = now();
  // Servers close a connection that said nothing for a while.
  if (publisher >= 0) close(publisher);
  publisher = -1;
  forget_delays();
  for (int i = 0; i < count; i++) {
    sleep_until(begin + (uint64_t)i * SECOND / (uint64_t)rate);
    snprintf(stream, sizeof stream, STREAM_OF_MANY, (int)((uint64_t)i * 7919 % (uint64_t)streams));
    publish(stream, padding);
    turn(0);
    read_publisher();
  }
  uint64_t end = wait_for(arrived, before + (uint64_t)count);
  turn(50);
  read_publisher();
  report_deliveries((uint64_t)count, before, begin, end);
  free(padding);
}

// As broadcasts, but each is said by the next client that follows the stream, and everyone else hears it.
static void run_whisper(int count, int rate) {
  char *padding = make_padding(), command[1000];
  if (payload > 800) die("a whisper of %d bytes does not fit", payload);
  uint64_t before = delivered, expected = 0, begin = now();
  forget_delays();
  for (int i = 0, next = 0; i < count; i++) {
    sleep_until(begin + (uint64_t)i * SECOND / (uint64_t)rate);
    for (int tries = 0; clients[next].state != SUBSCRIBED && tries < client_count; tries++) next = (next + 1) % client_count;
    snprintf(command, sizeof command, "{\"command\":\"whisper\",\"identifier\":\"" IDENTIFIER "\",\"data\":{\"body\":\"" STAMP "%llu %s\"}}",
      (unsigned long long)now(), padding);
    send_text(&clients[next], command);
    next = (next + 1) % client_count;
    expected += (uint64_t)confirmed - 1;
    turn(0);
  }
  uint64_t end = wait_for(arrived, before + expected);
  turn(50);    // a message too many, to whoever whispered, would arrive now
  report_deliveries(expected, before, begin, end);
  free(padding);
}

// ---- Start.

static char **read_lines(const char *path, int *count) {
  FILE *file = fopen(path, "r");
  char *line = NULL, **lines = NULL;
  size_t size = 0;
  if (!file) die("%s: %s", path, strerror(errno));
  while (getline(&line, &size, file) > 0) {
    line[strcspn(line, "\n")] = 0;
    if (*count % 1024 == 0) lines = realloc(lines, (size_t)(*count + 1024) * sizeof *lines);
    lines[(*count)++] = strdup(line);
  }
  free(line);
  fclose(file);
  return lines;
}

static void read_ports(char *list) {
  for (char *one = strtok(list, ","); one; one = strtok(NULL, ",")) {
    if (port_count == MOST_PORTS) die("more than %d ports", MOST_PORTS);
    ports[port_count++] = atoi(one);
  }
}

static void read_options(int count, char **values) {
  for (int i = 1; i + 1 < count; i += 2) {
    if (strcmp(values[i], "--port") == 0) read_ports(values[i + 1]);
    else if (strcmp(values[i], "--broadcast-port") == 0) broadcast_port = atoi(values[i + 1]);
    else if (strcmp(values[i], "--protocol") == 0) protocol = values[i + 1];
    else if (strcmp(values[i], "--payload") == 0) payload = atoi(values[i + 1]);
    else if (strcmp(values[i], "--tokens") == 0) tokens = read_lines(values[i + 1], &token_count);
    else if (strcmp(values[i], "--identifiers") == 0) identifiers = read_lines(values[i + 1], &identifier_count);
    else die("unknown option %s", values[i]);
  }
  if (port_count == 0) die("--port is missing");
  if (payload < 0 || payload > 60000) die("--payload is 0 to 60000 bytes");
}

int main(int count, char **values) {
  struct rlimit files;
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  read_options(count, values);
  poller = epoll_create1(0);
  struct epoll_event commands = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &commands) < 0) die("stdin must be a pipe");
  char line[256];
  for (;;) {
    while (!turn(-1)) {}
    ssize_t got = read(STDIN_FILENO, line, sizeof line - 1);
    if (got <= 0) return 0;
    line[got] = 0;
    int a = 0, b = 0, c = 0;
    if (sscanf(line, "connect %d %d", &a, &b) == 2 && !clients) run_connect(a, b);
    else if (sscanf(line, "again %d %d", &a, &b) == 2 && clients) run_again(a, b);
    else if (sscanf(line, "storm %d %d", &a, &b) == 2 && clients) run_storm(a, b);
    else if (strcmp(line, "subscribe\n") == 0) run_subscribe();
    else if (sscanf(line, "broadcast %d %d", &a, &b) == 2) run_broadcast(a, b);
    else if (sscanf(line, "whisper %d %d", &a, &b) == 2 && b > 0) run_whisper(a, b);
    else if (sscanf(line, "spread %d %d", &a, &b) == 2 && clients) run_spread(a, b);
    else if (sscanf(line, "scatter %d %d %d", &a, &b, &c) == 3 && b > 0 && c > 0) run_scatter(a, b, c);
    else if (strcmp(line, "quit\n") == 0) return 0;
    else die("unknown command: %s", line);
  }
}
