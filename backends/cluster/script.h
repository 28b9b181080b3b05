/* The scripts of this backend. Each touches the keys of one slot, and names all of them, so that a Cluster can route it
 * while the slot is being moved. The build makes C code from the files in scripts/. */
#ifndef LESSON_STORE_CLUSTER_SCRIPT_H
#define LESSON_STORE_CLUSTER_SCRIPT_H

#include "../redis/script.h"

/* Of a user: the record and its helper. */
extern const redis_script redis_inspect_script;
extern const redis_script redis_commit_script;
extern const redis_script redis_evict_script;

/* Of a lesson: its members and their versions. */
extern const redis_script redis_add_script;
extern const redis_script redis_remove_script;

/* Of a lesson: its record and its bans. */
extern const redis_script redis_record_script;
extern const redis_script redis_set_ban_script;
extern const redis_script redis_unlink_record_script;
extern const redis_script redis_banned_script;

/* Of a check: see the first two. */
extern const redis_script redis_check_user_script;
extern const redis_script redis_check_record_script;

#endif
