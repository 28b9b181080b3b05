/* Owners, their leases, and the sweep: each step is one transaction. */
#include <inttypes.h>
#include <stdio.h>

#include "sqlite.h"

#define STEP "500" /* users who are put out in one transaction */

/* ---- Leases */

int sqlite_find_holder(sqlite_store *sqlite, lesson_store_id owner) {
    sqlite3_stmt *find = sqlite->statements[STATEMENT_FIND_OWNER];
    int result = sqlite_start(sqlite, STATEMENT_FIND_OWNER, &owner, 1);
    int code = LESSON_STORE_NOT_FOUND;
    if (result == SQLITE_ROW)
        code = sqlite3_column_int(find, 0) ? LESSON_STORE_CONFLICT : LESSON_STORE_OK;
    else if (result != SQLITE_DONE)
        code = sqlite_fail(sqlite, result);
    sqlite_finish(sqlite, STATEMENT_FIND_OWNER);
    return code;
}

/* 0: there was none. */
static int find_latest_sweep(sqlite_store *sqlite, int64_t *last_ms) {
    sqlite3_stmt *find = sqlite->statements[STATEMENT_LATEST_SWEEP];
    int result = sqlite_start(sqlite, STATEMENT_LATEST_SWEEP, NULL, 0);
    int code = result == SQLITE_ROW || result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    *last_ms = result == SQLITE_ROW ? sqlite3_column_int64(find, 0) : 0;
    sqlite_finish(sqlite, STATEMENT_LATEST_SWEEP);
    return code;
}

int sqlite_hold(sqlite_store *sqlite, const lesson_store_operation *hold) {
    int code = sqlite_find_holder(sqlite, hold->owner);
    bool renews = hold->flags & LESSON_STORE_HOLD_RENEW;
    if (code < 0 || code == LESSON_STORE_CONFLICT)
        return code;
    if (code == LESSON_STORE_NOT_FOUND && renews)
        return LESSON_STORE_CONFLICT;
    int64_t last_ms;
    code = find_latest_sweep(sqlite, &last_ms);
    if (code)
        return code;
    sqlite3_stmt *statement = sqlite->statements[STATEMENT_HOLD];
    int64_t until_ms = lesson_store_sweeps_lease(last_ms, lesson_store_clock_ms(), hold->lease_ms);
    int result = sqlite3_bind_int64(statement, 2, hold->lease_ms);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 3, until_ms);
    return result == SQLITE_OK ? sqlite_execute(sqlite, STATEMENT_HOLD, &hold->owner, 1) : sqlite_fail(sqlite, result);
}

/* ---- Statements of the sweep, which is too rare to keep them prepared */

/* Prepares a statement and binds a number and an id; the first of them may be unused. Finalize it in any case. */
static int prepare(sqlite_store *sqlite, const char *text, int64_t number, const lesson_store_id *id,
                   sqlite3_stmt **out) {
    int result = sqlite3_prepare_v2(sqlite->database, text, -1, out, NULL);
    if (result == SQLITE_OK && sqlite3_bind_parameter_count(*out) > 0)
        result = sqlite3_bind_int64(*out, 1, number);
    if (result == SQLITE_OK && id)
        result = sqlite3_bind_text(*out, 2, id->data, (int)id->size, SQLITE_STATIC);
    return result;
}

static int execute(sqlite_store *sqlite, const char *text, int64_t number, const lesson_store_id *id) {
    sqlite3_stmt *statement = NULL;
    int result = prepare(sqlite, text, number, id, &statement);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    int code = result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    sqlite3_finalize(statement);
    return code;
}

/* ---- The times of sweeps: the row -1 is the latest sweep, the others are the ends of gaps. */

enum { LATEST = -1 };

static int read_sweeps(sqlite_store *sqlite, lesson_store_sweeps *sweeps) {
    sqlite3_stmt *rows = NULL;
    *sweeps = (lesson_store_sweeps){.last_ms = 0};
    int result = sqlite_ask_text(sqlite, "SELECT gap, ended_ms FROM sweeps", &rows);
    for (; result == SQLITE_ROW; result = sqlite3_step(rows)) {
        sqlite3_int64 gap = sqlite3_column_int64(rows, 0);
        if (gap == LATEST)
            sweeps->last_ms = sqlite3_column_int64(rows, 1);
        else if (gap >= 0 && gap < LESSON_STORE_GAPS)
            sweeps->gap_ended_ms[gap] = sqlite3_column_int64(rows, 1);
    }
    int code = result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    sqlite3_finalize(rows);
    return code;
}

static int write_sweep(sqlite_store *sqlite, int gap, int64_t now_ms) {
    char text[128];
    snprintf(text, sizeof text, "INSERT OR REPLACE INTO sweeps(gap, ended_ms) VALUES(%d, %" PRId64 ")", gap, now_ms);
    return sqlite_execute_text(sqlite, text);
}

static int note_sweep(sqlite_store *sqlite, lesson_store_sweeps *sweeps, int64_t now_ms) {
    int code = read_sweeps(sqlite, sweeps);
    if (code)
        return code;
    bool was_set_back = now_ms < sweeps->last_ms;
    int gap = lesson_store_sweeps_note(sweeps, now_ms);
    code = write_sweep(sqlite, LATEST, now_ms);
    if (!code && gap >= 0)
        code = write_sweep(sqlite, gap, now_ms);
    /* A clock that was set back would make the waiting after gaps longer than it is. */
    if (!code && was_set_back)
        code = execute(sqlite, "UPDATE sweeps SET ended_ms = ?1 WHERE ended_ms > ?1", now_ms, NULL);
    return code;
}

/* A clock that was set back would make leases longer than they are. The sweeps do not show it if it was set forward
 * after the latest of them. */
static int shorten_leases(sqlite_store *sqlite, int64_t now_ms) {
    return execute(sqlite, "UPDATE owners SET until_ms = ?1 + lease_ms WHERE until_ms > ?1 + lease_ms", now_ms, NULL);
}

/* ---- Who is over */

/* Marks the late owners of this lease that the sweeps allow to end. */
static int end_owners_of(sqlite_store *sqlite, const lesson_store_sweeps *sweeps, int64_t now_ms, int64_t lease_ms) {
    if (!lesson_store_sweeps_end(sweeps, now_ms, now_ms - 1, lease_ms))
        return LESSON_STORE_OK;
    char text[128];
    snprintf(text, sizeof text, "UPDATE owners SET is_over = 1 WHERE until_ms < ?1 AND lease_ms = %" PRId64, lease_ms);
    return execute(sqlite, text, now_ms, NULL);
}

static int end_late_owners(sqlite_store *sqlite) {
    lesson_store_sweeps sweeps;
    sqlite3_stmt *leases = NULL;
    int64_t now_ms = lesson_store_clock_ms();
    int code = note_sweep(sqlite, &sweeps, now_ms);
    if (!code)
        code = shorten_leases(sqlite, now_ms);
    if (code)
        return code;
    int result = prepare(sqlite, "SELECT DISTINCT lease_ms FROM owners WHERE until_ms < ?1 AND NOT is_over", now_ms,
                         NULL, &leases);
    if (result == SQLITE_OK)
        result = sqlite3_step(leases);
    for (; result == SQLITE_ROW && !code; result = sqlite3_step(leases))
        code = end_owners_of(sqlite, &sweeps, now_ms, sqlite3_column_int64(leases, 0));
    if (!code && result != SQLITE_DONE)
        code = sqlite_fail(sqlite, result);
    sqlite3_finalize(leases);
    return code;
}

static int end_dropped(sqlite_store *sqlite, const lesson_store_id *dropped) {
    int code = execute(sqlite, "UPDATE owners SET is_over = ?1 WHERE owner = ?2", 1, dropped);
    if (code)
        return code;
    return sqlite3_changes(sqlite->database) > 0 ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND;
}

static int end_step(sqlite_store *sqlite, int code) {
    if (code >= 0) {
        int end = sqlite_commit(sqlite, true);
        code = end ? end : code;
    }
    if (code < 0)
        sqlite_roll_back(sqlite);
    return code;
}

static int begin_sweep(sqlite_store *sqlite, const lesson_store_id *dropped) {
    int code = sqlite_begin(sqlite, true);
    if (code)
        return code;
    return end_step(sqlite, dropped ? end_dropped(sqlite, dropped) : end_late_owners(sqlite));
}

/* ---- Putting out */

/* The statements for the owners that are over, and among these `which`. */
#define USERS_OF(which) \
    " FROM users WHERE owner IN (SELECT owner FROM owners WHERE is_over" which ") ORDER BY owner, uid LIMIT " STEP
#define SCOPE(which)                                                                           \
    {                                                                                          \
        .find = "SELECT 1 FROM owners WHERE is_over" which " LIMIT 1",                         \
        .list = "SELECT uid, course_id, lesson_id, session, owner, joined_ms" USERS_OF(which), \
        .put_out = "DELETE FROM users WHERE uid IN (SELECT uid" USERS_OF(which) ")",           \
        .forget = "DELETE FROM owners WHERE is_over" which                                     \
                  " AND NOT EXISTS (SELECT 1 FROM users WHERE users.owner = owners.owner)",    \
    }

static const struct scope {
    const char *find, *list, *put_out, *forget;
} everyone = SCOPE(""), one = SCOPE(" AND owners.owner = ?2");

/* The users of one step, who are given to the callback when it is committed. */
typedef struct departures {
    sqlite_store *sqlite;
    const struct scope *scope;
    const lesson_store_id *dropped; /* ?2 of the scope `one` */
    sqlite_malformed malformed;
    size_t rows; /* of which `count` can be given */
    size_t count;
    lesson_store_user users[500];
    char texts[500][5 * (LESSON_STORE_ID_MAX + 1)];
} departures;

/* Without a valid uid it is nobody who could be named to the callback. Other invalid ids are not given. */
static void keep_departure(departures *kept, sqlite3_stmt *row) {
    lesson_store_user *user = &kept->users[kept->count];
    char *text = kept->texts[kept->count];
    *user = (lesson_store_user){.uid = {NULL, 0}};
    lesson_store_id *const ids[] = {&user->uid, &user->course_id, &user->lesson_id, &user->session, &user->owner};
    for (int i = 0; i < 5; i++, text += LESSON_STORE_ID_MAX + 1) {
        lesson_store_id id;
        if (!sqlite_read_id(row, i, &id))
            continue;
        lesson_store_id_copy(text, id);
        *ids[i] = (lesson_store_id){text, id.size};
    }
    user->joined_ms = sqlite3_column_int64(row, 5);
    kept->rows++;
    if (user->uid.data)
        kept->count++;
    else
        sqlite_note_malformed(&kept->malformed, row, "a user with an invalid uid:");
}

static int list_departures(departures *kept) {
    sqlite3_stmt *rows = NULL;
    kept->rows = kept->count = 0;
    int result = prepare(kept->sqlite, kept->scope->list, 0, kept->dropped, &rows);
    if (result == SQLITE_OK)
        result = sqlite3_step(rows);
    for (; result == SQLITE_ROW; result = sqlite3_step(rows))
        keep_departure(kept, rows);
    int code = result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(kept->sqlite, result);
    sqlite3_finalize(rows);
    return code;
}

static int add_events(const departures *kept) {
    int code = LESSON_STORE_OK;
    for (size_t i = 0; i < kept->count && !code; i++)
        code =
            sqlite_add_quit_event(kept->sqlite, kept->users[i].uid, kept->users[i].lesson_id, LESSON_STORE_CAUSE_SWEEP);
    return code;
}

static int put_out_some(departures *kept) {
    int code = sqlite_begin(kept->sqlite, true);
    if (code)
        return code;
    code = list_departures(kept);
    if (!code)
        code = execute(kept->sqlite, kept->rows > 0 ? kept->scope->put_out : kept->scope->forget, 0, kept->dropped);
    if (!code)
        code = add_events(kept);
    return end_step(kept->sqlite, code);
}

static bool give(const departures *kept, lesson_store_user_callback callback, void *context) {
    size_t i = 0;
    while (i < kept->count && callback(&kept->users[i], context))
        i++;
    return i == kept->count;
}

/* If the callback stops, nothing else is reported, as in lists. */
static int put_out_all(departures *kept, lesson_store_user_callback callback, void *context) {
    do {
        int code = put_out_some(kept);
        if (code)
            return code;
        if (!give(kept, callback, context))
            return LESSON_STORE_OK;
    } while (kept->rows > 0);
    return sqlite_report_malformed(kept->sqlite, &kept->malformed);
}

/* False if there is nobody to put out, which needs no lock to find out. */
static int is_anybody_over(sqlite_store *sqlite, const struct scope *scope, const lesson_store_id *dropped,
                           bool *answer) {
    sqlite3_stmt *row = NULL;
    int result = prepare(sqlite, scope->find, 0, dropped, &row);
    if (result == SQLITE_OK)
        result = sqlite3_step(row);
    *answer = result == SQLITE_ROW;
    int code = result == SQLITE_ROW || result == SQLITE_DONE ? LESSON_STORE_OK : sqlite_fail(sqlite, result);
    sqlite3_finalize(row);
    return code;
}

int sqlite_sweep(lesson_store_instance *instance, const lesson_store_id *dropped, lesson_store_user_callback callback,
                 void *context) {
    sqlite_store *sqlite = sqlite_of(instance);
    const struct scope *scope = dropped ? &one : &everyone;
    bool is_anybody = false;
    int code = sqlite_enter(sqlite);
    if (!code)
        code = begin_sweep(sqlite, dropped);
    if (!code)
        code = is_anybody_over(sqlite, scope, dropped, &is_anybody);
    if (code || !is_anybody)
        return code;
    departures *kept = sqlite3_malloc64(sizeof *kept);
    if (!kept)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a sweep", sqlite->path);
    kept->sqlite = sqlite;
    kept->scope = scope;
    kept->dropped = dropped;
    kept->malformed.count = 0;
    code = put_out_all(kept, callback, context);
    sqlite3_free(kept);
    return code;
}

/* ---- The list */

static void describe(sqlite3_stmt *row, int64_t now_ms, lesson_store_owner *owner) {
    bool is_over = sqlite3_column_int(row, 3) != 0;
    owner->lease_ms = sqlite3_column_int64(row, 1);
    owner->left_ms = is_over ? 0 : sqlite3_column_int64(row, 2) - now_ms;
    owner->state = is_over              ? LESSON_STORE_OWNER_OVER
                   : owner->left_ms < 0 ? LESSON_STORE_OWNER_LATE
                                        : LESSON_STORE_OWNER_HELD;
}

struct owner_list {
    sqlite_store *sqlite;
    char after[LESSON_STORE_ID_MAX + 1];
    sqlite_malformed malformed;
};

/* Steps to the first row with a valid id. Each row is met once: the next look begins behind that id. */
static int step_to_owner(struct owner_list *list, sqlite3_stmt *row, lesson_store_id *id) {
    int result = sqlite3_step(row);
    for (; result == SQLITE_ROW && !sqlite_read_id(row, 0, id); result = sqlite3_step(row))
        sqlite_note_malformed(&list->malformed, row, "an owner with an invalid id:");
    return result;
}

/* One at a time, so that the callback holds no read transaction. NOT_FOUND: there is none left. */
static int next_owner(struct owner_list *list, lesson_store_owner *owner) {
    /* Without the first condition, it would read all owners before this one. */
    static const char text[] = "SELECT owner, lease_ms, until_ms, is_over FROM owners"
                               " WHERE owner >= ?2 AND (owner > ?2 OR ?1) ORDER BY owner";
    sqlite3_stmt *row = NULL;
    const lesson_store_id last = lesson_store_id_of(list->after);
    lesson_store_id id = {NULL, 0};
    *owner = (lesson_store_owner){.lease_ms = 0};
    int result = prepare(list->sqlite, text, list->after[0] == '\0', &last, &row);
    if (result == SQLITE_OK)
        result = step_to_owner(list, row, &id);
    int code = LESSON_STORE_NOT_FOUND;
    if (result == SQLITE_ROW) {
        describe(row, lesson_store_clock_ms(), owner);
        lesson_store_id_copy(list->after, id);
        owner->owner = lesson_store_id_of(list->after);
        code = LESSON_STORE_OK;
    } else if (result != SQLITE_DONE)
        code = sqlite_fail_reading(list->sqlite, result);
    sqlite3_finalize(row);
    return code;
}

int sqlite_owners(lesson_store_instance *instance, lesson_store_owner_callback callback, void *context) {
    struct owner_list list = {.sqlite = sqlite_of(instance)};
    lesson_store_owner owner;
    int code = sqlite_enter(list.sqlite);
    while (!code) {
        code = next_owner(&list, &owner);
        if (!code && !callback(&owner, context))
            return LESSON_STORE_OK;
    }
    if (code == LESSON_STORE_NOT_FOUND)
        code = sqlite_report_malformed(list.sqlite, &list.malformed);
    return sqlite_confirm(list.sqlite, code);
}
