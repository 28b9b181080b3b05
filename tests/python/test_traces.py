"""The drop-in classes under recorded traffic, compared with the truth files, on every backend. Skipped without them."""
import glob
import hashlib
import json
import os
import sys

from common import BACKENDS, SKIPPED, directory, fresh_location
from lessonstore import Store
from lessonstore.dropin import RedisForInLesson, RedisForLessonStatus


class School:
    def __init__(self, store, is_fenced):
        self.status, self.lessons = RedisForLessonStatus(store), RedisForInLesson(store)
        self.is_fenced = is_fenced  # a quit counts only in the lesson that it names

    def apply(self, event, lesson_id, course_id, uid):
        if event == "create":
            self.status.createLesson(lesson_id)
        elif event == "end":
            self.status.endLesson(lesson_id)
        elif event == "join":
            self.lessons.joinLesson(uid, course_id, lesson_id)
        elif not self.is_fenced or self.lessons.getLessonID(uid) == lesson_id:
            self.lessons.quitLesson(uid)

    def state(self, lesson_id):
        uids = sorted(self.lessons.getLessonUsersUID(lesson_id))
        return {"count": len(uids), "sha256": hashlib.sha256("".join(uid + "\n" for uid in uids).encode()).hexdigest()}


def compare(where, instant, school, store):
    for lesson_id, truth in instant["room"].items():
        state = school.state(lesson_id)
        if state != truth:
            sys.exit(f"{where} at {instant['at']}: {lesson_id}: {state}, not {truth}")
    extra = {lesson.lesson_id for lesson in store.lessons()} - set(instant["room"])
    if extra:
        sys.exit(f"{where} at {instant['at']}: {extra} are there and should not be")
    return len(instant["room"])


def replay(where, lines, instants, school, store):
    events, lessons = 0, 0
    for instant in instants:
        while events < len(lines) and int(lines[events][0]) <= instant["at"]:
            school.apply(*lines[events][1:])
            events += 1
        if events != instant["events_applied"]:
            sys.exit(f"{where} at {instant['at']}: {events} events, not {instant['events_applied']}")
        lessons += compare(where, instant, school, store)
    return lessons


def read_lines(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def main():
    files = sorted(glob.glob(os.path.join(glob.escape(os.environ["LESSONSTORE_TRACES"]), "*.truth.json")))
    if not files:
        print(f"skipped: there are no traces in {os.environ['LESSONSTORE_TRACES']} (LESSONSTORE_TRACES)")
        sys.exit(SKIPPED)
    lessons = instants = 0
    with directory() as path:
        for file in files:
            lines = read_lines(file.removesuffix(".truth.json") + ".tsv")
            with open(file, encoding="utf-8") as text:
                truth = json.load(text)
            for backend in BACKENDS:
                for policy in ("quit_same", "quit_any"):
                    where = f"{os.path.basename(file)} on {backend}, {policy}"
                    with Store(fresh_location(backend, path, "synchronous=off" if backend == "sqlite" else "")) as store:
                        lessons += replay(where, lines, truth[policy]["instants"],
                                          School(store, policy == "quit_same"), store)
                        instants += len(truth[policy]["instants"])
    print(f"{instants} instants, {lessons} lessons in them, on {' '.join(BACKENDS)}")


main()
