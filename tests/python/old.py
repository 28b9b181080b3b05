"""The old system's behaviour: the classes that lessonstore.dropin replaces.

They send to Redis what the classes of the running system send, by redis-py. Only tests use them.
"""


class OldLessonStatus:
    def __init__(self, connection, prefix="STATUS"):
        self.connection = connection
        self.prefix = f"{prefix}:LESSON_STATUS:LESSON_ID:"

    def createLesson(self, lesson_id):
        self.connection.hset(self.prefix + str(lesson_id),
                             mapping={"lesson_id": lesson_id, "course_status": 3, "chat_status": 0})

    def endLesson(self, lesson_id):
        self.connection.delete(self.prefix + str(lesson_id))


class OldInLesson:
    def __init__(self, connection, prefix="STATUS"):
        self.connection = connection
        self.user_prefix = f"{prefix}:IN_LESSON:UID:"
        self.members_prefix = f"{prefix}:LESSON_USER:LESSON_ID:"

    def joinLesson(self, uid, course_id, lesson_id):
        self.connection.hset(self.user_prefix + str(uid),
                             mapping={"uid": uid, "course_id": course_id, "lesson_id": lesson_id})
        self.connection.sadd(self.members_prefix + str(lesson_id), str(uid))

    def quitLesson(self, uid):
        lesson_id = self.getLessonID(uid)
        self.connection.delete(self.user_prefix + str(uid))
        self.connection.srem(self.members_prefix + str(lesson_id), str(uid))

    def getLessonUsersUID(self, lesson_id):
        return self.connection.smembers(self.members_prefix + str(lesson_id))

    def isInLesson(self, uid):
        return self.connection.hexists(self.user_prefix + str(uid))

    def getLessonID(self, uid):
        return self.connection.hget(self.user_prefix + str(uid), "lesson_id")
