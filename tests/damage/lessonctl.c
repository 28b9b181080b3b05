/* The dry run of the real command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cmocka_all.h"
#include "round.h"

static lesson_store_id next_column(char **rest) {
    char *column = strsep(rest, "\t");
    return lesson_store_id_of(column && strcmp(column, "-") != 0 ? column : "");
}

/* The columns: verdict, finding, lesson, uid, detail. */
static bool take_line(char *line, facts *findings) {
    lesson_store_id verdict = next_column(&line);
    lesson_store_id kind = next_column(&line);
    lesson_store_id lesson = next_column(&line);
    lesson_store_id uid = next_column(&line);
    bool repairable = bytes_are(verdict, "would repair");
    facts_add(findings, lesson, kind, uid, lesson_store_id_of(repairable ? "repairable" : "left"));
    return line && (repairable || bytes_are(verdict, "left"));
}

bool ask_lessonctl(const char *location, bool ended, facts *findings, char text[FACTS_TEXT_SIZE]) {
    char command[1024];
    const char *lessonctl = getenv("LESSONCTL");
    assert_non_null(lessonctl);
    snprintf(command, sizeof command, "'%s' --store '%s' repair --dry-run %s 2>/dev/null", lessonctl, location,
             ended ? "--ended" : "");
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char *line = NULL;
    size_t room = 0;
    bool sound = true;
    for (ssize_t size; (size = getline(&line, &room, pipe)) > 0;) {
        line[size - 1] = '\0';
        sound = take_line(line, findings) && sound;
    }
    free(line);
    int status = pclose(pipe);
    facts_sort(findings);
    bool as_expected = WIFEXITED(status) && WEXITSTATUS(status) == (findings->count > 0);
    snprintf(text, FACTS_TEXT_SIZE, "lessonctl ended with %d after %zu lines, %s", status, findings->count,
             sound ? "all well-formed" : "some not well-formed");
    return sound && as_expected;
}
