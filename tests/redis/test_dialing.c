/* Making connections: queues that are full, signals, rights, and servers that hang. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "count_requests.h"
#include "raw.h"

#include <lessonstore/backend.h>

/* ---- A listener whose queue is full */

enum { FILLERS_MAX = 16 };

struct listener {
    char directory[64];
    struct sockaddr_un address;
    int socket;
    int fillers[FILLERS_MAX];
    int count;
};

static void fill_queue(struct listener *listener) {
    int connected = 0;
    while (connected == 0 && listener->count < FILLERS_MAX) {
        int filler = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(filler >= 0);
        listener->fillers[listener->count++] = filler;
        connected = connect(filler, (struct sockaddr *)&listener->address, sizeof listener->address);
    }
    assert_int_equal(connected, -1);
    assert_int_equal(errno, EAGAIN);
}

static void start_listener(struct listener *listener) {
    *listener = (struct listener){.address = {.sun_family = AF_UNIX}};
    strcpy(listener->directory, "/tmp/lessonstore-dialing-XXXXXX");
    assert_non_null(mkdtemp(listener->directory));
    snprintf(listener->address.sun_path, sizeof listener->address.sun_path, "%.60s/socket", listener->directory);
    listener->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener->socket, (struct sockaddr *)&listener->address, sizeof listener->address), 0);
    assert_int_equal(listen(listener->socket, 1), 0);
    fill_queue(listener);
}

static void stop_listener(struct listener *listener) {
    for (int i = 0; i < listener->count; i++)
        close(listener->fillers[i]);
    close(listener->socket);
    unlink(listener->address.sun_path);
    rmdir(listener->directory);
}

struct opener {
    char location[256];
    lesson_store *store;
    atomic_bool began;
    atomic_bool ended;
    int code;
    char message[LESSON_STORE_MESSAGE_SIZE];
};

static void *open_store(void *context) {
    struct opener *opener = context;
    opener->began = true;
    opener->code = lesson_store_open(&opener->store, opener->location);
    snprintf(opener->message, sizeof opener->message, "%s", lesson_store_message());
    opener->ended = true;
    return NULL;
}

/* Accepts everybody, and greets those who send something so. "": closes the connection instead. */
static void serve_until_open(const struct listener *listener, const struct opener *opener, const char *greeting) {
    struct pollfd clients[FILLERS_MAX + 2] = {{.fd = listener->socket, .events = POLLIN}};
    nfds_t count = 1;
    while (!opener->ended) {
        poll(clients, count, 10);
        if (clients[0].revents && count < FILLERS_MAX + 2)
            clients[count++] = (struct pollfd){.fd = accept(listener->socket, NULL, NULL), .events = POLLIN};
        for (nfds_t i = 1; i < count; i++) {
            char bytes[1024];
            ssize_t size = clients[i].revents & POLLIN ? recv(clients[i].fd, bytes, sizeof bytes, 0) : 0;
            if (size <= 0)
                continue;
            if (!greeting[0])
                shutdown(clients[i].fd, SHUT_RDWR);
            for (int left = count_requests(bytes, (size_t)size); greeting[0] && left > 0; left--)
                send(clients[i].fd, greeting, strlen(greeting), MSG_NOSIGNAL);
        }
    }
    for (nfds_t i = 1; i < count; i++)
        close(clients[i].fd);
}

static void note_nothing(int number) {
    (void)number;
}

/* After a restart more clients connect than the queue of a unix socket holds. Over TCP they wait, and here too; also if
 * signals come all the while. */
static void test_a_full_queue_is_waited_for(void **state) {
    (void)state;
    struct listener listener;
    struct opener opener = {.began = false};
    struct sigaction noted = {.sa_handler = note_nothing}, before;
    pthread_t thread;
    sigaction(SIGUSR1, &noted, &before);
    start_listener(&listener);
    snprintf(opener.location, sizeof opener.location, "redis+unix://%s?connect_timeout_ms=60000&timeout_ms=60000",
             listener.address.sun_path);
    assert_int_equal(pthread_create(&thread, NULL, open_store, &opener), 0);
    while (!opener.began)
        poll(NULL, 0, 1);
    for (int i = 0; i < 50 && !opener.ended; i++) {
        pthread_kill(thread, SIGUSR1);
        poll(NULL, 0, 2);
    }
    assert_false(opener.ended); /* it waits */
    serve_until_open(&listener, &opener, "-ERR unknown command\r\n");
    pthread_join(thread, NULL);
    if (opener.code)
        fail_msg("%s", opener.message);
    lesson_store_close(opener.store);
    stop_listener(&listener);
    sigaction(SIGUSR1, &before, NULL);
}

static void test_a_full_queue_is_not_waited_for_without_end(void **state) {
    (void)state;
    struct listener listener;
    char location[256];
    start_listener(&listener);
    snprintf(location, sizeof location, "redis+unix://%s?connect_timeout_ms=50", listener.address.sun_path);
    raw_refuse(location, LESSON_STORE_UNREACHABLE, "no connection");
    raw_assert_within("no connection", 25, 50);
    stop_listener(&listener);
}

/* Then the limit is timeout_ms, and the message names it. */
static void test_a_call_does_not_wait_for_a_full_queue_without_end(void **state) {
    (void)state;
    struct listener listener;
    struct opener opener = {.began = false};
    pthread_t thread;
    start_listener(&listener);
    snprintf(opener.location, sizeof opener.location, "redis+unix://%s?pool=1&timeout_ms=200&connect_timeout_ms=60000",
             listener.address.sun_path);
    assert_int_equal(pthread_create(&thread, NULL, open_store, &opener), 0);
    serve_until_open(&listener, &opener, "-ERR unknown command\r\n");
    pthread_join(thread, NULL);
    if (opener.code)
        fail_msg("%s", opener.message);
    fill_queue(&listener);
    assert_code(lesson_store_where(opener.store, "ann", NULL), UNREACHABLE);
    raw_assert_within("no connection", 100, 200);
    lesson_store_close(opener.store);
    stop_listener(&listener);
}

/* ---- Proxies that do not know HELLO say so in their own words, or close the connection */

static void test_words_for_an_unknown_hello(void **state) {
    (void)state;
    static const char *const greetings[] = {"-ERR invalid command\r\n",
                                            "-DENIED by proxy\r\n",
                                            "-ERR AUTH needed for HELLO\r\n",
                                            "-NOPERM no\r\n",
                                            "+OK\r\n",
                                            "*0\r\n",
                                            "$-1\r\n",
                                            ""};
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        struct listener listener;
        struct opener opener = {.began = false};
        pthread_t thread;
        start_listener(&listener);
        snprintf(opener.location, sizeof opener.location, "redis+unix://%s?pool=1", listener.address.sun_path);
        assert_int_equal(pthread_create(&thread, NULL, open_store, &opener), 0);
        serve_until_open(&listener, &opener, greetings[i]);
        pthread_join(thread, NULL);
        if (opener.code)
            fail_msg("%s: %s", greetings[i], opener.message);
        lesson_store_close(opener.store);
        stop_listener(&listener);
    }
}

/* ---- Rights. Root may open everything, so a child gives its rights up. */

static void test_a_socket_without_the_right_to_it(void **state) {
    raw_server *raw = *state;
    char location[256];
    snprintf(location, sizeof location, "%s", redis_server_unix_location(raw->server));
    assert_int_equal(chmod(redis_server_socket(raw->server), 0), 0);
    pid_t child = fork();
    if (child == 0) {
        lesson_store *store;
        if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
            _exit(2);
        _exit(lesson_store_open(&store, location) == LESSON_STORE_DENIED ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(redis_server_socket(raw->server), 0700), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* A program that is executed at any moment inherits no connection. */
static void test_sockets_are_closed_on_exec(void **state) {
    (void)state;
    int sockets = 0;
    for (int descriptor = 3; descriptor < 256; descriptor++) {
        struct stat facts;
        if (fstat(descriptor, &facts) == 0 && S_ISSOCK(facts.st_mode))
            sockets += (fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0;
    }
    assert_true(sockets >= 1); /* of the store; the raw commands have one that is not */
}

/* ---- A server that hangs */

/* Its kernel connects, and nobody greets. */
static void test_opening_does_not_wait_for_a_greeting_without_end(void **state) {
    raw_server *raw = *state;
    char location[256];
    snprintf(location, sizeof location, "%s?connect_timeout_ms=200&timeout_ms=60000",
             redis_server_unix_location(raw->server));
    kill(redis_server_pid(raw->server), SIGSTOP);
    raw_refuse(location, LESSON_STORE_UNREACHABLE, "the server did not reply");
    kill(redis_server_pid(raw->server), SIGCONT);
    raw_assert_within("the server did not reply", 100, 200); /* not timeout_ms */
}

enum { THREADS = 8, TIMEOUT_MS = 400 };

static void *ask(void *context) {
    int code = lesson_store_where(context, "ann", NULL);
    return code == LESSON_STORE_UNREACHABLE || code == LESSON_STORE_BUSY ? NULL : context;
}

static void join_thread(pthread_t thread) {
    void *failed;
    pthread_join(thread, &failed);
    assert_null(failed);
}

/* A pool that has not grown yet: each thread makes its connection at the same time, or waits for one. */
static void test_threads_do_not_queue_before_a_server_that_hangs(void **state) {
    raw_server *raw = *state;
    static const char *const options[] = {"?pool=8&timeout_ms=400&connect_timeout_ms=400", "?pool=1&timeout_ms=400"};
    for (int i = 0; i < 2; i++) {
        pthread_t threads[THREADS];
        lesson_store *store = raw_open_store(raw, options[i]);
        assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
        kill(redis_server_pid(raw->server), SIGSTOP);
        int64_t began_us = lesson_store_monotonic_us();
        for (int t = 0; t < THREADS; t++)
            assert_int_equal(pthread_create(&threads[t], NULL, ask, store), 0);
        for (int t = 0; t < THREADS; t++)
            join_thread(threads[t]);
        int64_t took_ms = (lesson_store_monotonic_us() - began_us) / 1000;
        kill(redis_server_pid(raw->server), SIGCONT);
        /* One after the other it would be THREADS * TIMEOUT_MS. */
        assert_in_range(took_ms, TIMEOUT_MS / 2, THREADS * TIMEOUT_MS / 2);
        lesson_store_close(store);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_full_queue_is_waited_for),
        TEST(a_full_queue_is_not_waited_for_without_end),
        TEST(a_call_does_not_wait_for_a_full_queue_without_end),
        TEST(words_for_an_unknown_hello),
        TEST(a_socket_without_the_right_to_it),
        TEST(sockets_are_closed_on_exec),
        TEST(opening_does_not_wait_for_a_greeting_without_end),
        TEST(threads_do_not_queue_before_a_server_that_hangs),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
