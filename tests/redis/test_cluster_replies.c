/*
 * What nodes of a Cluster say, in the forms of the versions of Redis and Valkey, and in none: the replies to CLUSTER
 * SLOTS, redirections, and the slots of keys. The functions of backends/redis are linked into this program, on
 * connections of its own that answer with prepared bytes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "backends/redis/cluster.h"
#include "backends/redis/slots.h"
#include "cmocka_all.h"
#include "dice.h"

/* ---- Connections */

static struct {
    const char *bytes; /* the reply of each node */
    size_t size;
    int unreachable;  /* as many nodes cannot be connected to */
    const int *codes; /* of connecting to each node, instead; NULL: none */
    int asked;
    redis_address latest;
} peers;

int redis_connection_open(redis_connection *connection, const redis_address *address, int64_t until_us) {
    (void)until_us;
    connection->address = *address;
    peers.latest = *address;
    int index = peers.asked++, code = index < peers.unreachable ? LESSON_STORE_UNREACHABLE : LESSON_STORE_OK;
    code = peers.codes ? peers.codes[index] : code;
    return code ? lesson_store_fail(code, "not connected: %s", lesson_store_code_name(code)) : LESSON_STORE_OK;
}

redis_exchange_end redis_connection_exchange_words(redis_connection *connection, const char *const *words,
                                                   redis_reply *reply) {
    (void)connection;
    void *whole = NULL;
    redisReader *reader = redis_reader_create();
    assert_non_null(reader);
    assert_string_equal(words[0], "CLUSTER");
    assert_string_equal(words[1], "SLOTS");
    assert_null(words[2]);
    redis_reader_collect(reader, reply);
    assert_int_equal(redisReaderFeed(reader, peers.bytes, peers.size), REDIS_OK);
    int code = redisReaderGetReply(reader, &whole);
    redisReaderFree(reader);
    if (code != REDIS_OK)
        return REDIS_GARBLED;
    return whole ? REDIS_ANSWERED : REDIS_UNANSWERED_IN_TIME;
}

void redis_connection_close(redis_connection *connection) {
    connection->under_way = 0;
}

void redis_connection_free(redis_connection *connection) {
    redis_connection_close(connection);
}

/* ---- Replies, written as [[0 16383 ['host' 7000 'id' []]]]: arrays, numbers, texts and nil */

static size_t count_items(const char *text) {
    size_t count = 0, depth = 0;
    for (bool is_within = false; *text && (depth > 0 || *text != ']'); text++) {
        bool is_item = *text != ' ' && *text != ']';
        count += depth == 0 && is_item && !is_within;
        is_within = depth == 0 ? is_item && *text != '[' : false;
        depth += *text == '[';
        depth -= *text == ']';
    }
    return count;
}

static void encode(FILE *out, const char *text) {
    while (*text) {
        size_t size = strcspn(text, " []");
        if (*text == '[')
            fprintf(out, "*%zu\r\n", count_items(text + 1));
        else if (*text == '\'')
            fprintf(out, "$%zu\r\n%.*s\r\n", size - 2, (int)size - 2, text + 1);
        else if (size > 0)
            fprintf(out, "%s%.*s\r\n", *text == 'n' ? "$-" : ":", (int)size, *text == 'n' ? "1" : text);
        text += size > 0 ? size : 1;
    }
}

struct asker {
    redis_settings settings;
    redis_address addresses[2];
    redis_cluster cluster;
    redis_address owner;
};

/* NULL: the prefix without a tag, whose keys are in all slots. */
static void start_asking(struct asker *asker, char *prefix) {
    static char shown[] = "redis+cluster://seed", plain[] = "STATUS";
    memset(asker, 0, sizeof *asker);
    memset(&peers, 0, sizeof peers);
    assert_true(redis_address_set(&asker->addresses[0], "seed", 4, 7001));
    assert_true(redis_address_set(&asker->addresses[1], "second", 6, 7002));
    asker->settings = (redis_settings){.shown = shown,
                                       .kind = REDIS_CLUSTER,
                                       .addresses = asker->addresses,
                                       .address_count = 2,
                                       .prefix = prefix ? prefix : plain,
                                       .keys_are_apart = !prefix};
    assert_int_equal(redis_cluster_open(&asker->cluster, &asker->settings, NULL), LESSON_STORE_OK);
}

static void stop_asking(struct asker *asker) {
    redis_cluster_close(&asker->cluster);
}

static int find(struct asker *asker, const char *bytes, size_t size) {
    const redis_address nobody = {.port = 0};
    peers.bytes = bytes;
    peers.size = size;
    peers.asked = 0;
    asker->cluster.count = 0; /* what earlier replies named is forgotten */
    return redis_cluster_find(&asker->cluster, &nobody, &asker->owner, lesson_store_monotonic_us() + 60000000, NULL);
}

static int find_in_text(struct asker *asker, const char *text) {
    char *bytes;
    size_t size;
    FILE *out = open_memstream(&bytes, &size);
    assert_non_null(out);
    encode(out, text);
    fclose(out);
    int code = find(asker, bytes, size);
    free(bytes);
    return code;
}

static void expect_owner(struct asker *asker, const char *text, const char *host, int port, int nodes) {
    int code = find_in_text(asker, text);
    if (code)
        fail_msg("%s: %s: %s", text, lesson_store_code_name(code), lesson_store_message());
    assert_string_equal(asker->owner.host, host);
    assert_int_equal(asker->owner.port, port);
    assert_int_equal(asker->cluster.count, nodes);
}

static void expect_failure(struct asker *asker, const char *text, int code, const char *part) {
    int found = find_in_text(asker, text);
    if (found != code || !strstr(lesson_store_message(), part))
        fail_msg("%s: %s: %s", text, lesson_store_code_name(found), lesson_store_message());
}

/* ---- Slots */

static void test_slots_of_keys(void **state) {
    (void)state;
    assert_int_equal(redis_slot_of("123456789"), 0x31c3);
    assert_int_equal(redis_slot_of("foo"), 12182);
    assert_int_equal(redis_slot_of("{foo}"), 12182);
    assert_int_equal(redis_slot_of("any{foo}{bar}"), 12182);
    assert_int_equal(redis_slot_of("{user1000}.following"), redis_slot_of("{user1000}.followers"));
    assert_int_not_equal(redis_slot_of("foo{}{bar}"), redis_slot_of("bar")); /* an empty tag is none */
    assert_int_equal(redis_slot_of("foo{{bar}}zap"), redis_slot_of("{{bar}"));
    assert_int_equal(redis_slot_of(""), 0);
    assert_true(redis_has_tag("{a}"));
    assert_true(redis_has_tag("x{a}y"));
    assert_false(redis_has_tag("a"));
    assert_false(redis_has_tag("{}"));
    assert_false(redis_has_tag("{}{a}"));
    assert_false(redis_has_tag("{a"));
    assert_false(redis_has_tag("}a{"));
}

/* ---- Forms of CLUSTER SLOTS. The slot of {foo} is 12182 */

static void test_forms_of_versions(void **state) {
    (void)state;
    struct asker asker;
    char prefix[] = "{foo}";
    start_asking(&asker, prefix);
    /* Redis 4 to 6.2, node by node, so that the ranges are in any order */
    expect_owner(&asker,
                 "[[10923 16383 ['10.0.0.3' 7003 'c'] ['10.0.0.6' 7006 'f']] [0 5460 ['10.0.0.1' 7001 'a']] "
                 "[5461 10922 ['10.0.0.2' 7002 'b']]]",
                 "10.0.0.3", 7003, 4);
    /* Redis 3: nodes without an id, of which only the primaries can be told */
    expect_owner(&asker, "[[0 12181 ['10.0.0.1' 7001]] [12182 12182 ['10.0.0.2' 7002]]]", "10.0.0.2", 7002, 2);
    /* Redis 7 and Valkey 8: an array about each node */
    expect_owner(&asker,
                 "[[0 5460 ['10.0.0.1' 7001 'a' []]] [5461 16383 ['10.0.0.2' 7002 'b' ['hostname' 'two.test']] "
                 "['10.0.0.5' 7005 'e' ['hostname' 'five.test']]]]",
                 "10.0.0.2", 7002, 3);
    /* the same where host names are preferred */
    expect_owner(&asker, "[[0 16383 ['two.test' 7002 'b' ['ip' '10.0.0.2']] ['five.test' 7005 'e' ['ip' '10.0.0.5']]]]",
                 "two.test", 7002, 2);
    /* where endpoints are unknown: the one that was asked */
    expect_owner(&asker, "[[0 16383 [nil 7002 'b' ['ip' '10.0.0.2']] [nil 7005 'e' ['ip' '10.0.0.5' 'hostname' 'x']]]]",
                 "seed", 7002, 2);
    expect_owner(&asker, "[[0 16383 ['' 7002 'b']]]", "seed", 7002, 1);
    expect_owner(&asker, "[[0 16383 ['?' 7002 'b' ['ip' '10.0.0.2']]]]", "seed", 7002, 1);
    /* IPv6, and more than any version tells yet */
    expect_owner(&asker, "[[0 16383 ['::1' 7002 'b' ['zone' 'a' 'more' nil] 'new'] ['fe80::2' 7005 'e' []]]]", "::1",
                 7002, 2);
    /* the same node several times */
    expect_owner(&asker, "[[0 100 ['h' 1 'a']] [101 200 ['h' 1 'a']] [201 16383 ['h' 1 'a'] ['h' 1 'a']]]", "h", 1, 1);
    stop_asking(&asker);
}

static void test_slots_without_an_owner(void **state) {
    (void)state;
    struct asker asker;
    char prefix[] = "{foo}";
    start_asking(&asker, prefix);
    expect_owner(&asker, "[[12182 12182 ['h' 7 'a']]]", "h", 7, 1);
    expect_failure(&asker, "[[0 12181 ['h' 7 'a']] [12183 16383 ['h' 7 'a']]]", LESSON_STORE_UNREACHABLE,
                   "slots without an owner");
    expect_failure(&asker, "[]", LESSON_STORE_UNREACHABLE, "slots without an owner");
    stop_asking(&asker);
    start_asking(&asker, NULL);
    expect_owner(&asker, "[[0 16383 ['h' 7 'a']]]", "h", 7, 1);
    expect_owner(&asker, "[[8000 16383 ['h' 7 'a'] ['r' 8 'b']] [0 7999 ['h' 7 'a'] ['r' 8 'b']]]", "h", 7, 2);
    expect_failure(&asker, "[[0 16382 ['h' 7 'a']]]", LESSON_STORE_UNREACHABLE, "slots without an owner");
    expect_failure(&asker, "[[0 1 ['h' 7 'a']] [2 16383 ['h' 8 'b']]]", LESSON_STORE_UNSUPPORTED,
                   "spread over several shards: give the prefix a tag, as prefix={STATUS}");
    stop_asking(&asker);
}

static void test_replies_that_are_refused(void **state) {
    (void)state;
    static const char *const malformed[] = {
        "nil",
        "16383",
        "'OK'",
        "['a']",
        "[[0]]",
        "[[0 16383]]",
        "[[0 16383 []]]",
        "[[0 16383 ['h']]]",
        "[[0 16383 ['h' 'i']]]",
        "[[0 16383 [7 7 'a']]]",
        "[['0' '16383' ['h' 7 'a']]]",
        "[[0 nil ['h' 7 'a']]]",
        "[[-1 16383 ['h' 7 'a']]]",
        "[[0 16384 ['h' 7 'a']]]",
        "[[0 9223372036854775807 ['h' 7 'a']]]",
        "[[-9223372036854775807 16383 ['h' 7 'a']]]",
        "[[9 8 ['h' 7 'a']]]",
        "[[0 16383 ['h' 0 'a']]]",
        "[[0 16383 ['h' -1 'a']]]",
        "[[0 16383 ['h' 65536 'a']]]",
        "[[0 16383 ['h' 4294967297 'a']]]",
        "[[0 16383 ['h' 7 'a'] ['r' 65536 'b']]]",
        "[[0 16383 ['h' 7 'a'] ['r' 7 8]]]",
        "[[0 16383 ['h\t' 7 'a']]]",
        /* a slot of two owners: the sum of the slots is as it should be */
        "[[0 8191 ['h' 7 'a']] [0 8191 ['h' 7 'a']]]",
        "[[0 16383 ['h' 7 'a']] [5 5 ['h' 7 'a']]]",
        "[[0 16383 ['h' 7 'a']] [12182 12182 ['i' 8 'b']]]",
    };
    char tag[] = "{foo}", *const prefixes[] = {tag, NULL};
    for (int i = 0; i < 2; i++) {
        struct asker asker;
        start_asking(&asker, prefixes[i]);
        for (size_t j = 0; j < sizeof malformed / sizeof *malformed; j++)
            expect_failure(&asker, malformed[j], LESSON_STORE_FAILED, "the reply to CLUSTER SLOTS is malformed");
        stop_asking(&asker);
    }
}

/* An empty host stands for a unix socket, so none may begin with a NUL. */
static void test_hosts_that_are_none(void **state) {
    (void)state;
    static const char nul[] = "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$2\r\n\0h\r\n:7\r\n$1\r\na\r\n";
    char text[400], host[300], prefix[] = "{foo}";
    struct asker asker;
    start_asking(&asker, prefix);
    assert_int_equal(find(&asker, nul, sizeof nul - 1), LESSON_STORE_FAILED);
    memset(host, 'h', sizeof host);
    snprintf(text, sizeof text, "[[0 16383 ['%.255s' 7 'a']]]", host);
    assert_int_equal(find_in_text(&asker, text), LESSON_STORE_OK);
    snprintf(text, sizeof text, "[[0 16383 ['%.256s' 7 'a']]]", host);
    expect_failure(&asker, text, LESSON_STORE_FAILED, "malformed");
    stop_asking(&asker);
}

static void test_errors_instead(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        int code;
        const char *part;
    } errors[] = {
        {"-ERR This instance has cluster support disabled\r\n", LESSON_STORE_UNSUPPORTED, "write redis://"},
        {"-NOPERM this user has no permissions\r\n", LESSON_STORE_DENIED, "NOPERM"},
        {"-NOAUTH Authentication required.\r\n", LESSON_STORE_DENIED, "NOAUTH"},
        {"-LOADING Redis is loading\r\n", LESSON_STORE_UNREACHABLE, "LOADING"},
        {"-ERR unknown command 'CLUSTER'\r\n", LESSON_STORE_FAILED, "unknown command"},
        {"-\r\n", LESSON_STORE_FAILED, ""},
    };
    struct asker asker;
    start_asking(&asker, NULL);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        assert_int_equal(find(&asker, errors[i].bytes, strlen(errors[i].bytes)), errors[i].code);
        assert_non_null(strstr(lesson_store_message(), errors[i].part));
    }
    stop_asking(&asker);
}

/* ---- Replies that are cut or garbled. What is accepted names a host and a port */

#define WHOLE                                                                                                         \
    "*2\r\n*3\r\n:0\r\n:8191\r\n*4\r\n$2\r\nh1\r\n:7001\r\n$1\r\na\r\n*2\r\n$2\r\nip\r\n$3\r\n::1\r\n*4\r\n:8192\r\n" \
    ":16383\r\n*4\r\n$-1\r\n:7002\r\n$1\r\nb\r\n*0\r\n*3\r\n$0\r\n\r\n:7003\r\n$1\r\nc\r\n"

static void expect_sane(struct asker *asker, const char *bytes, size_t size) {
    int code = find(asker, bytes, size);
    if (code)
        return;
    assert_true(redis_is_host(asker->owner.host, strlen(asker->owner.host)));
    assert_in_range(asker->owner.port, 1, 65535);
}

static void test_replies_that_are_cut(void **state) {
    (void)state;
    char prefix[] = "{foo}";
    struct asker asker;
    start_asking(&asker, prefix);
    assert_int_equal(find(&asker, WHOLE, sizeof WHOLE - 1), LESSON_STORE_OK);
    assert_string_equal(asker.owner.host, "seed");
    assert_int_equal(asker.owner.port, 7002);
    for (size_t size = 0; size < sizeof WHOLE - 1; size++)
        assert_int_equal(find(&asker, WHOLE, size), LESSON_STORE_UNREACHABLE);
    stop_asking(&asker);
}

static void test_replies_that_are_garbled(void **state) {
    (void)state;
    static const char odd[] = "\0\r\n*$:+-0159~\xff";
    char bytes[sizeof WHOLE], tag[] = "{foo}", *const prefixes[] = {tag, NULL};
    dice_state dice = {20261126};
    for (int with_tag = 0; with_tag < 2; with_tag++) {
        struct asker asker;
        start_asking(&asker, prefixes[with_tag]);
        for (size_t at = 0; at < sizeof WHOLE - 1; at++) {
            for (size_t i = 0; i < sizeof odd - 1; i++) {
                memcpy(bytes, WHOLE, sizeof WHOLE);
                bytes[at] = odd[i];
                expect_sane(&asker, bytes, sizeof WHOLE - 1);
            }
        }
        for (int i = 0; i < 5000; i++) {
            memcpy(bytes, WHOLE, sizeof WHOLE);
            for (unsigned left = 1 + dice_below(&dice, 6); left > 0; left--)
                bytes[dice_below(&dice, sizeof WHOLE - 1)] = odd[dice_below(&dice, sizeof odd - 1)];
            expect_sane(&asker, bytes, sizeof WHOLE - 1);
        }
        stop_asking(&asker);
    }
}

/* Items in any order, each array whole. */
static void write_random(char *text, size_t size, dice_state *dice) {
    static const char *const items[] = {"0",   "16383", "8191", "8192", "12182", "7001", "65536", "-1",
                                        "'h'", "''",    "'?'",  "nil",  "'::1'", "[",    "[",     "]"};
    size_t used = (size_t)snprintf(text, size, "[[0 16383 ['h' 7 'a'");
    int depth = 3;
    for (unsigned left = dice_below(dice, 12); left > 0; left--) {
        const char *item = items[dice_below(dice, sizeof items / sizeof *items)];
        if ((*item == ']' && depth == 1) || (*item == '[' && depth == 6))
            continue;
        depth += (*item == '[') - (*item == ']');
        used += (size_t)snprintf(text + used, size - used, " %s", item);
    }
    for (; depth > 0; depth--)
        used += (size_t)snprintf(text + used, size - used, "]");
}

static void test_random_replies(void **state) {
    (void)state;
    dice_state dice = {20261127};
    struct asker asker;
    int accepted = 0;
    start_asking(&asker, NULL);
    for (int i = 0; i < 20000; i++) {
        char text[512];
        write_random(text, sizeof text, &dice);
        if (find_in_text(&asker, text))
            continue;
        accepted++;
        assert_string_equal(asker.owner.host, "h");
        assert_int_equal(asker.owner.port, 7);
    }
    assert_in_range(accepted, 1000, 19000);
    stop_asking(&asker);
}

/* ---- Whom it asks */

static void test_nodes_are_asked_in_turn(void **state) {
    (void)state;
    static const char whole[] = "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$1\r\nh\r\n:7\r\n$1\r\na\r\n";
    struct asker asker;
    redis_address hint = {.host = "hint", .port = 9};
    int64_t until_us = lesson_store_monotonic_us() + 60000000;
    start_asking(&asker, NULL);
    peers.bytes = whole;
    peers.size = sizeof whole - 1;
    assert_int_equal(redis_cluster_find(&asker.cluster, &hint, &asker.owner, until_us, NULL), LESSON_STORE_OK);
    assert_string_equal(peers.latest.host, "hint");
    /* now "h" is known as well. It is the last owner, so it is asked last */
    static const char *const order[] = {"hint", "seed", "second", "h"};
    for (int i = 0; i < 4; i++) {
        peers.asked = 0;
        peers.unreachable = i;
        assert_int_equal(redis_cluster_find(&asker.cluster, &hint, &asker.owner, until_us, NULL), LESSON_STORE_OK);
        assert_int_equal(peers.asked, i + 1);
        assert_string_equal(peers.latest.host, order[i]);
    }
    peers.asked = 0;
    peers.unreachable = 4;
    assert_int_equal(redis_cluster_find(&asker.cluster, &hint, &asker.owner, until_us, NULL), LESSON_STORE_UNREACHABLE);
    assert_int_equal(peers.asked, 4);
    assert_string_equal(asker.owner.host, "h");
    stop_asking(&asker);
}

/* A node that names no owner says more than one that refuses us, and that one more than one that is gone. */
static void test_why_no_owner_is_found(void **state) {
    (void)state;
    static const struct {
        int codes[2];
        int code;
        const char *part;
    } trials[] = {
        {{LESSON_STORE_DENIED, LESSON_STORE_UNREACHABLE}, LESSON_STORE_DENIED, "not connected: DENIED"},
        {{LESSON_STORE_UNREACHABLE, LESSON_STORE_DENIED}, LESSON_STORE_DENIED, "not connected: DENIED"},
        {{LESSON_STORE_DENIED, LESSON_STORE_OK}, LESSON_STORE_UNREACHABLE, "slots without an owner"},
        {{LESSON_STORE_OK, LESSON_STORE_DENIED}, LESSON_STORE_UNREACHABLE, "slots without an owner"},
    };
    struct asker asker;
    start_asking(&asker, NULL);
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        peers.codes = trials[i].codes;
        expect_failure(&asker, "[]", trials[i].code, trials[i].part);
        assert_int_equal(peers.asked, 2);
    }
    stop_asking(&asker);
}

static void test_some_nodes_are_remembered(void **state) {
    (void)state;
    char *text;
    size_t size;
    struct asker asker;
    start_asking(&asker, NULL);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fprintf(out, "[[0 16383 ['h' 1 'a']");
    for (int port = 2; port <= 2 * REDIS_NODES_MAX; port++)
        fprintf(out, " ['h' %d 'b']", port);
    fprintf(out, "]]");
    fclose(out);
    expect_owner(&asker, text, "h", 1, REDIS_NODES_MAX);
    free(text);
    stop_asking(&asker);
}

/* ---- Redirections */

static bool redirect(redis_address *node, const char *error) {
    const redis_address from = {.host = "from", .port = 1};
    *node = (redis_address){.host = "before", .port = 2};
    return redis_cluster_read_redirection(node, lesson_store_id_of(error), &from);
}

static void test_redirections(void **state) {
    (void)state;
    static const struct {
        const char *error, *host;
        int port;
    } followed[] = {
        {"MOVED 3999 127.0.0.1:6381", "127.0.0.1", 6381},
        {"ASK 0 127.0.0.1:6381", "127.0.0.1", 6381},
        {"MOVED 16383 ::1:65535", "::1", 65535},
        {"MOVED 16383 node-1.test:1", "node-1.test", 1},
        {"MOVED 1 :6381", "from", 6381},
        {"MOVED 1 ?:6381", "from", 6381},
        /* of a script */
        {"ERR MOVED 3999 127.0.0.1:6381", "127.0.0.1", 6381},
        {"ERR Error running script (call to f_1): @user_script:12: MOVED 3999 h:6381", "h", 6381},
        {"MOVED 3999 h:6381 script: f_1, on @user_script:1.", "h", 6381},
    };
    static const char *const others[] = {
        "",
        "MOVED",
        "MOVED ",
        "MOVED 1",
        "MOVED 1 ",
        "MOVED 1 h",
        "MOVED 1 h:",
        "MOVED 1 h:0",
        "MOVED 1 h:65536",
        "MOVED 1 h:99999999999999999999",
        "MOVED 1 h:63x1",
        "MOVED 1 h:-1",
        "MOVED 1 h:+1",
        "MOVED  h:1",
        "MOVED x h:1",
        "MOVED -1 h:1",
        "MOVED 16384 h:1",
        "MOVED 99999999999 h:1",
        "MOVED 1  h:1",
        "MOVED 1 h\t:1",
        "moved 1 h:1",
        "ASKING 1 h:1",
        "CROSSSLOT Keys in request don't hash to the same slot",
    };
    char long_error[600];
    redis_address node;
    for (size_t i = 0; i < sizeof followed / sizeof *followed; i++) {
        if (!redirect(&node, followed[i].error))
            fail_msg("%s", followed[i].error);
        assert_string_equal(node.host, followed[i].host);
        assert_int_equal(node.port, followed[i].port);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (redirect(&node, others[i]))
            fail_msg("%s", others[i]);
        assert_string_equal(node.host, "before");
        assert_int_equal(node.port, 2);
    }
    assert_false(redis_cluster_read_redirection(&node, (lesson_store_id){NULL, 0}, &node));
    /* Neither a long host nor many words before cut the port. */
    memset(long_error, 'h', sizeof long_error);
    memcpy(long_error, "MOVED 1 ", 8);
    strcpy(long_error + 8 + 255, ":65535");
    assert_true(redirect(&node, long_error));
    assert_int_equal(node.port, 65535);
    memset(long_error, 'h', sizeof long_error);
    memcpy(long_error, "MOVED 1 ", 8);
    strcpy(long_error + 8 + 256, ":65535");
    assert_false(redirect(&node, long_error));
    memset(long_error, 'w', sizeof long_error);
    strcpy(long_error + 500, " MOVED 1 h:65535");
    assert_true(redirect(&node, long_error));
    assert_int_equal(node.port, 65535);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_of_keys),          cmocka_unit_test(test_forms_of_versions),
        cmocka_unit_test(test_slots_without_an_owner), cmocka_unit_test(test_replies_that_are_refused),
        cmocka_unit_test(test_hosts_that_are_none),    cmocka_unit_test(test_errors_instead),
        cmocka_unit_test(test_replies_that_are_cut),   cmocka_unit_test(test_replies_that_are_garbled),
        cmocka_unit_test(test_random_replies),         cmocka_unit_test(test_nodes_are_asked_in_turn),
        cmocka_unit_test(test_why_no_owner_is_found),  cmocka_unit_test(test_some_nodes_are_remembered),
        cmocka_unit_test(test_redirections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
