/* Whether the calling process is the one that made a store, or a child that inherited it by fork(). */
#include <sys/mman.h>
#include <unistd.h>

#include "core.h"

/* The kernel zeroes this page in a child (madvise, MADV_WIPEONFORK). So a call finds out by one load, where getpid()
 * would be a system call. It also notices children of a bare clone(), which runs no handlers of pthread_atfork. */
static uint32_t *make_mark(void) {
#ifdef MADV_WIPEONFORK
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    uint32_t *mark = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mark == MAP_FAILED)
        return NULL;
    if (madvise(mark, size, MADV_WIPEONFORK) == 0) {
        *mark = 1;
        return mark;
    }
    munmap(mark, size);
#endif
    return NULL; /* then getpid() */
}

void lesson_store__origin_open(lesson_store__origin *origin) {
    origin->mark = make_mark();
    origin->process = getpid();
}

void lesson_store__origin_close(lesson_store__origin *origin) {
    if (origin->mark)
        munmap((void *)(uintptr_t)origin->mark, (size_t)sysconf(_SC_PAGESIZE));
}

bool lesson_store__origin_is_this_process(const lesson_store__origin *origin) {
    return origin->process == getpid();
}

int lesson_store__fail_in_child(void) {
    return lesson_store_fail(LESSON_STORE_CLOSED,
                             "the store was opened before fork(); the child has to open a store of its own");
}
