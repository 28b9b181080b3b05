/* Helper keys: each in the slot of the key that it belongs to, each of one key only, and none that the stored form has.
 */
#include <stdio.h>
#include <string.h>

#include "backends/cluster/keys.h"
#include "backends/redis/slots.h"
#include "cmocka_all.h"
#include "dice.h"

static void assert_helper(const char *prefix, const char *middle, const char *id, const char *expected) {
    cluster_key key, helper;
    unsigned slot = cluster_key_write(&key, prefix, middle, lesson_store_id_of(id));
    cluster_key_write_helper(&helper, &key, CLUSTER_VERSION);
    assert_int_equal(helper.size, strlen(helper.text));
    assert_int_equal(redis_slot_of_key(helper.text, helper.size), slot);
    assert_int_equal(cluster_slot_of(prefix, middle, lesson_store_id_of(id)), slot);
    if (expected)
        assert_string_equal(helper.text, expected);
}

static void test_forms(void **state) {
    (void)state;
    assert_helper("STATUS", REDIS_USER, "7", "{STATUS:IN_LESSON:UID:7}:v");
    assert_helper("STATUS", REDIS_MEMBERS, "a{b", "{STATUS:LESSON_USER:LESSON_ID:a{b}:v");
    assert_helper("STATUS", REDIS_USER, "a{b}c", "{b}STATUS:IN_LESSON:UID:a{b}c:v");
    assert_helper("STATUS", REDIS_USER, "a}b", NULL);
    assert_helper("STATUS", REDIS_USER, "}", NULL);
    assert_helper("STATUS", REDIS_USER, "{}", NULL);
    assert_helper("STATUS", REDIS_USER, "{}{a}", NULL);
    assert_helper("}{", REDIS_MEMBERS, "}x", NULL);
}

static void test_longest(void **state) {
    (void)state;
    char prefix[LESSON_STORE_ID_MAX + 1], id[LESSON_STORE_ID_MAX + 1];
    memset(prefix, 'p', LESSON_STORE_ID_MAX);
    prefix[LESSON_STORE_ID_MAX] = '\0';
    for (int i = 0; i < 3; i++) {
        memset(id, i == 0 ? 'u' : '}', LESSON_STORE_ID_MAX);
        id[LESSON_STORE_ID_MAX] = '\0';
        id[0] = i == 2 ? '{' : id[0];
        id[LESSON_STORE_ID_MAX - 1] = i == 2 ? '}' : id[LESSON_STORE_ID_MAX - 1];
        memset(id + 1, i == 2 ? 't' : id[1], LESSON_STORE_ID_MAX - 2);
        assert_helper(prefix, REDIS_MEMBERS, id, NULL);
    }
}

static void test_random_ids(void **state) {
    (void)state;
    static const char letters[] = "{}ab:v";
    dice_state dice = {1};
    char id[9];
    for (int i = 0; i < 200; i++) {
        size_t size = 1 + dice_below(&dice, 8);
        for (size_t at = 0; at < size; at++)
            id[at] = letters[dice_below(&dice, sizeof letters - 1)];
        id[size] = '\0';
        assert_helper("STATUS", i % 2 ? REDIS_USER : REDIS_MEMBERS, id, NULL);
    }
}

static void test_helpers_differ(void **state) {
    (void)state;
    static const char *const ids[] = {"a{b}c", "a{b}c:v", "a", "a:v", "a}", "a}:v", "{a}", "{a}:v"};
    enum { IDS = sizeof ids / sizeof *ids };
    cluster_key keys[IDS], helpers[IDS];
    for (int i = 0; i < IDS; i++) {
        cluster_key_write(&keys[i], "STATUS", REDIS_USER, lesson_store_id_of(ids[i]));
        cluster_key_write_helper(&helpers[i], &keys[i], CLUSTER_VERSION);
    }
    for (int i = 0; i < IDS; i++) {
        for (int j = 0; j < IDS; j++) {
            assert_string_not_equal(helpers[i].text, keys[j].text);
            assert_true(i == j || strcmp(helpers[i].text, helpers[j].text) != 0);
        }
    }
}

/* The keys that a store has once have one slot, whatever the prefix. */
static void test_common_prefix(void **state) {
    (void)state;
    static const char *const prefixes[] = {"STATUS", "a{", "a}", "}{", "{}", "a{}b"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        char common[CLUSTER_HELPER_SIZE], key[CLUSTER_HELPER_SIZE + 16];
        unsigned slot = cluster_write_common_prefix(common, prefixes[i]);
        snprintf(key, sizeof key, "%s:OWNERS", common);
        assert_int_equal(redis_slot_of_key(key, strlen(key)), slot);
        snprintf(key, sizeof key, "%s:LEASES", common);
        assert_int_equal(redis_slot_of_key(key, strlen(key)), slot);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),          cmocka_unit_test(test_longest),       cmocka_unit_test(test_random_ids),
        cmocka_unit_test(test_helpers_differ), cmocka_unit_test(test_common_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
