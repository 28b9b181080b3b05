/* What signals do: they clear a progress bar and an incomplete file before they end the program, at the prompt Ctrl-C
 * only ends the line, and a command that repeats its work ends in order. */
#ifndef LESSONCTL_INTERRUPT_H
#define LESSONCTL_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLEAR_LINE "\r\033[K" /* clears the line of a terminal */

/* Call it once. Ignored signals stay ignored. SIGPIPE and SIGXFSZ become ignored, so that a write can fail. Returns
 * true if SIGPIPE would have ended the program. */
bool interrupt_begin(void);

/* Ends the program as SIGPIPE does. Returns the same exit status if the signal is blocked. */
int interrupt_end_by_pipe(void);

/* Between the two all signals wait. */
void interrupt_hold(sigset_t *before);
void interrupt_release(const sigset_t *before);

void interrupt_wipes_bar(bool shown);

/* Makes the file of a mkostemp template. A signal removes it until interrupt_forgets_file; the path must live that
 * long. Returns a descriptor, or -1 with errno set. */
int interrupt_make_file(char *path_template);
void interrupt_forgets_file(void);

/* While the prompt waits for a line, Ctrl-C does not end the program. */
void interrupt_prompts(bool begins);
bool interrupt_at_prompt(void);

/* From now on SIGINT and SIGTERM only ask the program to end. This stays so, because more than one may come: timeout(1)
 * sends its signal to the program and to the program's group. */
void interrupt_ends_in_order(void);

/* Waits until lesson_store_monotonic_us is `until_us`. Returns true, and at once, if the program was asked to end. */
bool interrupt_wait(int64_t until_us);

#endif
