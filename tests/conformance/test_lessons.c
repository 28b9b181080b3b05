/* Lesson records: create, end, set, get_lesson, count. */
#include "suite.h"

static const struct test tests[] = {
    {.name = "CREATE-1 GET-1 a new lesson is Waiting and Free",
     STEPS({CREATE("algebra")}, {GET("algebra"), HAS("waiting", "free")}),
     RECORDS({"algebra", "waiting", "free"})},

    {.name = "CREATE-2 a running lesson is not created again and stays as it is",
     STEPS({CREATE("algebra")}, {SET("algebra"), COURSE_STATUS("online"), CHAT_STATUS("banned")},
           {JOIN("ann", "maths", "algebra")}, {CREATE("algebra"), ANSWER(EXISTS)}),
     RECORDS({"algebra", "online", "banned"}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "CREATE-3 a reset puts the statuses back and keeps the members",
     STEPS({CREATE("algebra")}, {SET("algebra"), COURSE_STATUS("cantjoinin"), CHAT_STATUS("banned")},
           {JOIN("ann", "maths", "algebra")}, {CREATE("algebra"), FLAGS(LESSON_STORE_CREATE_RESET)}),
     RECORDS({"algebra", "waiting", "free"}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "CREATE-3 a reset of no lesson makes it",
     STEPS({CREATE("algebra"), FLAGS(LESSON_STORE_CREATE_RESET)}, {CREATE("algebra"), ANSWER(EXISTS)}),
     RECORDS({"algebra", "waiting", "free"})},

    {.name = "CREATE-4 members who were there before the record stay",
     STEPS({JOIN("ann", "maths", "algebra")}, {JOIN("bob", "maths", "algebra")}, {CREATE("algebra")},
           {GET("algebra"), HAS("waiting", "free"), NUMBER(2)}),
     RECORDS({"algebra", "waiting", "free"}),
     USERS({IS_IN("ann", "maths", "algebra")}, {IS_IN("bob", "maths", "algebra")})},

    {.name = "END-1 the record is gone and every member is out",
     STEPS({CREATE("algebra")}, {JOIN("ann", "maths", "algebra")}, {JOIN("bob", "maths", "algebra")},
           {JOIN("cid", "other", "algebra")}, {END("algebra"), NUMBER(3)}, {WHERE("bob"), ANSWER(NOT_FOUND)},
           {COUNT("algebra"), NUMBER(0)}, {GET("algebra"), ANSWER(NOT_FOUND)})},

    {.name = "END-1 a lesson without members is ended with none left",
     STEPS({CREATE("algebra")}, {END("algebra"), NUMBER(0)}, {GET("algebra"), ANSWER(NOT_FOUND)})},

    {.name = "END-2 there is nothing to end",
     STEPS({CREATE("algebra")}, {END("biology"), ANSWER(NOT_FOUND)}, {END("algebra")},
           {END("algebra"), ANSWER(NOT_FOUND)})},

    {.name = "END-3 members of a lesson without a record are put out",
     STEPS({JOIN("ann", "maths", "algebra")}, {JOIN("bob", "maths", "algebra")}, {END("algebra"), NUMBER(2)},
           {END("algebra"), ANSWER(NOT_FOUND)}, {WHERE("ann"), ANSWER(NOT_FOUND)})},

    {.name = "END-4 with record only, the record goes and the members stay",
     STEPS({CREATE("algebra")}, {JOIN("ann", "maths", "algebra")},
           {END("algebra"), FLAGS(LESSON_STORE_END_RECORD_ONLY), NUMBER(0)}, {GET("algebra"), NUMBER(1)},
           {WHERE("ann"), IN("maths", "algebra")}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "END-4 with record only, a lesson without members is gone",
     STEPS({CREATE("algebra")}, {END("algebra"), FLAGS(LESSON_STORE_END_RECORD_ONLY), NUMBER(0)},
           {GET("algebra"), ANSWER(NOT_FOUND)})},

    {.name = "END-5 with record only, members without a record are not found",
     STEPS({JOIN("ann", "maths", "algebra")}, {END("algebra"), FLAGS(LESSON_STORE_END_RECORD_ONLY), ANSWER(NOT_FOUND)},
           {END("biology"), FLAGS(LESSON_STORE_END_RECORD_ONLY), ANSWER(NOT_FOUND)}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "END-6 other lessons, and users who have moved there, are unchanged",
     STEPS({CREATE("algebra")}, {CREATE("biology")}, {JOIN("ann", "maths", "algebra")},
           {JOIN("bob", "maths", "algebra")}, {JOIN("ann", "nature", "biology"), MOVED_FROM("maths", "algebra")},
           {END("algebra"), NUMBER(1)}, {WHERE("ann"), IN("nature", "biology")}),
     RECORDS({"biology", "waiting", "free"}),
     USERS({IS_IN("ann", "nature", "biology")})},

    {.name = "END-7 a lesson that is created again begins empty",
     STEPS({CREATE("algebra")}, {SET("algebra"), COURSE_STATUS("online"), CHAT_STATUS("banned")},
           {JOIN("ann", "maths", "algebra")}, {END("algebra"), NUMBER(1)}, {CREATE("algebra")},
           {GET("algebra"), HAS("waiting", "free"), NUMBER(0)}, {JOIN("ann", "maths", "algebra")}),
     RECORDS({"algebra", "waiting", "free"}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "SET-1 one status is set and the other stays",
     STEPS({CREATE("algebra")}, {CREATE("biology")}, {SET("algebra"), COURSE_STATUS("online")},
           {GET("algebra"), HAS("online", "free")}, {SET("algebra"), CHAT_STATUS("banned")},
           {GET("algebra"), HAS("online", "banned")}, {SET("algebra"), COURSE_STATUS("cantjoinin")},
           {GET("algebra"), HAS("cantjoinin", "banned")}, {SET("algebra"), CHAT_STATUS("free")}),
     RECORDS({"algebra", "cantjoinin", "free"}, {"biology", "waiting", "free"})},

    {.name = "SET-2 both statuses are set by one operation",
     STEPS({CREATE("algebra")}, {SET("algebra"), COURSE_STATUS("cantjoinin"), CHAT_STATUS("banned")}),
     RECORDS({"algebra", "cantjoinin", "banned"})},

    {.name = "SET-3 every value can be set and read",
     STEPS({CREATE("a")}, {CREATE("b")}, {CREATE("c")}, {CREATE("d")},
           {SET("a"), COURSE_STATUS("offline"), CHAT_STATUS("banned")}, {SET("b"), COURSE_STATUS("online")},
           {SET("c"), COURSE_STATUS("cantjoinin")}, {SET("d"), CHAT_STATUS("banned")},
           {SET("d"), COURSE_STATUS("waiting"), CHAT_STATUS("free")}),
     RECORDS({"a", "offline", "banned"}, {"b", "online", "free"}, {"c", "cantjoinin", "free"},
             {"d", "waiting", "free"})},

    {.name = "SET-4 if the expected value is the current one, the status is set",
     STEPS({CREATE("algebra")}, {SET("algebra"), COURSE_STATUS("online"), IF_COURSE_STATUS("waiting")},
           {SET("algebra"), CHAT_STATUS("banned"), IF_CHAT_STATUS("free")},
           {SET("algebra"), COURSE_STATUS("offline"), IF_COURSE_STATUS("online")},
           {SET("algebra"), COURSE_STATUS("online"), CHAT_STATUS("free"), IF_COURSE_STATUS("offline"),
            IF_CHAT_STATUS("banned")}),
     RECORDS({"algebra", "online", "free"})},

    {.name = "SET-5 another current value is a conflict, and is returned",
     STEPS({CREATE("algebra")},
           {SET("algebra"), COURSE_STATUS("online"), IF_COURSE_STATUS("offline"), ANSWER(CONFLICT),
            HAS("waiting", "free")},
           {SET("algebra"), CHAT_STATUS("free"), IF_CHAT_STATUS("banned"), ANSWER(CONFLICT), HAS("waiting", "free")},
           {SET("algebra"), COURSE_STATUS("online")},
           {SET("algebra"), COURSE_STATUS("cantjoinin"), IF_COURSE_STATUS("waiting"), ANSWER(CONFLICT),
            HAS("online", "free")}),
     RECORDS({"algebra", "online", "free"})},

    {.name = "SET-6 if two values are expected, both must be current, or neither status is set",
     STEPS(
         {CREATE("algebra")},
         {SET("algebra"), COURSE_STATUS("online"), CHAT_STATUS("banned"), IF_COURSE_STATUS("waiting"),
          IF_CHAT_STATUS("banned"), ANSWER(CONFLICT), HAS("waiting", "free")},
         {SET("algebra"), COURSE_STATUS("online"), CHAT_STATUS("banned"), IF_COURSE_STATUS("offline"),
          IF_CHAT_STATUS("free"), ANSWER(CONFLICT), HAS("waiting", "free")},
         {SET("algebra"), COURSE_STATUS("online"), IF_CHAT_STATUS("banned"), ANSWER(CONFLICT), HAS("waiting", "free")}),
     RECORDS({"algebra", "waiting", "free"})},

    {.name = "SET-6 one status is set if the other one is as expected",
     STEPS({CREATE("algebra")}, {SET("algebra"), COURSE_STATUS("online"), IF_CHAT_STATUS("free")},
           {SET("algebra"), CHAT_STATUS("banned"), IF_COURSE_STATUS("online")}),
     RECORDS({"algebra", "online", "banned"})},

    {.name = "SET-7 a lesson without a record has no status to set",
     STEPS({JOIN("ann", "maths", "algebra")}, {SET("algebra"), COURSE_STATUS("online"), ANSWER(NOT_FOUND)},
           {SET("biology"), CHAT_STATUS("banned"), ANSWER(NOT_FOUND)},
           {SET("biology"), COURSE_STATUS("online"), IF_COURSE_STATUS("waiting"), ANSWER(NOT_FOUND)}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "GET-2 members without a record are a lesson without statuses",
     STEPS({JOIN("ann", "maths", "algebra")}, {JOIN("bob", "maths", "algebra")}, {GET("algebra"), NUMBER(2)}),
     USERS({IS_IN("ann", "maths", "algebra")}, {IS_IN("bob", "maths", "algebra")})},

    {.name = "GET-3 a lesson with neither record nor members is not found",
     STEPS({GET("algebra"), ANSWER(NOT_FOUND)}, {JOIN("ann", "maths", "algebra")},
           {QUIT("ann"), IN("maths", "algebra")}, {GET("algebra"), ANSWER(NOT_FOUND)})},

    {.name = "COUNT-1 the members are counted",
     STEPS({CREATE("algebra")}, {COUNT("algebra"), NUMBER(0)}, {JOIN("ann", "maths", "algebra")},
           {COUNT("algebra"), NUMBER(1)}, {JOIN("bob", "maths", "algebra")}, {JOIN("cid", "maths", "biology")},
           {COUNT("algebra"), NUMBER(2)}, {QUIT("ann"), IN("maths", "algebra")}, {COUNT("algebra"), NUMBER(1)}),
     RECORDS({"algebra", "waiting", "free"}),
     USERS({IS_IN("bob", "maths", "algebra")}, {IS_IN("cid", "maths", "biology")})},

    {.name = "COUNT-2 an unknown lesson has no members, and that is an answer", STEPS({COUNT("algebra"), NUMBER(0)})},
};

const test_list lesson_tests = TEST_LIST(tests);
