#include "redis_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tree.h"

#define ARGUMENTS_MAX 64
#define START_ATTEMPTS 5 /* another process may take the free port before the server does */
#define READY_POLLS 3000 /* of 10 ms: a loaded machine may need that long to start a server */
#define DIRECTORY_SIZE 64
#define PATH_SIZE 96 /* a unix socket's path has at most 107 bytes */

struct redis_server {
    char directory[DIRECTORY_SIZE];
    char socket[PATH_SIZE];
    char log[PATH_SIZE];
    char configuration[PATH_SIZE]; /* the file, or "" */
    char port_text[16];            /* "0": none in the clear */
    char bus_port_text[12];
    char unix_location[PATH_SIZE + 16];
    char tcp_location[48];
    char tls_files[3][128]; /* the certificate, its key, the CA */
    char tls_port_text[16];
    char tls_location[384];
    const char *extra[ARGUMENTS_MAX];
    int port;
    int tls_port;
    int bus_port;
    const certificates *certificates; /* NULL: no TLS */
    bool is_tls_only;
    bool is_sentinel;
    bool is_cluster_node;
    /* A thread may ask the server while another one kills or pauses it. */
    _Atomic pid_t pid;
    atomic_bool is_paused;
};

static bool is_program(const char *directory, size_t directory_size, const char *name, char *path, size_t path_size) {
    snprintf(path, path_size, "%.*s/%s", (int)directory_size, directory, name);
    return access(path, X_OK) == 0;
}

static bool find_in_path(const char *name, char *path, size_t path_size) {
    const char *directory = getenv("PATH");
    while (directory && *directory) {
        size_t size = strcspn(directory, ":");
        if (is_program(directory, size, name, path, path_size))
            return true;
        directory += size + (directory[size] == ':');
    }
    return false;
}

/* redis-check-rdb is the same binary as the server, and its package starts no service. */
static bool find_program(char *path, size_t path_size) {
    static const char *const names[] = {"redis-server", "valkey-server", "redis-check-rdb"};
    const char *chosen = getenv("LESSONSTORE_REDIS_SERVER");
    if (chosen && *chosen) {
        snprintf(path, path_size, "%s", chosen);
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (find_in_path(names[i], path, path_size))
            return true;
    }
    fprintf(stderr, "redis_server: none of redis-server, valkey-server and redis-check-rdb is in PATH\n");
    return false;
}

static int free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int port = -1;
    if (bind(fd, (struct sockaddr *)&address, size) == 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        port = ntohs(address.sin_port);
    close(fd);
    return port;
}

/* True if the server replies in the protocol; "-NOAUTH ..." is a reply too. */
static bool answers(const redis_server *server) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", server->socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct timeval limit = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    char reply[64];
    bool ready = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                 send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 && recv(fd, reply, sizeof reply, 0) > 0;
    close(fd);
    return ready;
}

typedef struct argument_list {
    const char *items[ARGUMENTS_MAX + 32]; /* ended by a NULL */
    size_t count;
} argument_list;

/* As many of `items` as there is room for. */
static void append(argument_list *list, const char *const items[]) {
    for (size_t i = 0; items[i] && list->count + 1 < sizeof list->items / sizeof *list->items; i++)
        list->items[list->count++] = items[i];
}

static void list_arguments(argument_list *list, const redis_server *server) {
    const char *const program[] = {"redis-server", server->configuration[0] ? server->configuration : NULL, NULL};
    const char *const place[] = {"--port",       server->port_text, "--bind", "127.0.0.1",
                                 "--unixsocket", server->socket,    "--dir",  server->directory,
                                 "--logfile",    server->log,       NULL};
    static const char *const behaviour[] = {"--save", "", "--appendonly", "no", "--daemonize", "no", NULL};
    const char *const node[] = {
        "--cluster-enabled", "yes", "--cluster-port", server->bus_port_text, "--cluster-config-file",
        "nodes.conf",        NULL};
    static const char *const sentinel[] = {"--sentinel", NULL};
    append(list, program);
    append(list, place);
    append(list, behaviour);
    const char *const tls[] = {"--tls-port",         server->tls_port_text, "--tls-cert-file",
                               server->tls_files[0], "--tls-key-file",      server->tls_files[1],
                               "--tls-ca-cert-file", server->tls_files[2],  NULL};
    static const char *const among_servers[] = {"--tls-replication", "yes", "--tls-cluster", "yes", NULL};
    if (server->certificates)
        append(list, tls);
    if (server->is_tls_only)
        append(list, among_servers);
    if (server->is_cluster_node)
        append(list, node);
    append(list, server->extra);
    if (server->is_sentinel)
        append(list, sentinel);
}

static void run_server(const char *program, const redis_server *server, pid_t parent) {
    argument_list list = {.count = 0};
    list_arguments(&list, server);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    execv(program, (char *const *)(uintptr_t)list.items);
    _exit(127);
}

static bool wait_until_ready(redis_server *server) {
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    for (int i = 0; i < READY_POLLS; i++) {
        if (answers(server))
            return true;
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
            server->pid = 0;
            return false;
        }
        nanosleep(&pause, NULL);
    }
    redis_server_kill(server);
    return false;
}

static bool launch(redis_server *server) {
    char program[PATH_MAX];
    if (!find_program(program, sizeof program))
        return false;
    unlink(server->socket);
    pid_t parent = getpid();
    server->pid = fork();
    if (server->pid == 0)
        run_server(program, server, parent);
    return server->pid > 0 && wait_until_ready(server);
}

static bool choose_tls_port(redis_server *server) {
    char location[48];
    if (!server->certificates)
        return true;
    server->tls_port = server->is_tls_only ? server->port : free_port();
    snprintf(server->tls_port_text, sizeof server->tls_port_text, "%d", server->tls_port);
    snprintf(location, sizeof location, "rediss://127.0.0.1:%d", server->tls_port);
    certificates_locate(server->tls_location, sizeof server->tls_location, server->certificates, location, "");
    return server->tls_port > 0;
}

static bool launch_on_free_port(redis_server *server) {
    for (int i = 0; i < START_ATTEMPTS; i++) {
        server->port = free_port();
        server->bus_port = free_port();
        if (server->port < 0 || server->bus_port < 0 || !choose_tls_port(server))
            return false;
        snprintf(server->bus_port_text, sizeof server->bus_port_text, "%d", server->bus_port);
        snprintf(server->port_text, sizeof server->port_text, "%d", server->is_tls_only ? 0 : server->port);
        snprintf(server->tcp_location, sizeof server->tcp_location, "redis://127.0.0.1:%d", server->port);
        if (launch(server))
            return true;
    }
    return false;
}

static bool make_directory(redis_server *server) {
    /* Not in TMPDIR, which may be too long for the path of a unix socket. */
    snprintf(server->directory, sizeof server->directory, "/tmp/lessonstore-redis-XXXXXX");
    if (!mkdtemp(server->directory))
        return false;
    snprintf(server->socket, sizeof server->socket, "%s/redis.sock", server->directory);
    snprintf(server->log, sizeof server->log, "%s/log", server->directory);
    snprintf(server->unix_location, sizeof server->unix_location, "redis+unix://%s", server->socket);
    return true;
}

static bool write_configuration(redis_server *server, const char *text) {
    if (!text)
        return true;
    snprintf(server->configuration, sizeof server->configuration, "%s/redis.conf", server->directory);
    FILE *file = fopen(server->configuration, "we");
    if (!file)
        return false;
    bool is_written = fputs(text, file) >= 0;
    return fclose(file) == 0 && is_written;
}

static void name_tls_files(redis_server *server, const char *name) {
    const char *directory = server->certificates->directory;
    name = name ? name : "server";
    snprintf(server->tls_files[0], sizeof server->tls_files[0], "%s/%s.crt", directory, name);
    snprintf(server->tls_files[1], sizeof server->tls_files[1], "%s/%s.key", directory, name);
    snprintf(server->tls_files[2], sizeof server->tls_files[2], "%s/ca.crt", directory);
}

static redis_server *start(redis_server *server, const redis_server_options *options) {
    const char *const *arguments = options->arguments;
    for (size_t i = 0; arguments && arguments[i] && i + 1 < ARGUMENTS_MAX; i++)
        server->extra[i] = arguments[i];
    server->certificates = options->certificates;
    if (options->certificates)
        name_tls_files(server, options->certificate);
    server->is_tls_only = options->is_tls_only;
    server->is_sentinel = options->is_sentinel;
    server->is_cluster_node = options->is_cluster_node;
    if (make_directory(server) && write_configuration(server, options->configuration) && launch_on_free_port(server))
        return server;
    fprintf(stderr, "redis_server: the server did not start (log: %s)\n", server->log);
    if (getenv("LESSONSTORE_KEEP_LOGS"))
        free(server);
    else
        redis_server_stop(server);
    return NULL;
}

redis_server *redis_server_start_with(const redis_server_options *options) {
    redis_server *server = calloc(1, sizeof *server);
    return server ? start(server, options) : NULL;
}

redis_server *redis_server_start(const char *const arguments[]) {
    const redis_server_options options = {.arguments = arguments};
    return redis_server_start_with(&options);
}

redis_server *redis_server_start_tls(const certificates *made, const char *name, const char *const arguments[]) {
    const redis_server_options options = {.arguments = arguments, .certificates = made, .certificate = name};
    return redis_server_start_with(&options);
}

void redis_server_kill(redis_server *server) {
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGKILL);
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    server->pid = 0;
    server->is_paused = false;
}

void redis_server_pause(redis_server *server) {
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGSTOP);
    server->is_paused = true;
}

void redis_server_resume(redis_server *server) {
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGCONT);
    server->is_paused = false;
}

bool redis_server_is_running(const redis_server *server) {
    return server->pid > 0 && !server->is_paused;
}

bool redis_server_restart(redis_server *server) {
    redis_server_kill(server);
    return launch(server);
}

void redis_server_stop(redis_server *server) {
    if (!server)
        return;
    redis_server_kill(server);
    if (server->directory[0])
        tree_remove(server->directory);
    free(server);
}

pid_t redis_server_pid(const redis_server *server) {
    return server->pid;
}

int redis_server_tls_port(const redis_server *server) {
    return server->tls_port;
}

const char *redis_server_tls_port_text(const redis_server *server) {
    return server->tls_port_text;
}

const char *redis_server_tls_location(const redis_server *server) {
    return server->tls_location;
}

int redis_server_port(const redis_server *server) {
    return server->port;
}

int redis_server_bus_port(const redis_server *server) {
    return server->bus_port;
}

const char *redis_server_socket(const redis_server *server) {
    return server->socket;
}

const char *redis_server_unix_location(const redis_server *server) {
    return server->unix_location;
}

const char *redis_server_tcp_location(const redis_server *server) {
    return server->tcp_location;
}
