#include "inspect.h"

#include "engine.h"

#include <stdio.h>
#include <string.h>

void inspect_begin(trouble_stage *stage) {
    model_state empty;
    model_begin(&empty);
    for (int i = 0; i < STAGE_CLIENTS; i++)
        stage->clients[i].judge = judge_begin(&empty);
}

void inspect_end(trouble_stage *stage) {
    for (int i = 0; i < STAGE_CLIENTS; i++)
        judge_free(stage->clients[i].judge);
}

static void judge_share(trouble_stage *stage, stage_client *judged, const model_state *found) {
    model_state own = *found;
    share_keep(judged->share, &own);
    judged->unknown = 0;
    if (stage->trouble->is_blind) {
        judge_free(judged->judge);
        judged->judge = judge_begin(&own);
    } else if (!judge_state(judged->judge, &own)) {
        stage_fail(stage, "the data of client %d: %s", judged->share.number, judge_text(judged->judge));
    }
}

static bool hear_finding(const lesson_store_finding *finding, void *context) {
    trouble_stage *stage = context;
    bool is_allowed = stage->trouble->is_blind && finding->repaired;
    if (!is_allowed)
        stage_fail(stage, "check finds: %s: %s", lesson_store_finding_text((int)finding->kind), finding->detail);
    return is_allowed;
}

static void read(trouble_stage *stage, lesson_store *store) {
    char text[VOCABULARY_TEXT_SIZE] = "";
    model_state found;
    int code = lesson_store_check(store, stage->trouble->is_blind ? LESSON_STORE_CHECK_REPAIR : 0, hear_finding, stage,
                                  NULL, NULL);
    if (code)
        stage_fail(stage, "check: %s", lesson_store_message());
    code = vocabulary_read_state(&awkward_vocabulary, store, &found, text);
    if (code)
        stage_fail(stage, "reading the state: %s: %s", lesson_store_code_name(code), text);
    for (int i = 0; !atomic_load(&stage->has_failed) && i < STAGE_CLIENTS; i++)
        judge_share(stage, &stage->clients[i], &found);
}

void inspect_data(trouble_stage *stage) {
    lesson_store *store = stage->store;
    if (atomic_load(&stage->has_failed))
        return;
    if (stage->ground->drain)
        stage->ground->drain(stage);
    if (engine_is_shared() && stage_open_another(stage, "", &store)) {
        stage_fail(stage, "a store cannot be opened anew: %s", lesson_store_message());
        return;
    }
    read(stage, store);
    if (store != stage->store)
        lesson_store_close(store);
}
