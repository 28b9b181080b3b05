/* Users: join, quit, where, and the one-lesson rule. */
#include "suite.h"

static const struct test tests[] = {
    {.name = "JOIN-1 WHERE-1 a new user is in the lesson and was in none before",
     STEPS({CREATE("algebra")}, {JOIN("ann", "maths", "algebra")}, {WHERE("ann"), IN("maths", "algebra")}),
     RECORDS({"algebra", "waiting", "free"}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "JOIN-2 a user who joins another lesson is moved and is in no other",
     STEPS({CREATE("algebra")}, {CREATE("biology")}, {JOIN("ann", "maths", "algebra")},
           {JOIN("bob", "maths", "algebra")}, {JOIN("ann", "nature", "biology"), MOVED_FROM("maths", "algebra")},
           {COUNT("algebra"), NUMBER(1)}, {COUNT("biology"), NUMBER(1)}, {WHERE("ann"), IN("nature", "biology")}),
     RECORDS({"algebra", "waiting", "free"}, {"biology", "waiting", "free"}),
     USERS({IS_IN("ann", "nature", "biology")}, {IS_IN("bob", "maths", "algebra")})},

    {.name = "JOIN-2 moved there and back, and on, a user leaves nothing behind",
     STEPS({JOIN("ann", "maths", "a")}, {JOIN("ann", "maths", "b"), MOVED_FROM("maths", "a")},
           {JOIN("ann", "maths", "a"), MOVED_FROM("maths", "b")}, {JOIN("ann", "maths", "b"), MOVED_FROM("maths", "a")},
           {JOIN("ann", "maths", "c"), MOVED_FROM("maths", "b")}),
     USERS({IS_IN("ann", "maths", "c")})},

    {.name = "JOIN-3 a user who joins the same lesson again is in it once",
     STEPS({JOIN("ann", "maths", "algebra")}, {JOIN("ann", "maths", "algebra"), ALREADY_IN("maths", "algebra")},
           {JOIN("ann", "maths", "algebra"), ALREADY_IN("maths", "algebra")}, {COUNT("algebra"), NUMBER(1)}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "JOIN-4 another course in the same lesson replaces the course",
     STEPS({JOIN("ann", "maths", "algebra")}, {JOIN("bob", "maths", "algebra")},
           {JOIN("ann", "exams", "algebra"), ALREADY_IN("maths", "algebra")}, {WHERE("ann"), IN("exams", "algebra")}),
     USERS({IS_IN("ann", "exams", "algebra")}, {IS_IN("bob", "maths", "algebra")})},

    {.name = "JOIN-5 a session is kept and returned",
     STEPS({JOIN("ann", "maths", "algebra"), SESSION("s1")}, {JOIN("bob", "maths", "algebra")},
           {WHERE("ann"), IN("maths", "algebra"), PLACE_SESSION("s1")}, {WHERE("bob"), IN("maths", "algebra")}),
     USERS({IS_IN("ann", "maths", "algebra"), SESSION("s1")}, {IS_IN("bob", "maths", "algebra")})},

    {.name = "JOIN-5 each join replaces the session, in the same lesson and in another",
     STEPS({JOIN("ann", "maths", "algebra"), SESSION("s1")},
           {JOIN("ann", "maths", "algebra"), SESSION("s2"), ALREADY_IN("maths", "algebra"), PLACE_SESSION("s1")},
           {JOIN("ann", "nature", "biology"), SESSION("s3"), MOVED_FROM("maths", "algebra"), PLACE_SESSION("s2")}),
     USERS({IS_IN("ann", "nature", "biology"), SESSION("s3")})},

    {.name = "JOIN-6 a join without a session removes the old one, in the same lesson and in another",
     STEPS({JOIN("ann", "maths", "algebra"), SESSION("s1")}, {JOIN("bob", "maths", "algebra"), SESSION("s2")},
           {JOIN("ann", "maths", "algebra"), ALREADY_IN("maths", "algebra"), PLACE_SESSION("s1")},
           {JOIN("bob", "nature", "biology"), MOVED_FROM("maths", "algebra"), PLACE_SESSION("s2")},
           {WHERE("ann"), IN("maths", "algebra")}),
     USERS({IS_IN("ann", "maths", "algebra")}, {IS_IN("bob", "nature", "biology")})},

    {.name = "JOIN-7 by default nothing is asked of the lesson record, and none is made",
     STEPS({CREATE("closed")}, {SET("closed"), COURSE_STATUS("cantjoinin")}, {JOIN("ann", "maths", "closed")},
           {JOIN("bob", "maths", "unknown")}, {GET("unknown"), NUMBER(1)}),
     RECORDS({"closed", "cantjoinin", "free"}),
     USERS({IS_IN("ann", "maths", "closed")}, {IS_IN("bob", "maths", "unknown")})},

    {.name = "QUIT-1 a user who quits is out, and the place left is returned",
     STEPS({CREATE("algebra")}, {JOIN("ann", "maths", "algebra")}, {JOIN("bob", "exams", "algebra")},
           {QUIT("ann"), IN("maths", "algebra")}, {WHERE("ann"), ANSWER(NOT_FOUND)}, {COUNT("algebra"), NUMBER(1)}),
     RECORDS({"algebra", "waiting", "free"}),
     USERS({IS_IN("bob", "exams", "algebra")})},

    {.name = "QUIT-1 a user who has quit joins as a new one",
     STEPS({JOIN("ann", "maths", "algebra")}, {QUIT("ann"), IN("maths", "algebra")}, {JOIN("ann", "maths", "biology")},
           {QUIT("ann"), IN("maths", "biology")}, {JOIN("ann", "maths", "biology")}),
     USERS({IS_IN("ann", "maths", "biology")})},

    {.name = "QUIT-2 WHERE-2 a user in no lesson is not found, and the calls leave nothing behind",
     STEPS({QUIT("ann"), ANSWER(NOT_FOUND)}, {WHERE("ann"), ANSWER(NOT_FOUND)}, {CREATE("algebra")},
           {JOIN("bob", "maths", "algebra")}, {QUIT("ann"), OF_LESSON("algebra"), ANSWER(NOT_FOUND)}),
     RECORDS({"algebra", "waiting", "free"}),
     USERS({IS_IN("bob", "maths", "algebra")})},

    {.name = "QUIT-2 a second quit is not found",
     STEPS({JOIN("ann", "maths", "algebra"), SESSION("s1")}, {QUIT("ann"), IN("maths", "algebra"), PLACE_SESSION("s1")},
           {QUIT("ann"), ANSWER(NOT_FOUND)}, {QUIT("ann"), SESSION("s1"), ANSWER(NOT_FOUND)})},

    {.name = "QUIT-3 a quit that names the user's lesson takes the user out",
     STEPS({JOIN("ann", "maths", "algebra")}, {QUIT("ann"), OF_LESSON("algebra"), IN("maths", "algebra")})},

    {.name = "QUIT-3 a late quit of the old lesson is a conflict and changes nothing",
     STEPS({CREATE("algebra")}, {CREATE("biology")}, {JOIN("ann", "maths", "algebra")},
           {JOIN("ann", "nature", "biology"), MOVED_FROM("maths", "algebra")},
           {QUIT("ann"), OF_LESSON("algebra"), ANSWER(CONFLICT), IN("nature", "biology")},
           {QUIT("ann"), OF_LESSON("unknown"), ANSWER(CONFLICT), IN("nature", "biology")},
           {WHERE("ann"), IN("nature", "biology")}),
     RECORDS({"algebra", "waiting", "free"}, {"biology", "waiting", "free"}),
     USERS({IS_IN("ann", "nature", "biology")})},

    {.name = "QUIT-4 a quit with the session of the last join takes the user out",
     STEPS({JOIN("ann", "maths", "algebra"), SESSION("s1")},
           {QUIT("ann"), SESSION("s1"), IN("maths", "algebra"), PLACE_SESSION("s1")})},

    {.name = "QUIT-4 a late quit of an old session is a conflict and changes nothing",
     STEPS({JOIN("ann", "maths", "algebra"), SESSION("s1")},
           {JOIN("ann", "maths", "algebra"), SESSION("s2"), ALREADY_IN("maths", "algebra"), PLACE_SESSION("s1")},
           {QUIT("ann"), SESSION("s1"), ANSWER(CONFLICT), IN("maths", "algebra"), PLACE_SESSION("s2")},
           {WHERE("ann"), IN("maths", "algebra"), PLACE_SESSION("s2")}),
     USERS({IS_IN("ann", "maths", "algebra"), SESSION("s2")})},

    {.name = "QUIT-4 a quit with a session of a user who came back without one is a conflict",
     STEPS({JOIN("ann", "maths", "algebra"), SESSION("s1")},
           {JOIN("ann", "maths", "algebra"), ALREADY_IN("maths", "algebra"), PLACE_SESSION("s1")},
           {QUIT("ann"), SESSION("s1"), ANSWER(CONFLICT), IN("maths", "algebra")}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "QUIT-5 if a quit has a lesson and a session, both must match",
     STEPS({JOIN("ann", "maths", "algebra"), SESSION("s1")},
           {QUIT("ann"), OF_LESSON("biology"), SESSION("s1"), ANSWER(CONFLICT), IN("maths", "algebra"),
            PLACE_SESSION("s1")},
           {QUIT("ann"), OF_LESSON("algebra"), SESSION("s2"), ANSWER(CONFLICT), IN("maths", "algebra"),
            PLACE_SESSION("s1")},
           {QUIT("ann"), OF_LESSON("biology"), SESSION("s2"), ANSWER(CONFLICT), IN("maths", "algebra"),
            PLACE_SESSION("s1")},
           {JOIN("bob", "maths", "algebra"), SESSION("s2")},
           {QUIT("bob"), OF_LESSON("algebra"), SESSION("s2"), IN("maths", "algebra"), PLACE_SESSION("s2")}),
     USERS({IS_IN("ann", "maths", "algebra"), SESSION("s1")})},

    {.name = "QUIT-6 a quit without a session takes the user out whatever the session is",
     STEPS({JOIN("ann", "maths", "algebra"), SESSION("s1")}, {JOIN("bob", "maths", "algebra"), SESSION("s2")},
           {QUIT("ann"), IN("maths", "algebra"), PLACE_SESSION("s1")},
           {QUIT("bob"), OF_LESSON("algebra"), IN("maths", "algebra"), PLACE_SESSION("s2")})},

    {.name = "QUIT-7 the session of a user who has quit is forgotten",
     STEPS({JOIN("ann", "maths", "algebra"), SESSION("s1")}, {QUIT("ann"), IN("maths", "algebra"), PLACE_SESSION("s1")},
           {JOIN("ann", "maths", "algebra")}, {WHERE("ann"), IN("maths", "algebra")}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "QUIT-7 END-1 the session of a user whose lesson has ended is forgotten",
     STEPS({JOIN("ann", "maths", "algebra"), SESSION("s1")}, {END("algebra"), NUMBER(1)},
           {QUIT("ann"), SESSION("s1"), ANSWER(NOT_FOUND)}, {JOIN("ann", "maths", "algebra")}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "STATE-1 a day of four users and three lessons",
     STEPS({CREATE("algebra")}, {CREATE("biology")}, {JOIN("ann", "maths", "algebra")},
           {JOIN("bob", "maths", "algebra")}, {JOIN("cid", "nature", "biology")}, {JOIN("dot", "nature", "biology")},
           {JOIN("bob", "nature", "biology"), MOVED_FROM("maths", "algebra")}, {QUIT("cid"), IN("nature", "biology")},
           {JOIN("cid", "arts", "choir")}, {COUNT("biology"), NUMBER(2)}, {END("algebra"), NUMBER(1)},
           {JOIN("ann", "arts", "choir")},
           {QUIT("dot"), OF_LESSON("algebra"), ANSWER(CONFLICT), IN("nature", "biology")}, {COUNT("choir"), NUMBER(2)},
           {END("biology"), NUMBER(2)}, {WHERE("bob"), ANSWER(NOT_FOUND)}, {CREATE("choir")},
           {GET("choir"), HAS("waiting", "free"), NUMBER(2)}),
     RECORDS({"choir", "waiting", "free"}),
     USERS({IS_IN("ann", "arts", "choir")}, {IS_IN("cid", "arts", "choir")})},
};

const test_list user_tests = TEST_LIST(tests);
