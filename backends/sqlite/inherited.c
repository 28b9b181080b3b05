/* What a forked process inherits of SQLite.
 *
 * Files that its parent had open. SQLite keeps one list of open files for a process, with the locks that it has on
 * each. A child inherits the list, but not the locks. If it opened such a file, SQLite would take no lock, because it
 * believes to have it. The parent, when it closes the file, would then take itself for the last one, and remove the log
 * that the child writes to. So the child must not open it. This list stands beside that of SQLite, and is as global as
 * it. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "sqlite.h"

/* ---- Files */

#define NOTES_MAX 4096 /* instances that one process has open; further ones are not noted */

enum state { FREE, TAKEN, VALID };

/* There is no lock, because a child could inherit it locked. An instance takes a note, fills it in, and makes it valid.
 */
static struct note {
    _Atomic(int) state;
    _Atomic(pid_t) process;
    _Atomic(dev_t) device;
    _Atomic(ino_t) inode;
} notes[NOTES_MAX];

static bool is_inherited(struct note *note, const struct stat *facts) {
    return atomic_load(&note->state) == VALID && note->device == facts->st_dev && note->inode == facts->st_ino &&
           note->process != getpid();
}

int sqlite_refuse_inherited(const sqlite_store *sqlite, const char *name) {
    struct stat facts = sqlite_facts_of(name, "");
    for (size_t i = 0; facts.st_nlink > 0 && i < NOTES_MAX; i++) {
        if (is_inherited(&notes[i], &facts))
            return lesson_store_fail(LESSON_STORE_UNSUPPORTED,
                                     "%s: the parent of this process had it open at fork(), and SQLite cannot open it"
                                     " here again; fork before it is opened, or call exec",
                                     sqlite->path);
    }
    return LESSON_STORE_OK;
}

static struct note *take(void) {
    for (size_t i = 0; i < NOTES_MAX; i++) {
        int expected = FREE;
        if (atomic_compare_exchange_strong(&notes[i].state, &expected, TAKEN))
            return &notes[i];
    }
    return NULL;
}

void sqlite_note_open(sqlite_store *sqlite) {
    struct note *note = sqlite->in_memory ? NULL : take();
    if (!note)
        return;
    struct stat facts = sqlite_facts_of(sqlite3_db_filename(sqlite->database, "main"), "");
    note->process = getpid();
    note->device = facts.st_dev;
    note->inode = facts.st_ino;
    atomic_store(&note->state, VALID);
    sqlite->note = (size_t)(note - notes) + 1;
}

void sqlite_note_close(sqlite_store *sqlite) {
    if (sqlite->note > 0)
        atomic_store(&notes[sqlite->note - 1].state, FREE);
    sqlite->note = 0;
}

/* ---- Locks
 *
 * SQLite has locks of its own for memory, random numbers and the list of files. If another thread holds one of them at
 * the fork, the child inherits it locked for ever, and would hang when it opens any file. So fork() takes them all
 * first, in the order in which SQLite takes several: random numbers look for the list of file systems, and nearly all
 * allocate memory. */
static const int locks[] = {
    SQLITE_MUTEX_STATIC_PRNG, SQLITE_MUTEX_STATIC_MASTER, SQLITE_MUTEX_STATIC_OPEN,
    SQLITE_MUTEX_STATIC_VFS1, SQLITE_MUTEX_STATIC_VFS2,   SQLITE_MUTEX_STATIC_VFS3,
    SQLITE_MUTEX_STATIC_LRU,  SQLITE_MUTEX_STATIC_PMEM,   SQLITE_MUTEX_STATIC_MEM,
};

enum { LOCKS = sizeof locks / sizeof *locks };

static void before_fork(void) {
    for (int i = 0; i < LOCKS; i++)
        sqlite3_mutex_enter(sqlite3_mutex_alloc(locks[i]));
}

static void after_fork(void) {
    for (int i = LOCKS; i-- > 0;)
        sqlite3_mutex_leave(sqlite3_mutex_alloc(locks[i]));
}

static void prepare_forks(void) {
    sqlite3_initialize();
    pthread_atfork(before_fork, after_fork, after_fork);
}

void sqlite_prepare_forks(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare_forks);
}
