/*
 * Pins the layout of the structures that programs, backends and the library exchange. Code built against one version
 * must run with the next, on the 64-bit systems that these figures are for.
 */
#include <lessonstore/backend.h>
#include <lessonstore/executor.h>
#include <lessonstore/fault.h>

#if UINTPTR_MAX == UINT64_MAX
#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " has a fixed size")
#define AT(type, member, bytes) \
    _Static_assert(offsetof(type, member) == (bytes), #type "." #member " has a fixed place")

SIZE(lesson_store_id, 16);

SIZE(lesson_store_place, 1088);
AT(lesson_store_place, lesson_id, 256);
AT(lesson_store_place, session, 512);
AT(lesson_store_place, owner, 768);
AT(lesson_store_place, joined_ms, 1024);
AT(lesson_store_place, reserved, 1032);

SIZE(lesson_store_lesson, 104);
AT(lesson_store_lesson, member_count, 16);
AT(lesson_store_lesson, course_status, 24);
AT(lesson_store_lesson, chat_status, 28);
AT(lesson_store_lesson, has_record, 32);
AT(lesson_store_lesson, course_id, 40);
AT(lesson_store_lesson, capacity, 56);
AT(lesson_store_lesson, reserved, 64);

SIZE(lesson_store_user, 128);
AT(lesson_store_user, course_id, 16);
AT(lesson_store_user, lesson_id, 32);
AT(lesson_store_user, session, 48);
AT(lesson_store_user, owner, 64);
AT(lesson_store_user, joined_ms, 80);
AT(lesson_store_user, reserved, 88);

SIZE(lesson_store_operation, 400);
AT(lesson_store_operation, flags, 4);
AT(lesson_store_operation, uid, 8);
AT(lesson_store_operation, course_id, 24);
AT(lesson_store_operation, lesson_id, 40);
AT(lesson_store_operation, session, 56);
AT(lesson_store_operation, given, 72);
AT(lesson_store_operation, course_status, 76);
AT(lesson_store_operation, chat_status, 80);
AT(lesson_store_operation, if_course_status, 84);
AT(lesson_store_operation, if_chat_status, 88);
AT(lesson_store_operation, message_size, 92);
AT(lesson_store_operation, message, 96);
AT(lesson_store_operation, place, 104);
AT(lesson_store_operation, if_session, 112);
AT(lesson_store_operation, capacity, 128);
AT(lesson_store_operation, owner, 136);
AT(lesson_store_operation, lease_ms, 152);
AT(lesson_store_operation, ban_ms, 160);
AT(lesson_store_operation, reserved, 168);
AT(lesson_store_operation, code, 208);
AT(lesson_store_operation, arrival, 212);
AT(lesson_store_operation, refused_by, 216);
AT(lesson_store_operation, reserved_answer, 220);
AT(lesson_store_operation, count, 224);
AT(lesson_store_operation, lesson, 232);
AT(lesson_store_operation, reserved_answers, 336);

SIZE(lesson_store_owner, 104);
AT(lesson_store_owner, lease_ms, 16);
AT(lesson_store_owner, left_ms, 24);
AT(lesson_store_owner, state, 32);
AT(lesson_store_owner, reserved, 40);

SIZE(lesson_store_banned, 88);
AT(lesson_store_banned, left_ms, 16);
AT(lesson_store_banned, reserved, 24);

SIZE(lesson_store_list, 160);
AT(lesson_store_list, most, 8);
AT(lesson_store_list, lesson_id, 16);
AT(lesson_store_list, filter, 32);
AT(lesson_store_list, reserved, 112);

SIZE(lesson_store_lesson_filter, 80);
AT(lesson_store_lesson_filter, given, 16);
AT(lesson_store_lesson_filter, chat_status, 24);
AT(lesson_store_lesson_filter, reserved, 32);

SIZE(lesson_store_page, 112);
AT(lesson_store_page, count, 8);
AT(lesson_store_page, uids, 16);
AT(lesson_store_page, lessons, 24);
AT(lesson_store_page, users, 32);
AT(lesson_store_page, message, 40);
AT(lesson_store_page, reserved, 48);

SIZE(lesson_store_event, 208);
AT(lesson_store_event, at_ms, 8);
AT(lesson_store_event, lesson_id, 16);
AT(lesson_store_event, owner, 96);
AT(lesson_store_event, given, 112);
AT(lesson_store_event, reserved_number, 124);
AT(lesson_store_event, capacity, 128);
AT(lesson_store_event, count, 136);
AT(lesson_store_event, reserved, 144);

SIZE(lesson_store_finding, 80);
AT(lesson_store_finding, repairable, 4);
AT(lesson_store_finding, repaired, 5);
AT(lesson_store_finding, lesson_id, 8);
AT(lesson_store_finding, uid, 24);
AT(lesson_store_finding, detail, 40);
AT(lesson_store_finding, reserved, 48);

/* Structures that begin with `size` grow at their end. Members that exist now keep their offsets. */
AT(lesson_store_abilities, members_at_once_max, 48);
AT(lesson_store_abilities, exceptions, 56);
AT(lesson_store_executor_options, batch_max, 16);
AT(lesson_store_executor_options, sweep_every_ms, 20);
AT(lesson_store_executor_figures, largest_batch, 64);
AT(lesson_store_executor_figures, pages, 72);
AT(lesson_store_executor_figures, put_out, 88);
AT(lesson_store_executor_figures, sweep_failure, 104);
AT(lesson_store_fault, delay_ms, 72);

SIZE(lesson_store_instance, 64);
AT(lesson_store_instance, end_at_once_max, 8);
AT(lesson_store_instance, members_at_once_max, 16);
AT(lesson_store_instance, call_timeout_ms, 24);
AT(lesson_store_instance, deadline_us, 32);
AT(lesson_store_instance, events_poll_ms, 40);
AT(lesson_store_instance, exceptions, 48);
AT(lesson_store_instance, reserved, 56);

SIZE(lesson_store_option, 88);
AT(lesson_store_option, number_default, 32);
AT(lesson_store_option, maximum, 48);
AT(lesson_store_option, flags, 56);
AT(lesson_store_option, reserved, 60);

SIZE(lesson_store_position, 328);
AT(lesson_store_position, words, 256);
AT(lesson_store_position, ended, 288);
AT(lesson_store_position, never_repeats, 289);

AT(lesson_store_backend, operations, 24);
AT(lesson_store_backend, options, 40);
AT(lesson_store_backend, default_pool, 48);
AT(lesson_store_backend, open, 56);
AT(lesson_store_backend, run, 72);
AT(lesson_store_backend, info, 112);
AT(lesson_store_backend, users_page, 136);
AT(lesson_store_backend, host_list_schemes, 144);
AT(lesson_store_backend, sweep, 152);
AT(lesson_store_backend, owners, 160);
AT(lesson_store_backend, bans, 168);
AT(lesson_store_backend, find_lessons, 176);
AT(lesson_store_backend, find_lessons_page, 184);
AT(lesson_store_backend, events, 192);
AT(lesson_store_backend, choose, 200);
#endif
