#include "schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_SIZE 1024

/* " | u0 A 1 v 2 o 0 l 1 R 1 0 V 1 -2", for each user. */
static int read_states(const char *text, schedule_user states[STAGE_USERS]) {
    int count = 0;
    for (const char *at = strchr(text, '|'); at && count < STAGE_USERS; at = strchr(at + 1, '|')) {
        schedule_user *user = &states[count];
        if (sscanf(at, "| u%*d A %d v %d o %d l %d R %d %d V %d %d", &user->lesson, &user->version, &user->last,
                   &user->seen, &user->is_member[1], &user->is_member[2], &user->versions[1], &user->versions[2]) != 8)
            break;
        count++;
    }
    return count;
}

/* Of a line that begins with a name and a process, by its name. */
static bool read_rest(schedule_event *event, const char *rest) {
    if (schedule_is(event->name, "step") || schedule_is(event->name, "late"))
        return sscanf(rest, "%15s %d %d %d %d %d -> %15s %d %d %d", event->script, &event->users, &event->lesson,
                      &event->a, &event->b, &event->c, event->status, &event->now, &event->version, &event->rest) == 10;
    if (schedule_is(event->name, "resend"))
        return sscanf(rest, "%15s %d %d", event->script, &event->users, &event->lesson) == 3;
    if (schedule_is(event->name, "end"))
        return sscanf(rest, "%15s", event->script) == 1;
    return schedule_is(event->name, "begin") || sscanf(rest, "%d %d", &event->a, &event->b) == 2;
}

static bool read_event(schedule_event *event, const char *line) {
    int size;
    *event = (schedule_event){.process = -1};
    if (sscanf(line, "%15[a-z_] %d%n", event->name, &event->process, &size) != 2)
        return false;
    snprintf(event->line, sizeof event->line, "%.*s", (int)sizeof event->line - 1, line);
    event->line[strcspn(event->line, "\n")] = '\0';
    event->has_state = read_states(line, event->state) > 0;
    return read_rest(event, line + size);
}

static void read_lines(test_schedule *schedule, FILE *output) {
    char line[512];
    while (schedule->count < SCHEDULE_EVENTS_MAX && fgets(line, sizeof line, output)) {
        schedule_event *event = &schedule->events[schedule->count];
        if (read_event(event, line))
            schedule->count++;
    }
}

bool schedule_make(test_schedule *schedule, const char *flags, unsigned seed) {
    char command[COMMAND_SIZE];
    snprintf(command, sizeof command, "spin -T -n%u -DPLAY %s '%s' 2>&1", seed, flags, PROTOCOL_MODEL);
    *schedule = (test_schedule){.events = calloc(SCHEDULE_EVENTS_MAX, sizeof *schedule->events)};
    schedule->users = strstr(flags, "USERS=2") ? 2 : 1;
    FILE *output = popen(command, "r");
    if (!output)
        return false;
    read_lines(schedule, output);
    bool is_whole =
        pclose(output) == 0 && schedule->count > 1 && schedule_is(schedule->events[schedule->count - 1].name, "finish");
    if (!is_whole)
        fprintf(stderr, "protocol: %s plays no whole schedule\n", command);
    return is_whole;
}

void schedule_free(test_schedule *schedule) {
    free(schedule->events);
}

void schedule_print(const test_schedule *schedule, size_t at) {
    for (size_t i = 0; i < schedule->count; i++)
        fprintf(stderr, "%s %s\n", i == at ? ">" : " ", schedule->events[i].line);
}

const schedule_event *schedule_next_of(const test_schedule *schedule, size_t at, int process) {
    for (size_t i = at + 1; i < schedule->count; i++) {
        if (schedule->events[i].process == process)
            return &schedule->events[i];
    }
    return NULL;
}
