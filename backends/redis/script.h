/* The scripts that the server runs. The build makes C code from the files in scripts/. */
#ifndef LESSON_STORE_REDIS_SCRIPT_H
#define LESSON_STORE_REDIS_SCRIPT_H

#include <stddef.h>

typedef struct redis_script {
    const char *source; /* not terminated by a NUL */
    size_t size;
    char sha1[41]; /* of the source; EVALSHA calls the script by it */

    /* The same for keys of several slots, which no command may have together; NULL: the script itself is that one. */
    const struct redis_script *apart;

    /* The same, and it writes events; NULL: the script itself has none. */
    const struct redis_script *feed;
} redis_script;

/* The operations: one for each kind, and those for batches. */
extern const redis_script redis_join_script;
extern const redis_script redis_join_from_script;
extern const redis_script redis_join_for_script;
extern const redis_script redis_admit_script;
extern const redis_script redis_admit_if_script;
extern const redis_script redis_quit_script;
extern const redis_script redis_leave_script;
extern const redis_script redis_where_script;
extern const redis_script redis_create_script;
extern const redis_script redis_reset_script;
extern const redis_script redis_create_with_script;
extern const redis_script redis_set_script;
extern const redis_script redis_set_with_script;
extern const redis_script redis_get_script;
extern const redis_script redis_count_script;
extern const redis_script redis_end_lesson_script;
extern const redis_script redis_end_record_script;
extern const redis_script redis_join_batch_script;
extern const redis_script redis_join_for_batch_script;
extern const redis_script redis_batch_script;

extern const redis_script redis_hold_script;
extern const redis_script redis_ban_script;
extern const redis_script redis_kick_script;

extern const redis_script redis_end_step_script;
extern const redis_script redis_sweep_script;
extern const redis_script redis_sweep_page_script;
extern const redis_script redis_sweep_end_script;
extern const redis_script redis_owners_script;
extern const redis_script redis_bans_script;
extern const redis_script redis_feed_script;
extern const redis_script redis_members_script;
extern const redis_script redis_lessons_script;
extern const redis_script redis_users_script;
extern const redis_script redis_check_keys_script;
extern const redis_script redis_check_members_script;
extern const redis_script redis_check_uids_script;

#endif
