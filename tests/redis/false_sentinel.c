#include "false_sentinel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "count_requests.h"

enum { CLIENTS_MAX = 64 };

struct false_sentinel {
    pthread_t thread;
    int listener;
    int port;
    struct pollfd clients[CLIENTS_MAX]; /* the first is the listener */
    nfds_t count;
    atomic_int named;
    atomic_int epoch;
    atomic_int questions;
    atomic_bool is_silent;
    atomic_bool ends;
};

static void reply(int client, const char *text) {
    send(client, text, strlen(text), MSG_NOSIGNAL);
}

static int count_of(const char *bytes, const char *text) {
    int count = 0;
    for (const char *at = bytes; (at = strstr(at, text)); at += strlen(text))
        count++;
    return count;
}

static void name_address(false_sentinel *sentinel, int client) {
    char port[16], text[64];
    sentinel->questions++;
    snprintf(port, sizeof port, "%d", sentinel->named);
    snprintf(text, sizeof text, "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n", strlen(port), port);
    reply(client, sentinel->named ? text : "*-1\r\n");
}

static void name_epoch(false_sentinel *sentinel, int client) {
    char epoch[16], text[128];
    snprintf(epoch, sizeof epoch, "%d", sentinel->epoch);
    snprintf(text, sizeof text, "*4\r\n$4\r\nname\r\n$6\r\nschool\r\n$12\r\nconfig-epoch\r\n$%zu\r\n%s\r\n",
             strlen(epoch), epoch);
    reply(client, sentinel->named ? text : "-ERR No such master with that name\r\n");
}

/* False if the client has gone. The two questions come in this order, each whole. */
static bool serve(false_sentinel *sentinel, int client) {
    char bytes[4096];
    ssize_t size = recv(client, bytes, sizeof bytes - 1, 0);
    if (size <= 0)
        return false;
    bytes[size] = '\0';
    if (sentinel->is_silent)
        return true;
    int addresses = count_of(bytes, "GET-MASTER-ADDR-BY-NAME"), epochs = count_of(bytes, "\r\nMASTER\r\n");
    for (int others = count_requests(bytes, (size_t)size) - addresses - epochs; others > 0; others--)
        reply(client, "+OK\r\n");
    if (addresses > 0)
        name_address(sentinel, client);
    if (epochs > 0)
        name_epoch(sentinel, client);
    return true;
}

static void drop(false_sentinel *sentinel, nfds_t i) {
    close(sentinel->clients[i].fd);
    sentinel->clients[i] = sentinel->clients[--sentinel->count];
}

static void *run(void *context) {
    false_sentinel *sentinel = context;
    while (!sentinel->ends) {
        poll(sentinel->clients, sentinel->count, 5);
        for (nfds_t i = sentinel->count; i-- > 1;) {
            if (sentinel->clients[i].revents && !serve(sentinel, sentinel->clients[i].fd))
                drop(sentinel, i);
        }
        if (sentinel->clients[0].revents && sentinel->count < CLIENTS_MAX)
            sentinel->clients[sentinel->count++] =
                (struct pollfd){.fd = accept(sentinel->listener, NULL, NULL), .events = POLLIN};
    }
    while (sentinel->count > 1)
        drop(sentinel, 1);
    return NULL;
}

false_sentinel *false_sentinel_start(void) {
    false_sentinel *sentinel = calloc(1, sizeof *sentinel);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    if (!sentinel)
        return NULL;
    sentinel->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sentinel->listener < 0 || bind(sentinel->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(sentinel->listener, 64) != 0 || getsockname(sentinel->listener, (struct sockaddr *)&address, &size) != 0)
        abort();
    sentinel->port = ntohs(address.sin_port);
    sentinel->clients[sentinel->count++] = (struct pollfd){.fd = sentinel->listener, .events = POLLIN};
    if (pthread_create(&sentinel->thread, NULL, run, sentinel) != 0)
        abort();
    return sentinel;
}

void false_sentinel_stop(false_sentinel *sentinel) {
    if (!sentinel)
        return;
    sentinel->ends = true;
    pthread_join(sentinel->thread, NULL);
    close(sentinel->listener);
    free(sentinel);
}

int false_sentinel_port(const false_sentinel *sentinel) {
    return sentinel->port;
}

void false_sentinel_name(false_sentinel *sentinel, int port, int epoch) {
    sentinel->epoch = epoch;
    sentinel->named = port;
    sentinel->is_silent = false;
}

void false_sentinel_be_silent(false_sentinel *sentinel) {
    sentinel->is_silent = true;
}

int false_sentinel_questions(const false_sentinel *sentinel) {
    return sentinel->questions;
}
