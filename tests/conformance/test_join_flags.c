/* The admission rules of join. They are flags, so that they apply in the same atomic step as the join. */
#include "suite.h"

#define EXISTING FLAGS(LESSON_STORE_JOIN_IF_EXISTS)
#define OPEN FLAGS(LESSON_STORE_JOIN_IF_OPEN)
#define STAYING FLAGS(LESSON_STORE_JOIN_STAY)

static const struct test tests[] = {
    {.name = "JOIN-8 if exists: a lesson with a record is joined, whatever its status",
     STEPS({CREATE("algebra")}, {JOIN("ann", "maths", "algebra"), EXISTING},
           {SET("algebra"), COURSE_STATUS("cantjoinin")}, {JOIN("bob", "maths", "algebra"), EXISTING},
           {SET("algebra"), COURSE_STATUS("offline")}, {JOIN("cid", "maths", "algebra"), EXISTING}),
     RECORDS({"algebra", "offline", "free"}),
     USERS({IS_IN("ann", "maths", "algebra")}, {IS_IN("bob", "maths", "algebra")}, {IS_IN("cid", "maths", "algebra")})},

    {.name = "JOIN-8 if exists: a lesson without a record refuses, even with members",
     STEPS(
         {JOIN("ann", "maths", "algebra")},
         {JOIN("bob", "maths", "algebra"), EXISTING, REFUSED_BY(LESSON_STORE_JOIN_IF_EXISTS)},
         {JOIN("bob", "maths", "unknown"), EXISTING, REFUSED_BY(LESSON_STORE_JOIN_IF_EXISTS)},
         {JOIN("ann", "maths", "algebra"), EXISTING, REFUSED_BY(LESSON_STORE_JOIN_IF_EXISTS), IN("maths", "algebra")}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "JOIN-8 if exists: a lesson that has ended refuses",
     STEPS({CREATE("algebra")}, {END("algebra")},
           {JOIN("ann", "maths", "algebra"), EXISTING, REFUSED_BY(LESSON_STORE_JOIN_IF_EXISTS)})},

    {.name = "JOIN-9 if open: OnLine and Waiting are open",
     STEPS({CREATE("algebra")}, {JOIN("ann", "maths", "algebra"), OPEN}, {SET("algebra"), COURSE_STATUS("online")},
           {JOIN("bob", "maths", "algebra"), OPEN}),
     RECORDS({"algebra", "online", "free"}),
     USERS({IS_IN("ann", "maths", "algebra")}, {IS_IN("bob", "maths", "algebra")})},

    {.name = "JOIN-9 if open: OffLine and CantJoinIn refuse",
     STEPS({CREATE("algebra")}, {SET("algebra"), COURSE_STATUS("offline")},
           {JOIN("ann", "maths", "algebra"), OPEN, REFUSED_BY(LESSON_STORE_JOIN_IF_OPEN)},
           {SET("algebra"), COURSE_STATUS("cantjoinin")},
           {JOIN("ann", "maths", "algebra"), OPEN, REFUSED_BY(LESSON_STORE_JOIN_IF_OPEN)},
           {JOIN("bob", "maths", "algebra")}),
     RECORDS({"algebra", "cantjoinin", "free"}),
     USERS({IS_IN("bob", "maths", "algebra")})},

    {.name = "JOIN-9 if open: a lesson without a record refuses, even with members",
     STEPS({JOIN("ann", "maths", "algebra")},
           {JOIN("bob", "maths", "algebra"), OPEN, REFUSED_BY(LESSON_STORE_JOIN_IF_OPEN)},
           {JOIN("bob", "maths", "unknown"), OPEN, REFUSED_BY(LESSON_STORE_JOIN_IF_OPEN)}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "JOIN-9 if open: a banned chat closes nothing",
     STEPS({CREATE("algebra")}, {SET("algebra"), CHAT_STATUS("banned")}, {JOIN("ann", "maths", "algebra"), OPEN}),
     RECORDS({"algebra", "waiting", "banned"}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "JOIN-9 if open: the rule holds for members of the lesson too",
     STEPS({CREATE("algebra")}, {JOIN("ann", "maths", "algebra")}, {SET("algebra"), COURSE_STATUS("cantjoinin")},
           {JOIN("ann", "exams", "algebra"), OPEN, REFUSED_BY(LESSON_STORE_JOIN_IF_OPEN), IN("maths", "algebra")}),
     RECORDS({"algebra", "cantjoinin", "free"}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "JOIN-10 stay: a user in another lesson is not moved",
     STEPS({CREATE("algebra")}, {CREATE("biology")}, {JOIN("ann", "maths", "algebra")},
           {JOIN("ann", "nature", "biology"), STAYING, REFUSED_BY(LESSON_STORE_JOIN_STAY), IN("maths", "algebra")}),
     RECORDS({"algebra", "waiting", "free"}, {"biology", "waiting", "free"}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "JOIN-10 stay: a new user and a member of the lesson are not refused",
     STEPS({JOIN("ann", "maths", "algebra"), STAYING},
           {JOIN("ann", "exams", "algebra"), STAYING, ALREADY_IN("maths", "algebra")},
           {QUIT("ann"), IN("exams", "algebra")}, {JOIN("ann", "nature", "biology"), STAYING}),
     USERS({IS_IN("ann", "nature", "biology")})},

    {.name = "JOIN-11 a refused join returns where the user still is, with the session",
     STEPS({JOIN("ann", "maths", "algebra"), SESSION("s1")},
           {JOIN("ann", "nature", "biology"), SESSION("s2"), EXISTING, REFUSED_BY(LESSON_STORE_JOIN_IF_EXISTS),
            IN("maths", "algebra"), PLACE_SESSION("s1")},
           {JOIN("ann", "nature", "biology"), STAYING, REFUSED_BY(LESSON_STORE_JOIN_STAY), IN("maths", "algebra"),
            PLACE_SESSION("s1")}),
     USERS({IS_IN("ann", "maths", "algebra"), SESSION("s1")})},

    {.name = "JOIN-12 flags together: each of them can refuse, and the first that does is named",
     STEPS({CREATE("open")}, {CREATE("closed")}, {SET("closed"), COURSE_STATUS("offline")},
           {JOIN("ann", "maths", "open"),
            FLAGS(LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_STAY)},
           {JOIN("bob", "maths", "closed"), FLAGS(LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_IF_OPEN),
            REFUSED_BY(LESSON_STORE_JOIN_IF_OPEN)},
           {JOIN("bob", "maths", "unknown"), FLAGS(LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_IF_OPEN),
            REFUSED_BY(LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_IF_OPEN)},
           {JOIN("bob", "maths", "unknown"), FLAGS(LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_STAY),
            REFUSED_BY(LESSON_STORE_JOIN_IF_EXISTS)},
           {JOIN("ann", "maths", "closed"), FLAGS(LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_STAY),
            REFUSED_BY(LESSON_STORE_JOIN_STAY), IN("maths", "open")},
           {JOIN("ann", "maths", "closed"), FLAGS(LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_STAY),
            REFUSED_BY(LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_STAY), IN("maths", "open")},
           {JOIN("ann", "maths", "open"), FLAGS(LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_STAY),
            ALREADY_IN("maths", "open")}),
     RECORDS({"open", "waiting", "free"}, {"closed", "offline", "free"}),
     USERS({IS_IN("ann", "maths", "open")})},

    {.name = "JOIN-12 flags that refuse nothing let a user move",
     STEPS({CREATE("algebra")}, {CREATE("biology")}, {JOIN("ann", "maths", "algebra")},
           {JOIN("ann", "nature", "biology"), FLAGS(LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_IF_OPEN),
            MOVED_FROM("maths", "algebra")}),
     RECORDS({"algebra", "waiting", "free"}, {"biology", "waiting", "free"}),
     USERS({IS_IN("ann", "nature", "biology")})},
};

const test_list join_flag_tests = TEST_LIST(tests);
