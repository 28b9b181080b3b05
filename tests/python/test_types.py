"""The numbers of the package are those of the headers, its names are documented, and its type hints hold."""
import importlib.util
import os
import re
import subprocess
import sys
import unittest

import lessonstore
from common import Case, main

SOURCE = os.environ["SOURCE"]


def header(name):
    with open(f"{SOURCE}/include/lessonstore/{name}", encoding="utf-8") as file:
        return file.read()


def numbers(text, pattern):
    """The names and values that a pattern finds: a number, or 1 << a number."""
    found = {}
    for name, value in re.findall(pattern, text):
        left, _, right = value.partition("<<")
        digits = [int(re.sub(r"\D", "", part.replace("UINT32_C", ""))) for part in (left, right) if part]
        found[name] = digits[0] << digits[1] if len(digits) == 2 else digits[0]
    return found


class Numbers(unittest.TestCase):
    def same(self, enumeration, expected):
        self.assertTrue(expected)
        self.assertEqual({name: int(member) for name, member in enumeration.__members__.items()}, expected)

    def test_enumerations(self):
        main_header, feed = header("lessonstore.h"), header("feed.h")
        shift = r"(1 << \d+|UINT32_C\(1\) << \d+)"
        flags = numbers(main_header, r"LESSON_STORE_((?:CREATE|END|JOIN|HOLD|BAN)_[A-Z_]+) = " + shift)
        flags.update(numbers(main_header, r"define LESSON_STORE_(JOIN_BY_OWNER) \((UINT32_C\(1\) << \d+)"))
        self.same(lessonstore.Flag, flags)
        self.same(lessonstore.Can, numbers(main_header, r"LESSON_STORE_CAN_([A-Z_]+) = " + shift))
        self.same(lessonstore.Except, numbers(main_header, r"LESSON_STORE_EXCEPT_([A-Z_]+) = " + shift))
        for enumeration, prefix in ((lessonstore.CourseStatus, "COURSE"), (lessonstore.ChatStatus, "CHAT"),
                                    (lessonstore.Arrival, "ARRIVAL"), (lessonstore.OwnerState, "OWNER"),
                                    (lessonstore.FindingKind, "FINDING")):
            self.same(enumeration, numbers(main_header, rf"\n    LESSON_STORE_{prefix}_([A-Z_]+) = (\d+)"))
        operations = re.search(r"define LESSON_STORE_OPERATION_MAP.*?\n\n", main_header, re.S).group()
        self.same(lessonstore.OperationKind, {"NONE": 0, **numbers(operations, r"X\(([A-Z_]+), (\d+), ")})
        for enumeration, name in ((lessonstore.EventKind, "EVENT"), (lessonstore.Cause, "CAUSE")):
            part = re.search(rf"define LESSON_STORE_{name}_MAP.*?\n\n", feed, re.S).group()
            self.same(enumeration, numbers(part, r"X\(([A-Z_]+), (\d+), "))

    def test_version(self):
        parts = numbers(header("lessonstore.h"), r"define LESSON_STORE_VERSION_(MAJOR|MINOR|PATCH) (\d+)")
        self.assertEqual(lessonstore.__version__, "{MAJOR}.{MINOR}.{PATCH}".format(**parts))

    def test_every_call_has_a_method(self):
        """Each call of lessonstore.h that takes a store is a method, or is explained here."""
        others = {"open": "Store", "close": "close", "batch": "batch", "join_for": "join", "resume_for": "resume",
                  "members_page": "members", "lessons_page": "lessons", "find_lessons_page": "lessons",
                  "users_page": "users", "find_lessons": "lessons", "read_abilities": "abilities"}
        calls = re.findall(r"LESSON_STORE_API int lesson_store_([a-z_]+)\((?:const )?lesson_store \*store",
                           header("lessonstore.h"))
        self.assertGreater(len(calls), 25)
        for call in calls:
            self.assertTrue(hasattr(lessonstore.Store, others.get(call, call)), call)
            self.assertTrue(hasattr(lessonstore.aio.Store, others.get(call, call)), call)


class Hints(Case):
    def test_mypy(self):
        if importlib.util.find_spec("mypy") is None:
            self.skipTest("mypy is not installed")
        program = os.path.join(self.path, "program.py")
        with open(program, "w", encoding="utf-8") as file:
            file.write("import lessonstore\n"
                       "from lessonstore.dropin import RedisForInLesson\n"
                       "with lessonstore.Store('memory:') as store:\n"
                       "    place = store.where('ann')\n"
                       "    reveal_type(place)\n"
                       "    reveal_type(store.join('ann', 7, b'l'))\n"
                       "    reveal_type(RedisForInLesson().getLessonID('ann'))\n"
                       "    store.where(1.5)\n")
        found = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", self.path, program], cwd=self.path,
                               env={**os.environ, "MYPYPATH": f"{SOURCE}/bindings/python"}, text=True,
                               capture_output=True, check=False)
        self.assertIn("lessonstore._types.Place", found.stdout)
        self.assertIn("lessonstore._types.Outcome", found.stdout)
        self.assertIn('Argument 1 to "where"', found.stdout)
        self.assertEqual(found.stdout.count("error:"), 1, found.stdout)
        package = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", self.path, "--strict-optional",
                                  f"{SOURCE}/bindings/python/lessonstore"], text=True, capture_output=True, check=False)
        self.assertEqual(package.returncode, 0, package.stdout)


if __name__ == "__main__":
    import lessonstore.aio
    main()
