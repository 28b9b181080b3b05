"""lessonstore.Store: every method, on every backend that is built."""

import lessonstore
from common import BACKENDS, Case, main
from lessonstore import (Arrival, Ban, ChatStatus, Closed, Code, CountMembers, CourseStatus, Create, End, Flag,
                         GetLesson, Hold, Invalid, Join, Kick, NotFound, Quit, Set, Store, Unban, Unreachable, Where)

IDS = ["ann", "a b", "教室 7", "{tag}", "a:b:c", "#@|'\"", "x" * 255, "é" * 127, "\u202e", "\x80", "None", "*", "%2F"]


class Calls(Case):
    def test_lessons(self):
        for backend in self.each_backend():
            with Store(self.location(backend)) as store:
                self.assertIs(store.create("l"), True)
                self.assertIs(store.create("l"), False)
                self.assertIs(store.create("l", reset=True), True)
                self.assertIs(store.create("full", course_id="c", course_status=CourseStatus.ONLINE,
                                           chat_status=ChatStatus.BANNED, capacity=1), True)
                self.assertEqual(store.get_lesson("full"), lessonstore.Lesson(
                    "full", 0, CourseStatus.ONLINE, ChatStatus.BANNED, True, "c", 1))
                self.assertEqual(store.get_lesson("l"), lessonstore.Lesson(
                    "l", 0, CourseStatus.WAITING, ChatStatus.FREE, True, None, None))
                self.assertIsNone(store.get_lesson("none"))
                self.assertIs(store.set_course_status("l", CourseStatus.ONLINE), True)
                self.assertIs(store.set_course_status("none", CourseStatus.ONLINE), False)
                self.assertIs(store.set_chat_status("l", 1), True)
                self.assertIs(store.set_chat_status("none", 1), False)
                self.assertIs(store.set_capacity("l", 3), True)
                self.assertIs(store.set_capacity("none", 3), False)
                outcome = store.replace_course_status("l", CourseStatus.WAITING, CourseStatus.OFFLINE)
                self.assertEqual((outcome.code, outcome.course_status), (Code.CONFLICT, CourseStatus.ONLINE))
                self.assertFalse(outcome)
                self.assertTrue(store.replace_course_status("l", CourseStatus.ONLINE, CourseStatus.OFFLINE))
                self.assertTrue(store.replace_chat_status("l", 1, 0))
                self.assertEqual(store.replace_chat_status("none", 1, 0).code, Code.NOT_FOUND)
                lesson = store.get_lesson("l")
                self.assertEqual((lesson.course_status, lesson.chat_status, lesson.capacity), (0, 0, 3))
                store.join("ann", "c", "l")
                self.assertEqual(store.end("l", record_only=True), 0)
                self.assertEqual(store.get_lesson("l"), lessonstore.Lesson("l", 1, None, None, False, None, None))
                self.assertEqual(store.end("l"), 1)
                self.assertIsNone(store.end("l"))

    def test_users(self):
        for backend in self.each_backend():
            with Store(self.location(backend)) as store:
                outcome = store.join("ann", "c", "l", session="s1")
                self.assertEqual((bool(outcome), outcome.arrival, outcome.place), (True, Arrival.NEW, None))
                place = lessonstore.Place("c", "l", "s1", None, None)
                self.assertEqual(store.where("ann"), place)
                self.assertIsNone(store.where("bob"))
                outcome = store.join("ann", "c", "k")
                self.assertEqual((outcome.arrival, outcome.place), (Arrival.MOVED, place))
                self.assertEqual(store.join("ann", "c", "k").arrival, Arrival.ALREADY_THERE)
                outcome = store.join("ann", "c", "l", flags=Flag.JOIN_STAY)
                self.assertEqual((outcome.code, outcome.refused_by, outcome.place.lesson_id),
                                 (Code.REFUSED, Flag.JOIN_STAY, "k"))
                outcome = store.resume("ann", "c", "k", if_session="s9", session="s2")
                self.assertEqual((outcome.code, outcome.place.lesson_id), (Code.CONFLICT, "k"))
                self.assertRaises(Invalid, store.resume, "ann", "c", "k", if_session=None)
                self.assertEqual(store.quit("ann", lesson_id="l").code, Code.CONFLICT)
                self.assertEqual(store.quit("ann", session="s9").code, Code.CONFLICT)
                self.assertEqual(store.quit("bob").code, Code.NOT_FOUND)
                outcome = store.quit("ann")
                self.assertEqual((outcome.code, outcome.place.lesson_id), (Code.OK, "k"))
                self.assertEqual(store.count_members("k"), 0)

    def test_room(self):
        for backend in self.each_backend():
            with Store(self.location(backend)) as store:
                store.create("l", capacity=1)
                self.assertTrue(store.join("ann", "c", "l", flags=Flag.JOIN_IF_ROOM))
                outcome = store.join("bob", "c", "l", flags=Flag.JOIN_IF_ROOM | Flag.JOIN_IF_OPEN)
                self.assertEqual((outcome.code, outcome.refused_by, outcome.count),
                                 (Code.REFUSED, Flag.JOIN_IF_ROOM, 1))

    def test_bans(self):
        for backend in self.each_backend():
            with Store(self.location(backend)) as store:
                self.assertIs(store.ban("l", "ann", 60000), False)
                store.create("l")
                store.join("ann", "c", "l")
                self.assertEqual(store.kick("l", "ann", 60000).place.lesson_id, "l")
                self.assertIsNone(store.kick("l", "ann", 60000).place)
                self.assertEqual(store.kick("none", "ann", 60000).code, Code.NOT_FOUND)
                (banned,) = store.bans("l")
                self.assertEqual(banned.uid, "ann")
                self.assertTrue(0 < banned.left_ms <= 60000)
                self.assertEqual(store.join("ann", "c", "l", flags=Flag.JOIN_UNLESS_BANNED).refused_by,
                                 Flag.JOIN_UNLESS_BANNED)
                self.assertIs(store.unban("l", "ann"), True)
                self.assertIs(store.unban("none", "ann"), False)
                self.assertEqual(store.bans("l"), [])
                self.assertIs(store.ban("l", "bob", 1), True)
                self.assertRaises(Invalid, store.ban, "l", "bob", 0)

    def test_owners(self):
        for backend in self.each_backend():
            with Store(self.location(backend)) as store:
                owner = lessonstore.make_owner("worker")
                self.assertNotEqual(owner, lessonstore.make_owner("worker"))
                self.assertEqual(store.join("ann", "c", "l", owner=owner).refused_by, Flag.JOIN_BY_OWNER)
                self.assertIs(store.renew(owner, 60000), False)
                self.assertIs(store.hold(owner, 60000), True)
                self.assertIs(store.renew(owner, 60000), True)
                self.assertTrue(store.join("ann", "c", "l", owner=owner))
                place = store.where("ann")
                self.assertEqual(place.owner, owner)
                self.assertGreater(place.joined_ms, 0)
                (held,) = store.owners()
                self.assertEqual((held.owner, held.lease_ms, held.state), (owner, 60000, lessonstore.OwnerState.HELD))
                self.assertEqual(store.sweep(), [])
                (user,) = store.drop(owner)
                self.assertEqual((user.uid, user.lesson_id, user.owner), ("ann", "l", owner))
                self.assertIsNone(store.drop(owner))

    def test_lists(self):
        for backend in self.each_backend():
            with Store(self.location(backend)) as store:
                uids = {f"u{i}" for i in range(2500)}
                store.batch([Join(uid, "c", "l") for uid in uids])
                store.create("k", course_id="maths")
                self.assertEqual(sorted(store.members("l")), sorted(uids))
                self.assertEqual(sorted(store.members("l", page=7)), sorted(uids))
                self.assertEqual(sorted(store.members_at_once("l")), sorted(uids))
                self.assertEqual(list(store.members("none")), [])
                self.assertEqual({user.uid for user in store.users()}, uids)
                self.assertEqual({lesson.lesson_id: lesson.member_count for lesson in store.lessons()},
                                 {"l": 2500, "k": 0})
                self.assertEqual([lesson.lesson_id for lesson in store.lessons(course_id="maths")], ["k"])
                self.assertEqual(list(store.lessons(course_status=CourseStatus.ONLINE)), [])
                self.assertRaises(Invalid, next, store.members("l", page=0))
                self.assertRaises(Invalid, store.members, "")
                self.assertRaises(Invalid, store.members, "l\0k")
                members = store.members("l", page=10)
                next(members)
                store.quit("nobody")  # the store may be called meanwhile
                members.close()
                self.assertEqual(list(members), [])

    def test_batches(self):
        for backend in self.each_backend():
            with Store(self.location(backend)) as store:
                operations = [
                    Create("l"), Create("l"), Join("ann", "c", "l"), Join("", "c", "l"), Where("ann"), Where("bob"),
                    CountMembers("l"), GetLesson("l"), Set("l", course_status=CourseStatus.ONLINE),
                    Set("l", course_status=1, if_course_status=0), Kick("l", "ann", 1000), Ban("l", "bob", 1000),
                    Unban("l", "bob"), Quit("ann"), Hold("o", 1000), End("l"), End("l"), Where("a\0b"),
                ]
                outcomes = store.batch(iter(operations))
                self.assertEqual(
                    [outcome.code.name for outcome in outcomes],
                    "OK EXISTS OK INVALID OK NOT_FOUND OK OK OK CONFLICT OK OK OK NOT_FOUND OK OK NOT_FOUND INVALID"
                    .split())
                self.assertEqual(outcomes[4].place.lesson_id, "l")
                self.assertEqual(outcomes[6].count, 1)
                self.assertEqual(outcomes[7].lesson.member_count, 1)
                self.assertEqual(outcomes[9].course_status, CourseStatus.ONLINE)
                self.assertIsNone(outcomes[2].error)
                self.assertIsInstance(outcomes[3].error, Invalid)
                self.assertIn("uid", outcomes[3].message)
                self.assertRaises(Invalid, outcomes[3].check)
                self.assertIs(outcomes[1].check(), outcomes[1])
                self.assertEqual(store.batch([]), [])
                self.assertRaises(TypeError, store.batch, ["join"])
                self.assertRaises(TypeError, store.batch, [()])
                self.assertRaises(ValueError, store.batch, [Where("ann")] * (lessonstore.BATCH_MAX + 1))

    def test_ids(self):
        for backend in self.each_backend():
            with Store(self.location(backend)) as store:
                for uid in IDS:
                    store.join(uid, uid, uid, session=uid)
                    self.assertEqual(store.where(uid)[:3], (uid, uid, uid))
                    self.assertEqual(list(store.members(uid)), [uid])
                self.assertEqual({user.uid for user in store.users()}, set(IDS))
                store.join(7, b"maths", 2 ** 70)
                self.assertEqual(store.where("7")[:2], ("maths", str(2 ** 70)))
                self.assertEqual(store.where(b"7"), store.where(7))
                for wrong in ("", b"", "a\0b", b"a\0b", "a\nb", "\x7f", b"\xff", "x" * 256, None):
                    self.assertRaises(Invalid, store.where, wrong)
                    self.assertRaises(Invalid, store.members_at_once, wrong)
                    self.assertRaises(Invalid, store.bans, wrong)
                    self.assertRaises(Invalid, store.drop, wrong)
                    if wrong is not None:
                        self.assertRaises(Invalid, store.quit, "ann", lesson_id=wrong)
                for wrong in (1.5, [], object()):
                    self.assertRaises(TypeError, store.where, wrong)
                self.assertRaises(UnicodeEncodeError, store.where, "\ud800")
                self.assertRaises(OverflowError, store.set_course_status, "l", 2 ** 40)
                self.assertRaises(OverflowError, store.join, "ann", "c", "l", flags=-1)
                self.assertRaises(Invalid, store.set_course_status, "l", 9)

    def test_check_and_facts(self):
        for backend in self.each_backend():
            location = self.location(backend)
            with Store(location) as store:
                store.join("ann", "c", "l")
                self.assertEqual(store.check(), [])
                (finding,) = store.check(ended=True)
                self.assertEqual((finding.kind, finding.repaired, finding.lesson_id, finding.uid),
                                 (lessonstore.FindingKind.ENDED_LESSON, False, "l", "ann"))
                (finding,) = store.check(ended=True, repair=True)
                self.assertTrue(finding.repaired)
                self.assertIsNone(store.where("ann"))
                self.assertIn("location", store.info())
                self.assertIn("location", store.info())
                self.assertIn(backend, repr(store))
                self.assertTrue(store.abilities().capabilities & lessonstore.Can.KEEP_SESSIONS)
                self.assertEqual(store.abilities().exceptions, 0)
                text = store.metrics("a school")
                self.assertTrue(text.endswith("# EOF\n"))
                self.assertIn('store="a school"', text)
                self.assertNotIn("# EOF", store.metrics(part=True))
                self.assertRaises(Invalid, store.metrics, "\n")

    def test_closed(self):
        for backend in self.each_backend():
            store = Store(self.location(backend))
            store.join("ann", "c", "l")
            members = store.members("l")
            self.assertFalse(store.closed)
            store.close()
            store.close()
            self.assertTrue(store.closed)
            for call in (lambda: store.where("ann"), lambda: store.batch([Where("ann")]), lambda: next(members),
                         lambda: store.members("l"), store.check, store.info, store.sweep, store.owners,
                         store.abilities, store.metrics, store.feed):
                with self.assertRaises(Closed) as caught:
                    call()
                self.assertEqual(caught.exception.code, Code.CLOSED)
            self.assertIn("closed", repr(store))


class Failures(Case):
    def test_locations(self):
        for location in ("nonsense", "", "nowhere:x", "memory:?pool=99", "memory:\0"):
            self.assertRaises((Invalid, lessonstore.Unsupported, ValueError), Store, location)
        with self.assertRaises(Invalid) as caught:
            Store()
        self.assertIn("LESSONSTORE_LOCATION", str(caught.exception))
        self.assertRaises(TypeError, lessonstore._lessonstore.Store)

    def test_unreachable(self):
        if "redis" not in BACKENDS:
            self.skipTest("redis is not built")
        with self.assertRaises(Unreachable) as caught:
            Store(f"redis+unix://{self.path}/none.sock")
        self.assertIn("none.sock", str(caught.exception))
        self.assertNotIsInstance(caught.exception, ValueError)

    def test_faults(self):
        """Each failure is the exception of its code, and never an answer."""
        try:
            Store("fault+memory:").close()
        except lessonstore.Unsupported:
            self.skipTest("the fault backend is not built")
        for code, error in (("unreachable", Unreachable), ("busy", lessonstore.Busy), ("full", lessonstore.Full),
                            ("unknown", lessonstore.Unknown), ("denied", lessonstore.Denied)):
            with Store(f"fault+memory:?fault_code={code}&fault_on=join") as store:
                with self.assertRaises(error) as caught:
                    store.join("ann", "c", "l")
                self.assertEqual(caught.exception.code.name, code.upper())
                outcomes = store.batch([Create("l"), Join("ann", "c", "l"), Where("ann")])
                self.assertTrue(outcomes[0])
                self.assertIsInstance(outcomes[1].error, error)
                self.assertEqual(len(outcomes), 3)

    def test_error_classes(self):
        for name, number in lessonstore._lessonstore.codes.items():
            self.assertEqual(Code[name], number)
            if number:
                error = lessonstore.error_of(number, "words")
                self.assertEqual((error.code, str(error)), (number, "words"))
                self.assertIsNot(type(error), lessonstore.Error)
        self.assertEqual(len(Code), len(lessonstore._lessonstore.codes))
        self.assertEqual(lessonstore.error_of(-99, "new").code, -99)


if __name__ == "__main__":
    main()
