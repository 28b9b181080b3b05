#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pages.h"

void *memory_pages_take_aligned(size_t size, bool huge) {
    void *pages = NULL;
    if (posix_memalign(&pages, MEMORY_HUGE_PAGE, size) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    /* Only advice: where it is not followed everything works as well, only slower. */
    if (huge)
        madvise(pages, size / MEMORY_HUGE_PAGE * MEMORY_HUGE_PAGE, MADV_HUGEPAGE);
#else
    (void)huge;
#endif
    return pages;
}

void *memory_pages_take(size_t size) {
    if (size < MEMORY_HUGE_PAGE)
        return calloc(1, size);
    void *pages = memory_pages_take_aligned(size, true);
    return pages ? memset(pages, 0, size) : NULL;
}
