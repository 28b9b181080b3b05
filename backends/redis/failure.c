#include "failure.h"

static const struct {
    const char *beginning;
    int code;
} meanings[] = {
    {"PARTLY ", LESSON_STORE_UNKNOWN}, /* a script of ours: it has written, and then a command failed */
    {"WRONGTYPE", LESSON_STORE_MALFORMED},
    {"OOM", LESSON_STORE_FULL},
    {"READONLY", LESSON_STORE_READ_ONLY},
    {"NOAUTH", LESSON_STORE_DENIED},
    {"NOPERM", LESSON_STORE_DENIED},
    {"WRONGPASS", LESSON_STORE_DENIED},
    {"DENIED", LESSON_STORE_DENIED}, /* protected mode */
    {"ERR invalid password", LESSON_STORE_DENIED},
    {"ERR AUTH", LESSON_STORE_DENIED},                      /* the location has a password, but the server has none */
    {"ERR ACL failure", LESSON_STORE_DENIED},               /* a script gets this instead of NOPERM */
    {"The user executing the script", LESSON_STORE_DENIED}, /* the same before Redis 7.2 */
    {"BUSY ", LESSON_STORE_BUSY},                           /* another client's script runs for too long */
    {"LOADING", LESSON_STORE_UNREACHABLE},
    {"NOREPLICAS", LESSON_STORE_UNREACHABLE},
    {"MISCONF", LESSON_STORE_READ_ONLY}, /* it cannot persist, and is set to refuse writes then */
    {"MASTERDOWN", LESSON_STORE_UNREACHABLE},
    {"CLUSTERDOWN", LESSON_STORE_UNREACHABLE},
    {"TRYAGAIN", LESSON_STORE_UNREACHABLE},
    {"ERR max number of clients", LESSON_STORE_UNREACHABLE},
    {"MOVED", LESSON_STORE_UNSUPPORTED}, /* only nodes of a Cluster return these three */
    {"ASK ", LESSON_STORE_UNSUPPORTED},
    {"CROSSSLOT", LESSON_STORE_UNSUPPORTED},
};

enum { MEANINGS = sizeof meanings / sizeof *meanings };

bool redis_failure_is(lesson_store_id error, const char *beginning) {
    size_t size = strlen(beginning);
    return error.size >= size && memcmp(error.data, beginning, size) == 0;
}

/* The server wraps an error that ended a script: the original error is somewhere within the text. */
static bool mentions(lesson_store_id error, const char *text) {
    return error.data && memmem(error.data, error.size, text, strlen(text));
}

/* A script met a key that this node does not have, or not any more, before it wrote anything. */
static bool is_of_other_node(lesson_store_id error) {
    return mentions(error, "non local key") || mentions(error, "undeclared keys") || mentions(error, "cluster is down");
}

bool redis_failure_is_transient(lesson_store_id error) {
    static const char *const beginnings[] = {"READONLY ",    "MASTERDOWN ", "LOADING ", "NOREPLICAS ", "MISCONF ",
                                             "CLUSTERDOWN ", "TRYAGAIN ",   "MOVED ",   "ERR MOVED ",  "ASK "};
    for (size_t i = 0; error.data && i < sizeof beginnings / sizeof *beginnings; i++) {
        if (redis_failure_is(error, beginnings[i]))
            return true;
    }
    return is_of_other_node(error) && !mentions(error, "PARTLY ");
}

/* The second form is that of Redis 6. A key in another error may name a line too. */
bool redis_failure_is_of_lua(lesson_store_id error) {
    return redis_failure_is(error, "ERR user_script:") ||
           (redis_failure_is(error, "ERR Error running script") && mentions(error, ": user_script:"));
}

bool redis_failure_is_denied_within(lesson_store_id error) {
    return mentions(error, "ACL failure in script") || mentions(error, "The user executing the script");
}

int redis_failure_code(lesson_store_id error) {
    for (size_t i = 0; i < MEANINGS; i++) {
        if (redis_failure_is(error, meanings[i].beginning))
            return meanings[i].code;
    }
    if (is_of_other_node(error))
        return LESSON_STORE_UNREACHABLE;
    for (size_t i = 0; mentions(error, "script") && i < MEANINGS; i++) {
        if (mentions(error, meanings[i].beginning))
            return meanings[i].code;
    }
    return LESSON_STORE_FAILED;
}
