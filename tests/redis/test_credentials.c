/* Passwords of the location and of a file, users, names of connections, and the options and paths that go with
 * Sentinels. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "false_sentinel.h"
#include "raw.h"

#define FILE_MAX 4096 /* bytes of a password file */

/* ---- A password file */

struct file {
    char directory[64];
    char path[96];
    char options[192];
};

static void make_file(struct file *file) {
    strcpy(file->directory, "/tmp/lessonstore-credentials-XXXXXX");
    assert_non_null(mkdtemp(file->directory));
    snprintf(file->path, sizeof file->path, "%.60s/password", file->directory);
    snprintf(file->options, sizeof file->options, "?pool=1&password_file=%s", file->path);
}

static void write_bytes(const struct file *file, const char *bytes, size_t size) {
    FILE *out = fopen(file->path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
}

static void write_file(const struct file *file, const char *text) {
    write_bytes(file, text, strlen(text));
}

static void remove_file(const struct file *file) {
    unlink(file->path);
    rmdir(file->directory);
}

static void require(raw_server *raw, const char *password) {
    raw_do(raw, "CONFIG SET requirepass %s", password);
}

static void assert_opens(const raw_server *raw, const char *options) {
    lesson_store *store = raw_open_store(raw, options);
    assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
    lesson_store_close(store);
}

static void assert_hidden(void) {
    if (strstr(lesson_store_message(), "s3cret"))
        fail_msg("\"%s\" shows the password", lesson_store_message());
}

static void assert_file_refused(const raw_server *raw, const struct file *file, const char *part) {
    char location[384];
    snprintf(location, sizeof location, "%s%s", redis_server_unix_location(raw->server), file->options);
    raw_refuse(location, LESSON_STORE_DENIED, "password_file");
    raw_assert_message(part);
    assert_hidden();
}

/* The first line counts, whatever ends it. */
static void test_a_password_file(void **state) {
    raw_server *raw = *state;
    static const char *const texts[] = {"s3cret", "s3cret\n", "s3cret\r\n", "s3cret\nanother",
                                        "s3cret\r\n\r\n# note\n"};
    struct file file;
    make_file(&file);
    require(raw, "s3cret");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file(&file, texts[i]);
        assert_opens(raw, file.options);
    }
    require(raw, " s3cret "); /* spaces are part of it */
    write_file(&file, " s3cret \n");
    assert_opens(raw, file.options);
    require(raw, "");
    remove_file(&file);
}

static void test_the_longest_password_file(void **state) {
    raw_server *raw = *state;
    char text[FILE_MAX + 2];
    struct file file;
    make_file(&file);
    memset(text, 's', sizeof text);
    text[FILE_MAX] = '\0';
    require(raw, text);
    write_bytes(&file, text, FILE_MAX);
    assert_opens(raw, file.options);
    memset(text, '\n', sizeof text);
    memcpy(text, "s3cret", 6);
    write_bytes(&file, text, FILE_MAX + 1);
    assert_file_refused(raw, &file, "longer than 4096 bytes");
    require(raw, "");
    remove_file(&file);
}

static void test_wrong_password_files(void **state) {
    raw_server *raw = *state;
    static const char *const empty[] = {"", "\n", "\r\n", "\ns3cret\n", "\r\ns3cret"};
    struct file file;
    make_file(&file);
    assert_file_refused(raw, &file, "No such file");
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        write_file(&file, empty[i]);
        assert_file_refused(raw, &file, "has no password in its first line");
    }
    write_bytes(&file, "\0s3cret", 7);
    assert_file_refused(raw, &file, "has no password in its first line");
    unlink(file.path);
    assert_int_equal(mkfifo(file.path, 0600), 0); /* nobody writes to it, and nobody waits for that */
    assert_file_refused(raw, &file, "has no password in its first line");
    unlink(file.path);
    assert_int_equal(mkdir(file.path, 0700), 0);
    assert_file_refused(raw, &file, "Is a directory");
    rmdir(file.path);
    remove_file(&file);
}

/* A secret is replaced in the file and at the server. Connections that are open go on, and the next one uses the new
 * secret; an old one in the file is noticed by each call, until it is replaced as well. */
static void test_a_password_that_is_rotated(void **state) {
    raw_server *raw = *state;
    struct file file;
    make_file(&file);
    require(raw, "first-s3cret");
    write_file(&file, "first-s3cret\n");
    lesson_store *store = raw_open_store(raw, file.options);
    assert_code(lesson_store_create(store, "L1", 0), OK);

    write_file(&file, "second-s3cret\n");
    require(raw, "second-s3cret");
    assert_code(lesson_store_join(store, "ann", "C1", "L1", NULL, 0, NULL), OK);
    raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
    assert_code(lesson_store_where(store, "ann", NULL), OK);

    require(raw, "third-s3cret");
    raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
    assert_code(lesson_store_where(store, "ann", NULL), DENIED);
    raw_assert_message("did not accept the password");
    assert_hidden();
    unlink(file.path);
    assert_code(lesson_store_where(store, "ann", NULL), DENIED);
    raw_assert_message("password_file");
    assert_hidden();
    write_file(&file, "third-s3cret\n");
    assert_code(lesson_store_where(store, "ann", NULL), OK);
    lesson_store_close(store);
    require(raw, "");
    remove_file(&file);
}

/* The file is read again when the process may be in another directory. */
static void test_a_relative_password_file(void **state) {
    raw_server *raw = *state;
    char before[4096];
    struct file file;
    make_file(&file);
    require(raw, "s3cret");
    write_file(&file, "s3cret\n");
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(file.directory), 0);
    lesson_store *store = raw_open_store(raw, "?pool=1&password_file=password");
    assert_int_equal(chdir("/"), 0);
    raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
    assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
    assert_int_equal(chdir(before), 0);
    lesson_store_close(store);
    require(raw, "");
    remove_file(&file);
}

/* ---- Users and passwords of the location */

static void open_as(const raw_server *raw, char location[384], const char *account, const char *options) {
    snprintf(location, 384, "redis://%s@127.0.0.1:%d%s", account, redis_server_port(raw->server), options);
}

static void assert_account(const raw_server *raw, const char *account, const char *options) {
    char location[384];
    lesson_store *store;
    open_as(raw, location, account, options);
    assert_code(lesson_store_open(&store, location), OK);
    assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
    lesson_store_close(store);
}

static void assert_account_refused(const raw_server *raw, const char *account, int code, const char *part) {
    char location[384];
    open_as(raw, location, account, "");
    raw_refuse(location, code, part);
    assert_hidden();
}

/* A server without a password would refuse AUTH with the password alone. */
static void test_an_empty_password_is_none(void **state) {
    raw_server *raw = *state;
    struct file file;
    assert_account(raw, ":", "");
    make_file(&file);
    write_file(&file, "s3cret");
    require(raw, "s3cret");
    assert_account_refused(raw, ":", LESSON_STORE_DENIED, "NOAUTH");
    assert_account(raw, ":", file.options);
    require(raw, "");
    remove_file(&file);
}

static void test_users(void **state) {
    raw_server *raw = *state;
    struct file file;
    make_file(&file);
    write_file(&file, "s3cret\n");
    raw_do(raw, "ACL SETUSER free on nopass ~* +@all");
    raw_do(raw, "ACL SETUSER bound on >s3cret ~* +@all");
    assert_account(raw, "free", "");
    assert_account(raw, "free:", "");
    assert_account(raw, "free:whatever-s3cret", "");
    assert_account(raw, "bound:s3cret", "");
    assert_account(raw, "bound", file.options);
    assert_account_refused(raw, "bound", LESSON_STORE_DENIED, "did not accept the user and password");
    assert_account_refused(raw, "bound:wrong-s3cret", LESSON_STORE_DENIED, "did not accept the user and password");
    assert_account_refused(raw, "nobody", LESSON_STORE_DENIED, "did not accept the user and password");
    raw_do(raw, "ACL DELUSER free bound");
    remove_file(&file);
}

/* ---- Names of connections */

static bool is_listed(raw_server *raw, const char *name) {
    char entry[64];
    snprintf(entry, sizeof entry, " name=%s ", name);
    redisReply *list = redisCommand(raw->commands, "CLIENT LIST");
    assert_non_null(list);
    bool is = strstr(list->str, entry) != NULL;
    freeReplyObject(list);
    return is;
}

static void test_names_of_connections(void **state) {
    raw_server *raw = *state;
    assert_true(is_listed(raw, "lessonstore")); /* the store of this test */
    assert_false(is_listed(raw, "room-7"));
    lesson_store *store = raw_open_store(raw, "?client_name=room-7");
    assert_true(is_listed(raw, "room-7"));
    lesson_store_close(store);
    store = raw_open_store(raw, "?client_name=%21~");
    assert_true(is_listed(raw, "!~"));
    lesson_store_close(store);
    assert_opens(raw, "?client_name="); /* none */
}

/* ---- Locations that contradict themselves */

static void test_a_host_that_is_too_long(void **state) {
    (void)state;
    char location[300] = "redis://";
    memset(location + 8, 'h', 256);
    raw_refuse(location, LESSON_STORE_INVALID, "a host has more than 255 bytes");
}

static void test_wrong_locations(void **state) {
    (void)state;
    static const struct {
        const char *location;
        const char *part;
    } wrong[] = {
        {"redis://:s3cret@h?password_file=/p", "the password is given twice"},
        {"redis+unix://ann:s3cret@/run/s?password_file=/p", "the password is given twice"},
        {"redis+sentinel://:s3cret@h/school?password_file=/p", "the password is given twice"},
        {"redis://h?password_file=", "the option password_file is empty"},
        {"redis+sentinel://h/school?sentinel_password=s3cret&sentinel_password_file=/p",
         "the password is given twice, by sentinel_password and by sentinel_password_file"},
        {"redis+sentinel://h/school?sentinel_password_file=", "the option sentinel_password_file is empty"},
        {"redis://h?sentinel_password_file=/p", "redis: has no Sentinels"},
        {"redis://h?client_name=a%20b", "the client_name"},
        {"redis://h?client_name=a b", "the client_name"},
        {"redis://h?client_name=caf%C3%A9", "the client_name"},
        {"redis://h?sentinel_username=ann", "redis: has no Sentinels"},
        {"redis+unix:///run/s?sentinel_password=s3cret", "redis+unix: has no Sentinels"},
        {"redis+cluster://h?sentinel_password=s3cret", "redis+cluster: has no Sentinels"},
        {"redis+sentinel://h/school?role=any", "redis+sentinel: always means the primary"},
        {"redis+sentinel://h", "there is no name of a master"},
        {"redis+sentinel://h/", "there is no name of a master"},
        {"redis+sentinel://h//3", "there is no name of a master"},
        {"redis+sentinel:///school", "there is no host"},
        {"redis+sentinel://h/school/x", "the number of a database"},
        {"redis+sentinel://h/school/3/4", "the number of a database"},
        {"redis+sentinel://h/school/65536", "the number of a database"},
        {"redis+sentinel://h/school/3?db=3", "the database is given twice"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        raw_refuse(wrong[i].location, LESSON_STORE_INVALID, wrong[i].part);
        assert_hidden();
    }
}

/* ---- What follows the name of a primary is its database */

static void assert_database(raw_server *raw, const false_sentinel *sentinel, const char *path, int db) {
    char location[128];
    lesson_store *store;
    snprintf(location, sizeof location, "redis+sentinel://127.0.0.1:%d%s", false_sentinel_port(sentinel), path);
    assert_code(lesson_store_open(&store, location), OK);
    assert_code(lesson_store_create(store, "L1", 0), OK);
    lesson_store_close(store);
    raw_do(raw, "SELECT %d", db);
    assert_int_equal(raw_number(raw, "DBSIZE"), 1);
    raw_do(raw, "FLUSHALL");
    raw_do(raw, "SELECT 0");
}

static void test_databases_behind_sentinels(void **state) {
    raw_server *raw = *state;
    false_sentinel *sentinel = false_sentinel_start();
    false_sentinel_name(sentinel, redis_server_port(raw->server), 1);
    assert_database(raw, sentinel, "/school", 0);
    assert_database(raw, sentinel, "/school/", 0);
    assert_database(raw, sentinel, "/school/3", 3);
    assert_database(raw, sentinel, "/school?db=3", 3);
    assert_database(raw, sentinel, "/school/?db=3", 3);
    false_sentinel_stop(sentinel);
}

/* The file is read for each connection to a Sentinel, and never for the server. */
static void test_a_password_file_for_sentinels(void **state) {
    raw_server *raw = *state;
    char location[256];
    lesson_store *store;
    struct file file;
    false_sentinel *sentinel = false_sentinel_start();
    false_sentinel_name(sentinel, redis_server_port(raw->server), 1);
    make_file(&file);
    snprintf(location, sizeof location, "redis+sentinel://127.0.0.1:%d/school?sentinel_password_file=%s",
             false_sentinel_port(sentinel), file.path);
    raw_refuse(location, LESSON_STORE_DENIED, "the sentinel_password_file: No such file");
    write_file(&file, "\n");
    raw_refuse(location, LESSON_STORE_DENIED, "the sentinel_password_file: has no password in its first line");
    write_file(&file, "s3cret\n");
    assert_code(lesson_store_open(&store, location), OK);
    assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
    lesson_store_close(store);
    false_sentinel_stop(sentinel);
    remove_file(&file);
}

/* ---- What a store says about its place */

struct listener {
    int left; /* facts that are wanted */
    int heard;
    bool is_replica, has_warning;
};

static bool hear(const char *name, const char *value, void *context) {
    struct listener *listener = context;
    listener->heard++;
    listener->is_replica |= strcmp(name, "server_role") == 0 && strcmp(value, "replica") == 0;
    listener->has_warning |= strcmp(name, "warning") == 0 && strstr(value, "is a replica");
    return listener->left == 0 || listener->heard < listener->left;
}

static void test_information_ends_where_the_caller_wants(void **state) {
    raw_server *raw = *state;
    char location[128];
    lesson_store *store;
    struct listener all = {.left = 0};
    false_sentinel *sentinel = false_sentinel_start();
    false_sentinel_name(sentinel, redis_server_port(raw->server), 1);
    snprintf(location, sizeof location, "redis+sentinel://127.0.0.1:%d/school", false_sentinel_port(sentinel));
    assert_code(lesson_store_open(&store, location), OK);
    assert_code(lesson_store_info(store, hear, &all), OK);
    for (int i = 1; i <= all.heard; i++) {
        struct listener some = {.left = i};
        assert_code(lesson_store_info(store, hear, &some), OK);
        assert_int_equal(some.heard, i);
    }
    lesson_store_close(store);
    false_sentinel_stop(sentinel);
}

static void test_information_of_a_replica(void **state) {
    raw_server *raw = *state;
    struct listener listener = {.left = 0};
    raw_do(raw, "REPLICAOF 127.0.0.1 1");
    lesson_store *store = raw_open_store(raw, "?role=any&pool=1");
    assert_code(lesson_store_info(store, hear, &listener), OK);
    assert_true(listener.is_replica && listener.has_warning);
    for (int i = 1; i < listener.heard; i++) {
        struct listener some = {.left = i};
        assert_code(lesson_store_info(store, hear, &some), OK);
        assert_int_equal(some.heard, i);
    }
    lesson_store_close(store);
    raw_do(raw, "REPLICAOF NO ONE");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_password_file),
        TEST(the_longest_password_file),
        TEST(wrong_password_files),
        TEST(a_password_that_is_rotated),
        TEST(a_relative_password_file),
        TEST(an_empty_password_is_none),
        TEST(users),
        TEST(names_of_connections),
        TEST(a_host_that_is_too_long),
        TEST(wrong_locations),
        TEST(information_ends_where_the_caller_wants),
        TEST(information_of_a_replica),
        TEST(databases_behind_sentinels),
        TEST(a_password_file_for_sentinels),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
