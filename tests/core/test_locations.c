/* Locations, as a backend receives them. */
#include <stdio.h>

#include "cmocka_all.h"
#include "dice.h"
#include "spy.h"

static int open_and_close(const char *location) {
    lesson_store *store;
    spy_reset();
    int code = lesson_store_open_with(&store, &spy_backend, location);
    if (code)
        assert_null(store);
    lesson_store_close(store);
    return code;
}

static void assert_opens(const char *location) {
    if (open_and_close(location))
        fail_msg("%s: %s", location, lesson_store_message());
}

static void assert_refused(const char *location, const char *part_of_message) {
    int code = open_and_close(location);
    assert_int_equal(code, LESSON_STORE_INVALID);
    assert_int_equal(the_spy.opens, 0);
    if (!strstr(lesson_store_message(), part_of_message))
        fail_msg("%s: \"%s\" does not say \"%s\"", location ? location : "NULL", lesson_store_message(),
                 part_of_message);
}

static void all_parts(void **state) {
    (void)state;
    assert_opens("spy://ann:p%40ss%2F@host.name:6379/2%20x?text=two&number=7&any=a%26b");
    assert_string_equal(the_spy.user, "ann");
    assert_string_equal(the_spy.password, "p@ss/");
    assert_string_equal(the_spy.host, "host.name");
    assert_int_equal(the_spy.port, 6379);
    assert_string_equal(the_spy.path, "/2 x");
    assert_string_equal(the_spy.text, "two");
    assert_int_equal(the_spy.number, 7);
    assert_string_equal(the_spy.shown, "spy://ann:***@host.name:6379/2%20x?text=two&number=7&any=a%26b");
}

static void parts_that_are_not_there(void **state) {
    (void)state;
    assert_opens("spy:");
    assert_string_equal(the_spy.user, "(none)");
    assert_string_equal(the_spy.host, "(none)");
    assert_string_equal(the_spy.path, "(none)");
    assert_int_equal(the_spy.port, 0);
    assert_string_equal(the_spy.text, "one");
    assert_int_equal(the_spy.number, 5);

    assert_opens("spy:a/b.db?number=1");
    assert_string_equal(the_spy.path, "a/b.db");
    assert_string_equal(the_spy.host, "(none)");

    assert_opens("spy:/a/b");
    assert_string_equal(the_spy.path, "/a/b");

    assert_opens("spy+unix:///run/x.sock");
    assert_string_equal(the_spy.host, "(none)");
    assert_string_equal(the_spy.path, "/run/x.sock");

    assert_opens("spy://host");
    assert_string_equal(the_spy.host, "host");
    assert_string_equal(the_spy.path, "(none)");

    assert_opens("spy://:secret@host");
    assert_string_equal(the_spy.user, "(none)");
    assert_string_equal(the_spy.password, "secret");
    assert_string_equal(the_spy.shown, "spy://:***@host");

    assert_opens("spy+unix:/ann:secret@/run/x.sock"); /* somebody forgot two slashes */
    assert_string_equal(the_spy.shown, "spy+unix:***@/run/x.sock");

    assert_opens("spy://secret@host"); /* a user, or a password before which a colon was forgotten */
    assert_string_equal(the_spy.shown, "spy://***@host");

    assert_opens("spy://host?any=a@b"); /* maybe the end of a password with a ? in it */
    assert_string_equal(the_spy.shown, "spy://***@b");

    assert_opens("spy+unix://ann:secret@/run/x.sock");
    assert_string_equal(the_spy.user, "ann");
    assert_string_equal(the_spy.path, "/run/x.sock");

    assert_opens("spy://[::1]:7/0");
    assert_string_equal(the_spy.host, "::1");
    assert_int_equal(the_spy.port, 7);
}

/* ---- Lists of hosts */

static void assert_hosts(const char *location, int count, const char *hosts) {
    assert_opens(location);
    assert_int_equal(the_spy.host_count, count);
    assert_string_equal(the_spy.hosts, hosts);
    assert_false(the_spy.has_host_beyond);
}

static void lists_of_hosts(void **state) {
    (void)state;
    assert_hosts("spy+list://a:1,b,[::1]:2/p", 3, "a 1;b 0;::1 2;");
    assert_string_equal(the_spy.host, "a"); /* what asks for one host gets the first */
    assert_int_equal(the_spy.port, 1);
    assert_string_equal(the_spy.path, "/p");
    assert_string_equal(the_spy.shown, "spy+list://a:1,b,[::1]:2/p");
    assert_hosts("fault+spy+list://a:1,b:2?number=3", 2, "a 1;b 2;");
    assert_int_equal(the_spy.number, 3);
    assert_hosts("spy+list://[::1],a:65535", 2, "::1 0;a 65535;");
    assert_hosts("spy+list://one:7", 1, "one 7;");
    assert_hosts("spy+list:///p", 0, "");
    assert_hosts("spy+list:", 0, "");
    assert_hosts("spy://[::1]:7", 1, "::1 7;");
}

static void a_list_has_a_most_of_hosts(void **state) {
    (void)state;
    assert_hosts("spy+list://a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p:16", 16,
                 "a 0;b 0;c 0;d 0;e 0;f 0;g 0;h 0;i 0;j 0;k 0;l 0;m 0;n 0;o 0;p 16;");
    assert_refused("spy+list://a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "more than 16 hosts");
}

static void lists_that_are_refused(void **state) {
    (void)state;
    static const char *const empty[] = {"spy+list://,",    "spy+list://a,",   "spy+list://,a",
                                        "spy+list://a,,b", "spy+list://a,:1", "spy+list://[],a",
                                        "spy+list://u@,a", "spy+list://a,/p", "spy+list://a,?x=1"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        assert_refused(empty[i], "the list of hosts has an empty one");
    assert_refused("spy+list://a:1,b:0", "port");
    assert_refused("spy+list://a:1,b:", "port");
    assert_refused("spy+list://a:1,[::1", "]");
    assert_refused("spy+list://a,b%2Cc", "a byte that no host has");
    assert_refused("spy+list://a, b", "a byte that no host has");
    assert_refused("spy://a,b", "spy: takes only one host");
    assert_refused("spy+unix://a:1,b:2/p", "spy+unix: takes only one host");
    assert_refused("fault+spy://a,b", "spy: takes only one host");
}

/* A table of a version before the member has no scheme of lists. */
static void a_table_without_lists(void **state) {
    (void)state;
    lesson_store_backend old = spy_backend;
    lesson_store *store;
    old.size = offsetof(lesson_store_backend, host_list_schemes);
    spy_reset();
    assert_int_equal(lesson_store_open_with(&store, &old, "spy+list://a:1"), LESSON_STORE_OK);
    assert_string_equal(the_spy.hosts, "a 1;");
    lesson_store_close(store);
    assert_int_equal(lesson_store_open_with(&store, &old, "spy+list://a:1,b"), LESSON_STORE_INVALID);
    assert_non_null(strstr(lesson_store_message(), "spy+list: takes only one host"));
    assert_null(store);
}

/* The last @ ends the password, so it may hold what separates hosts. */
static void commas_in_passwords(void **state) {
    (void)state;
    assert_hosts("spy+list://ann:sil,ver@a,b:1", 2, "a 0;b 1;");
    assert_string_equal(the_spy.password, "sil,ver");
    assert_string_equal(the_spy.shown, "spy+list://ann:***@a,b:1");
    assert_hosts("spy+list://:,@a", 1, "a 0;");
    assert_string_equal(the_spy.password, ",");
    assert_string_equal(the_spy.shown, "spy+list://:***@a");
    /* Passwords that stand before each host are one long one. */
    assert_hosts("spy+list://ann:silver@a,bob:silver@b", 1, "b 0;");
    assert_null(strstr(the_spy.shown, "silver"));
    assert_hosts("spy://ann:a,b@host", 1, "host 0;");
    assert_string_equal(the_spy.password, "a,b");
}

/* ---- Secrets */

static bool find_secret(const char *name, const char *value, void *context) {
    (void)name;
    *(bool *)context |= strstr(value, "silver") != NULL;
    return true;
}

static void secrets_are_never_shown(void **state) {
    (void)state;
    lesson_store *store;
    bool found = false;
    assert_opens("spy:?any=visible&token=silver&number=3");
    assert_string_equal(the_spy.shown, "spy:?any=visible&token=***&number=3");
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, "spy:?token=silver"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_info(store, find_secret, &found), LESSON_STORE_OK);
    assert_false(found);
    assert_int_equal(lesson_store_lessons(store, NULL, NULL), LESSON_STORE_INVALID);
    lesson_store_close(store);

    static const char *const wrong[] = {"spy:?token=silver-plated",     "spy:?tokens=silver",
                                        "spy:?token=silver&colour=red", "spy:?number=0&token=silver",
                                        "nosuch:?token=silver",         "spy://u:silver@h:x?token=silver"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_true(lesson_store_open_with(&store, &spy_backend, wrong[i]) < 0);
        if (strstr(lesson_store_message(), "silver") && i != 0)
            fail_msg("%s: %s", wrong[i], lesson_store_message());
        assert_null(strstr(lesson_store_message(), "silver-plated"));
    }
}

static void wrong_locations_say_what_is_wrong(void **state) {
    (void)state;
    assert_refused(NULL, "empty");
    assert_refused("", "empty");
    assert_refused("no-colon", "scheme");
    assert_refused("://host", "scheme");
    assert_refused("Spy:", "scheme");
    assert_refused("spy://host:0", "port");
    assert_refused("spy://host:65536", "port");
    assert_refused("spy://host:12x", "port");
    assert_refused("spy://host:", "port");
    assert_refused("spy://host:-1", "port");
    assert_refused("spy://[::1:7", "]");
    assert_refused("spy://[::1]x:7", "between the host and the port");
    assert_refused("spy:a%zz", "hex");
    assert_refused("spy:a%4", "hex");
    assert_refused("spy:a%00b", "control byte 0x00");
    assert_refused("spy:a\nb", "control byte 0x0A");
    assert_refused("spy:?number", "name=value");
    assert_refused("spy:?=3", "name=value");
    assert_refused("spy:?number=1&number=2", "twice");
    assert_refused("spy:?colour=red", "\"colour\"");
    assert_refused("spy:?number=0", "from 1 to 10");
    assert_refused("spy:?number=11", "from 1 to 10");
    assert_refused("spy:?number=1x", "from 1 to 10");
    assert_refused("spy:?number=99999999999999999999", "from 1 to 10");
    assert_refused("spy:?number=", "from 1 to 10");
    assert_refused("spy:?text=three", "one|two");
    assert_refused("spy:?text=", "one|two");
    assert_refused("spy:?pool=0", "from 1 to 64");
    assert_refused("spy:?pool=65", "from 1 to 64");
}

static void memory_has_no_place(void **state) {
    (void)state;
    static const char *const locations[] = {"memory:school", "memory://host", "memory:/school"};
    for (size_t i = 0; i < sizeof locations / sizeof *locations; i++) {
        lesson_store *store;
        assert_int_equal(lesson_store_open(&store, locations[i]), LESSON_STORE_INVALID);
        assert_non_null(strstr(lesson_store_message(), "only options may follow memory:"));
        assert_null(store);
    }
}

static void a_location_has_a_longest_length(void **state) {
    (void)state;
    char location[LESSON_STORE_LOCATION_MAX + 2];
    memset(location, 'a', sizeof location);
    memcpy(location, "spy:", 4);
    location[LESSON_STORE_LOCATION_MAX + 1] = '\0';
    assert_refused(location, "4096");
    location[LESSON_STORE_LOCATION_MAX] = '\0';
    assert_opens(location);
}

static void many_options_are_refused(void **state) {
    (void)state;
    char location[512] = "spy:?a0=1";
    for (int i = 1; i <= 32; i++) {
        char option[16];
        snprintf(option, sizeof option, "&a%d=1", i);
        strcat(location, option);
    }
    assert_refused(location, "too many options");
}

/* Also if the password was not encoded and so falls into other parts. */
static void no_message_shows_a_password(void **state) {
    (void)state;
    const char *const locations[] = {
        "spy://ann:hunter2@host:0", "spy://ann:hunter2@host?colour=1",
        "spy://:hunter2@host:x/1",  "spy://:hunter2/x@host:6379",
        "spy://:hunter2?x@host",    "spy://:%zzhunter2@host",
        "spy://ann:hunter2@[host",  "spy://ann:hun@hunter2@host:0",
        "spy://hunter2%40host:1",   "spy://host;password=hunter2",
        "spy://ann hunter2",        "spy://host?number=hunter2",
        "spy://host?text=hunter2",  "spy://host?number=1&Hunter-hunter2=1",
        "spy+list://a,b:hunter2",   "spy+list://ann:hunter2,x@a,,b",
        "spy://ann:hunter2@a,b",    "spy+list://a@ann:hunter2@b,c:0",
        "spy+list://:hunter2@,b",   "spy+list://a,ann hunter2",
    };
    for (size_t i = 0; i < sizeof locations / sizeof *locations; i++) {
        assert_int_equal(open_and_close(locations[i]), LESSON_STORE_INVALID);
        if (strstr(lesson_store_message(), "hunter2"))
            fail_msg("%s: \"%s\" shows the password", locations[i], lesson_store_message());
    }
}

static bool find_password(const char *name, const char *value, void *context) {
    (void)name;
    if (strstr(value, "hunter2"))
        *(bool *)context = true;
    return true;
}

static void information_shows_no_password(void **state) {
    (void)state;
    lesson_store *store;
    bool shown = false;
    spy_reset();
    const char *const locations[] = {"spy://ann:hunter2@host", "spy://:6379/hunter2@host",
                                     "spy://:12/hunter2@/tmp/x.sock"};
    for (size_t i = 0; i < sizeof locations / sizeof *locations; i++) {
        assert_int_equal(lesson_store_open_with(&store, &spy_backend, locations[i]), LESSON_STORE_OK);
        assert_int_equal(lesson_store_info(store, find_password, &shown), LESSON_STORE_OK);
        assert_false(shown);
        lesson_store_close(store);
    }
}

/* ---- Whatever is wrong with a location: what stands before an @ is never shown */

static const char *any_of(dice_state *dice, const char *const *texts, size_t count) {
    return texts[dice_below(dice, (unsigned)count)];
}

#define ANY_OF(dice, ...) \
    any_of(dice, (const char *const[]){__VA_ARGS__}, sizeof(const char *const[]){__VA_ARGS__} / sizeof(const char *))

static void write_location(char *location, size_t size, dice_state *dice) {
    const char *scheme =
        ANY_OF(dice, "spy:", "spy+unix:", "spy+list:", "redis:", "fault+redis:", "rediss:", "memory:", "nosuch:");
    const char *slashes = ANY_OF(dice, "//", "//", "//", "/", "", "///");
    const char *user =
        ANY_OF(dice, "", ":", "ann:", "ann:", "ann", "user:42?any=", "a:12?", "ann:12/", "ann:%", "[::1", "ann:x@",
               "ann:?colour=1&any=", "u:1?number=", "u:1/?text=", "h?pool=", "h/0?db=", "ann:1,", "a,b:1,");
    const char *behind =
        ANY_OF(dice, "", "", "#", "%", "?x", "/", ":", "=1", "&any=1", "%2", "@", "?number=1&number=1");
    const char *rest =
        ANY_OF(dice, "127.0.0.1:1", "127.0.0.1:1/0", "127.0.0.1:x", "/tmp/none.sock", "[::1", "127.0.0.1:1/x",
               "127.0.0.1:1?any=1", "127.0.0.1:1?colour=1", "", "127.0.0.1:1?number=99", "h%", "127.0.0.1:1?db=x",
               "127.0.0.1:1?db", "127.0.0.1:1,127.0.0.1:2", "127.0.0.1:1,", ",", "127.0.0.1:1,[::1");
    snprintf(location, size, "%s%s%shunter2%s@%s", scheme, slashes, user, behind, rest);
}

/* Returns false if the location, or what an open store says of it, shows the password. */
static bool hides_password(const char *location) {
    lesson_store *store;
    bool shown = false;
    bool is_spy = strncmp(location, "spy", 3) == 0;
    spy_reset();
    int code = is_spy ? lesson_store_open_with(&store, &spy_backend, location) : lesson_store_open(&store, location);
    if (code)
        return !strstr(lesson_store_message(), "hunter2");
    if (lesson_store_info(store, find_password, &shown) || lesson_store_lessons(store, NULL, NULL) == LESSON_STORE_OK)
        shown = true;
    shown |= strstr(lesson_store_message(), "hunter2") != NULL || strstr(the_spy.shown, "hunter2") != NULL;
    lesson_store_close(store);
    return !shown;
}

static void no_random_location_shows_a_password(void **state) {
    (void)state;
    dice_state dice = {20261126};
    for (int i = 0; i < 20000; i++) {
        char location[256];
        write_location(location, sizeof location, &dice);
        if (!hides_password(location))
            fail_msg("%s: \"%s\" shows the password", location, lesson_store_message());
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_parts),
        cmocka_unit_test(parts_that_are_not_there),
        cmocka_unit_test(lists_of_hosts),
        cmocka_unit_test(a_list_has_a_most_of_hosts),
        cmocka_unit_test(lists_that_are_refused),
        cmocka_unit_test(a_table_without_lists),
        cmocka_unit_test(commas_in_passwords),
        cmocka_unit_test(secrets_are_never_shown),
        cmocka_unit_test(wrong_locations_say_what_is_wrong),
        cmocka_unit_test(memory_has_no_place),
        cmocka_unit_test(a_location_has_a_longest_length),
        cmocka_unit_test(many_options_are_refused),
        cmocka_unit_test(no_message_shows_a_password),
        cmocka_unit_test(information_shows_no_password),
        cmocka_unit_test(no_random_location_shows_a_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
