/* The keys of all masters, page by page. */
#ifndef LESSON_STORE_CLUSTER_SCAN_H
#define LESSON_STORE_CLUSTER_SCAN_H

#include "../redis/texts.h"
#include "cluster.h"

/* Adds the keys of one page to `keys`, and moves the position, which begins with zeroes. A page may be empty, and keys
 * may come twice. `most` is how many keys to look at, about. The keys are those that match `front`, a pattern, then the
 * prefix of the store, and then begin with `rest`.
 *
 * Each pass begins with the masters as they know each other at that moment. Keys that are moved from one master to
 * another meanwhile could be missed. So if slots were moved, or are being moved, a second pass follows that goes
 * through the masters the other way round. A slot that was moved half way and put back within one pass leaves no trace.
 */
int cluster_scan_page(cluster_store *store, const char *front, const char *rest, size_t most,
                      lesson_store_position *position, redis_texts *keys);

/* Returns what follows the prefix and `middle` in a key; no data if it does not begin so. */
lesson_store_id cluster_id_in(const cluster_store *store, lesson_store_id key, const char *middle);

#endif
