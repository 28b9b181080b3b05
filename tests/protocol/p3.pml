/*
 * Protocol P3, "versioned membership": a user's record and the members of lessons are in different slots of a Redis
 * Cluster, so a move is several scripts, each of which is atomic. README.md describes what is checked and by what.
 *
 * Stored for a user, in the slot of the user:
 *   A[u]           the user's record: the lesson that the user is in; 0: none
 *   H_v, H_o, H_l  the helper of the record: its version, the id of the last operation that changed it, and the lesson
 *                  that our scripts saw or wrote last
 * Stored for a lesson, in the slot of the lesson:
 *   R[u,l]         the members: u is one
 *   V[u,l]         the helper of the members: the version at which u was added (> 0) or removed (< 0); 0: none
 *
 * An inline with the name of a file of backends/cluster/scripts is that script. Anything may happen between two
 * scripts. Before a script that changes something, its sender may crash, or it may wait too long and send the same
 * bytes again: then a copy is on its way, which arrives at any later time or never. So requests are lost, replies are
 * lost, and duplicates come late.
 *
 * In a simulation each line of output is a step, for the replay: see the macros that begin with SAY.
 *
 * What the flags choose; a flag of a number has this default:
 */
#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef OPERATIONS
#define OPERATIONS 1 /* of each client: a join or a quit */
#endif
#ifndef RESTARTS
#define RESTARTS 0 /* how often an operation that was certainly not applied begins again, as a new one */
#endif
#ifndef USERS
#define USERS 1 /* or 2 */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 1
#endif
#ifndef REPAIRS
#define REPAIRS 1 /* at the same time as the clients */
#endif
#ifndef READERS
#define READERS 0 /* verified lists of members */
#endif
#ifndef LEGACY
#define LEGACY 0 /* writers of the stored form without versions */
#endif
#ifndef EXPIRIES
#define EXPIRIES 0 /* how often a user's record vanishes */
#endif
/*
 * ENDS            an operation can also be the end of a lesson
 * EVICTS          or put one user out, as a repair does with the members of a lesson that has no record
 * FROM=0|1        at first the first user is in no lesson, or in lesson 1. By default both are tried
 * LOSSES          the helper of the first user's record is lost once
 * REFUSALS        a join can be refused after it has looked at the user
 * CAPACITY        of each lesson, asked by each join
 * DEEP            at the end a deep repair: users who are in a lesson but not among its members are added
 * ASSERT_G1       also with legacy writers, who leave ghosts
 * MUTANT_...      one part of the protocol is missing, which must be found
 * PLAY            a simulation: crashes and timeouts do not come as early as possible
 */

#define LESSONS 2
#define AT(u, l) ((u) * LESSONS + (l) - 1)
#define PROCESSES (CLIENTS + REPAIRS + READERS + LEGACY)
#define IDS (CLIENTS * OPERATIONS * (1 + RESTARTS))
#define ID_CREATED 0     /* the helper was created */
#define ID_CREATED_AGAIN 90
#define ID_ADOPTED 100   /* and the version: the change of a legacy writer was adopted */
#define IS_CREATED(id) ((id) == ID_CREATED || (id) == ID_CREATED_AGAIN)
#define NO_ID 255

mtype = { no_script, inspect, fence, add, commit, evict, remove };
mtype = { none, ok, stale, no_room, fenced, lost, superseded };
mtype = { step, late, resend, crash, dropped, vanished, expired, start, members, repairs, refuse, finish, begin,
              legacy_hmset, legacy_sadd, legacy_hget, legacy_del, legacy_srem };
mtype = { crashed, done, nothing, refused, unknown, not_applied };

byte A[USERS], H_v[USERS], H_o[USERS], H_l[USERS];
bit R[USERS * LESSONS];
short V[USERS * LESSONS];

byte timeouts_left = TIMEOUTS, crashes_left = CRASHES, finished = 0;
bit anybody_crashed = 0, anything_expired = 0;
bit applied[IDS + 1];
#ifdef LOSSES
bit is_lost, was_lost;
#endif

/* The copy that is on its way. `users` has a bit for each user of remove. */
mtype copy = no_script;
byte copy_users, copy_lesson, copy_a, copy_b, copy_c;
#define FORGET_COPY copy = no_script; copy_users = 0; copy_lesson = 0; copy_a = 0; copy_b = 0; copy_c = 0

#if READERS > 0
byte read_lesson;
bit was_in[USERS]; /* during the whole read */
#endif

#ifdef PLAY
byte calm_before_crash, calm_before_timeout;
#define CALM(what) && calm_before_##what == 0
#define CALM_PASSES \
  if :: calm_before_crash > 0 -> calm_before_crash-- :: else fi; \
  if :: calm_before_timeout > 0 -> calm_before_timeout-- :: else fi
#else
#define CALM(what)
#define CALM_PASSES
#endif

/* ---- What must hold after each step ---- */

/* G2: a user who is in a lesson is always one of its members. A legacy writer breaks this, but with them the helper of
 * the members still names each user whom one of our joins put into the lesson. */
#ifdef MUTANT_NO_ADOPTION
#define MEMBER_IS_NAMED(u) skip
#elif LEGACY > 0
#define MEMBER_IS_NAMED(u) assert(A[u] == 0 || H_l[u] != A[u] || H_o[u] >= ID_ADOPTED || V[AT(u, A[u])] > 0)
#else
#define MEMBER_IS_NAMED(u) assert(A[u] == 0 || R[AT(u, A[u])])
#endif

/* For G3. */
#if READERS > 0
#define NOTE_LEAVING(u) if :: read_lesson != 0 && A[u] != read_lesson -> was_in[u] = 0 :: else fi
#else
#define NOTE_LEAVING(u) skip
#endif

#define AGREES(u) (R[AT(u, 1)] == (A[u] == 1) && R[AT(u, 2)] == (A[u] == 2))
#if USERS == 1
#define CHECK MEMBER_IS_NAMED(0); NOTE_LEAVING(0)
#define ALL_AGREES AGREES(0)
#else
#define CHECK MEMBER_IS_NAMED(0); MEMBER_IS_NAMED(1); NOTE_LEAVING(0); NOTE_LEAVING(1)
#define ALL_AGREES (AGREES(0) && AGREES(1))
#endif

#if defined(CAPACITY) && LEGACY == 0
#define CHECK_CAPACITY \
  assert((A[0] == 1) + (A[USERS - 1] == 1 && USERS > 1) <= CAPACITY); \
  assert((A[0] == 2) + (A[USERS - 1] == 2 && USERS > 1) <= CAPACITY)
#else
#define CHECK_CAPACITY skip
#endif

/* ---- The lines of a simulation ---- */

#define SAY_STATE(u) \
  printf(" | u%d A %d v %d o %d l %d R %d %d V %d %d", u, A[u], H_v[u], H_o[u], H_l[u], R[AT(u, 1)], R[AT(u, 2)], \
         V[AT(u, 1)], V[AT(u, 2)])
#if USERS == 1
#define SAY_STATES SAY_STATE(0); printf("\n")
#else
#define SAY_STATES SAY_STATE(0); SAY_STATE(1); printf("\n")
#endif

/* A line with the state is only printed where the state changes: a line that reads it would be a step of its own. */
/* EVENT PROCESS SCRIPT USERS LESSON A B C -> STATUS LESSON VERSION REST | the state of each user */
#define SAY(event, process, script, users, lesson, a, b, c) \
  printf("%e %d %e %d %d %d %d %d -> %e %d %d %d", event, process, script, users, lesson, a, b, c, reply, cur, v, \
         rest); \
  SAY_STATES
#define SAY_OTHER(event, process, x, y) printf("%e %d %d %d\n", event, process, x, y)
#define SAY_CHANGE(event, process, x, y) printf("%e %d %d %d", event, process, x, y); SAY_STATES
#define SAY_END(outcome) printf("end %d %e\n", _pid, outcome)

/* ---- The scripts ---- */

/* Each leaves its reply in the variables of its sender: `reply`; the user's lesson `cur` and version `v`; and `rest`,
 * which is the id (inspect), the lesson before (commit), whether it was done (evict), or the users who were kept
 * (remove). */
#define REPLY_VARIABLES mtype reply; byte cur, v, rest
#define FORGET_REPLY reply = none; cur = 0; v = 0; rest = 0
#define BIT_OF(number) (1 << (number))
#define LESSON_BIT(lesson) ((1 << (lesson)) >> 1)

#ifdef MUTANT_CLOCK
#define VERSION_OF_NEW_HELPER(u) 1 /* the same millisecond again */
#else
#define VERSION_OF_NEW_HELPER(u) H_v[u] + 2
#endif
#ifdef MUTANT_ADOPTION_ID
#define ADOPTION_ID(u) ID_ADOPTED
#else
#define ADOPTION_ID(u) ID_ADOPTED + H_v[u]
#endif

/* The head of each script in the slot of a user. */
inline adopt(whose_) {
  if
#ifdef LOSSES
  :: whose_ == 0 && is_lost ->
    is_lost = 0; H_v[whose_] = VERSION_OF_NEW_HELPER(whose_); H_o[whose_] = ID_CREATED_AGAIN; H_l[whose_] = A[whose_]
#endif
#ifndef MUTANT_NO_ADOPTION
  :: A[whose_] != H_l[whose_] && A[whose_] != 0 ->
    H_v[whose_]++; H_o[whose_] = ADOPTION_ID(whose_); H_l[whose_] = A[whose_]
#endif
  :: else -> H_l[whose_] = A[whose_]
  fi
}

inline run_inspect(u_) {
  adopt(u_);
  reply = none; cur = A[u_]; v = H_v[u_]; rest = H_o[u_]
}

/* inspect.lua with a floor: raises the version, so that prepared commits fail, unless the user is in this lesson (0: in
 * any case). */
inline run_fence(u_, unless_, floor_) {
  adopt(u_);
  if :: (unless_ == 0 || A[u_] != unless_) && H_v[u_] < floor_ -> H_v[u_] = floor_ :: else fi;
  reply = none; cur = A[u_]; v = H_v[u_]; rest = H_o[u_]
}

#ifdef CAPACITY
#define IS_FULL(u, l) (!R[AT(u, l)] && R[AT(0, l)] + (USERS > 1 && R[AT(USERS - 1, l)]) >= CAPACITY)
#else
#define IS_FULL(u, l) false
#endif

inline run_add(u_, l_, t_, asks_) {
  if
#ifndef MUTANT_NO_TOMBSTONES
  :: V[AT(u_, l_)] < 0 && -V[AT(u_, l_)] >= t_ -> reply = stale; v = -V[AT(u_, l_)]
#endif
  :: else ->
    if
    :: asks_ && IS_FULL(u_, l_) -> reply = no_room
    :: else ->
      reply = ok;
      R[AT(u_, l_)] = 1;
      if :: V[AT(u_, l_)] < t_ -> V[AT(u_, l_)] = t_ :: else fi
    fi;
    v = 0
  fi;
  cur = 0; rest = 0
}

#ifdef MUTANT_COMMIT
#define IS_UNCHANGED(u, v0) true
#else
#define IS_UNCHANGED(u, v0) H_v[u] == v0
#endif

/* commit(user, version and id seen by inspect, id of the operation, lesson or 0) */
inline run_commit(u_, v0_, o0_, id_, l_) {
  adopt(u_);
  rest = A[u_];
  if
  :: IS_UNCHANGED(u_, v0_) ->
    A[u_] = l_; H_v[u_]++; H_o[u_] = id_; H_l[u_] = l_; reply = ok;
    assert(!applied[id_]); applied[id_] = 1 /* G5 */
  :: else ->
    if
    :: H_o[u_] == id_ -> reply = ok /* applied by a copy */
    :: H_o[u_] != id_ && H_o[u_] == o0_ -> reply = fenced
    :: H_o[u_] != id_ && H_o[u_] != o0_ && IS_CREATED(H_o[u_]) -> reply = lost
    :: else -> reply = superseded
    fi
  fi;
  cur = A[u_]; v = H_v[u_]
}

#ifdef MUTANT_EVICT
#define IS_AS_SEEN(u, v0, o0) true
#elif defined(MUTANT_EVICT_VERSION)
#define IS_AS_SEEN(u, v0, o0) H_v[u] == v0
#else
#define IS_AS_SEEN(u, v0, o0) H_o[u] == o0
#endif

/* The id names the stay of the user in the lesson: a fence changes the version, but not the id. An eviction must not
 * put out a user who has come back since. */
inline run_evict(u_, l_, v0_, o0_) {
  adopt(u_);
  reply = none; rest = 0;
  if
  :: A[u_] == l_ && IS_AS_SEEN(u_, v0_, o0_) -> assert(H_o[u_] == o0_); A[u_] = 0; H_l[u_] = 0; rest = 1
  :: else
  fi;
  cur = A[u_]; v = H_v[u_]
}

#ifdef MUTANT_REMOVE
#define IS_NEWER(u, l, w) false
#else
#define IS_NEWER(u, l, w) V[AT(u, l)] > w
#endif

inline remove_one(whom_, where_, since_) {
  if
  :: IS_NEWER(whom_, where_, since_) -> rest = rest | BIT_OF(whom_)
  :: V[AT(whom_, where_)] < 0 && -V[AT(whom_, where_)] >= since_
  :: else ->
    R[AT(whom_, where_)] = 0;
#ifdef MUTANT_NO_TOMBSTONES
    V[AT(whom_, where_)] = 0
#else
    V[AT(whom_, where_)] = -since_
#endif
  fi
}

/* The sender saw, at these versions, that the users are not in the lesson. */
inline run_remove(users_, l_, w0_, w1_) {
  reply = none; cur = 0; v = 0; rest = 0;
  if :: users_ & 1 -> remove_one(0, l_, w0_) :: else fi;
#if USERS > 1
  if :: users_ & 2 -> remove_one(1, l_, w1_) :: else fi;
#endif
}

/* ---- Sending ---- */

/* Sends a script that changes nothing except by adoption. */
#define LOOK(u, then) \
  atomic { run_inspect(u); SAY(step, _pid, inspect, BIT_OF(u), 0, 0, 0, 0); CHECK; CALM_PASSES; then }

/* Sends a script that changes something. `then` is what the sender keeps of the reply, in the same step, so that there
 * are fewer states. */
#define SEND(script, users, lesson, a, b, c, effect, then) \
  do \
  :: d_step { \
       effect; SAY(step, _pid, script, users, lesson, a, b, c); \
       CHECK; CHECK_CAPACITY; CALM_PASSES; \
       then; sent_again = 0 }; \
     break \
  :: d_step { timeouts_left > 0 && copy == no_script CALM(timeout) -> \
       timeouts_left--; copy = script; copy_users = users; copy_lesson = lesson; copy_a = a; copy_b = b; copy_c = c; \
       sent_again = 1; printf("resend %d %e %d %d\n", _pid, script, users, lesson) } \
  :: d_step { crashes_left > 0 CALM(crash) -> \
       crashes_left--; anybody_crashed = 1; SAY_OTHER(crash, _pid, 0, 0) }; \
     goto out \
  od

#define SEND_FENCE(u, unless, floor, then) \
  SEND(fence, BIT_OF(u), unless, floor, 0, 0, run_fence(u, unless, floor), then)
#define SEND_ADD(u, l, t, asks, then) SEND(add, BIT_OF(u), l, t, asks, 0, run_add(u, l, t, asks), then)
#define SEND_COMMIT(u, v0, o0, id, l, then) \
  SEND(commit, BIT_OF(u), l, v0, id, o0, run_commit(u, v0, o0, id, l); CHECK_REPLY(id), then)
/* What the sender concludes from the reply must be true. */
#define CHECK_REPLY(id) assert(reply == ok -> applied[id] : !applied[id] || (sent_again && reply != fenced))
#define SEND_EVICT(u, l, v0, o0, then) SEND(evict, BIT_OF(u), l, v0, o0, 0, run_evict(u, l, v0, o0), then)
#define SEND_REMOVE(users, l, w0, w1, then) SEND(remove, users, l, w0, w1, 0, run_remove(users, l, w0, w1), then)

/* What else happens at any time: the copy arrives or is dropped, a helper is lost, a record expires. */
proctype world() {
  REPLY_VARIABLES;
#if EXPIRIES > 0
  byte expiries_left = EXPIRIES;
#endif
  do
  :: d_step { copy != no_script ->
       if
       :: copy == fence -> run_fence(copy_users >> 1, copy_lesson, copy_a)
       :: copy == add -> run_add(copy_users >> 1, copy_lesson, copy_a, copy_b)
       :: copy == commit -> run_commit(copy_users >> 1, copy_a, copy_c, copy_b, copy_lesson)
       :: copy == evict -> run_evict(copy_users >> 1, copy_lesson, copy_a, copy_b)
       :: copy == remove -> run_remove(copy_users, copy_lesson, copy_a, copy_b)
       fi;
       SAY(late, _pid, copy, copy_users, copy_lesson, copy_a, copy_b, copy_c);
       CHECK; CHECK_CAPACITY; FORGET_REPLY; FORGET_COPY }
  :: d_step { copy != no_script -> SAY_OTHER(dropped, _pid, 0, 0); FORGET_COPY }
#ifdef LOSSES
  :: d_step { !was_lost && finished < PROCESSES -> was_lost = 1; is_lost = 1; SAY_CHANGE(vanished, _pid, 0, 0) }
#endif
#if EXPIRIES > 0
  :: d_step { expiries_left > 0 && A[0] != 0 && finished < PROCESSES ->
       expiries_left--; anything_expired = 1; A[0] = 0; SAY_CHANGE(expired, _pid, 0, 0); CHECK }
#endif
  :: finished == PROCESSES && copy == no_script -> break
  od
}

/* ---- The operations ---- */

/* After an operation on one user: takes the user at `version` out of each lesson of `leaves` (a bit for each), in any
 * order. A legacy writer may have put the user back into one of them, unseen by remove.lua. So if the user was removed
 * from one of them, a look follows, and if the user is in such a lesson now, the user is added again. */
#define LEAVE_ONE(l) \
  SEND_REMOVE(BIT_OF(u), l, w0, w1, NOTE_LEFT(l))
#define NOTE_LEFT(l) \
  left = left | LESSON_BIT(l); is_left = is_left || rest == 0; leaves = leaves & ~LESSON_BIT(l); FORGET_REPLY
#ifdef MUTANT_NO_RECHECK
#define RECHECK left = 0; is_left = 0
#else
#define RECHECK \
  if \
  :: is_left -> \
    LOOK(u, l0 = (left & LESSON_BIT(cur) -> cur : 0); t = (l0 != 0 -> v : 0); left = 0; is_left = 0; FORGET_REPLY); \
    if :: l0 != 0 -> SEND_ADD(u, l0, t, 0, l0 = 0; t = 0; FORGET_REPLY) :: else fi \
  :: else -> left = 0 \
  fi
#endif
#define LEAVE(lessons, version) \
  atomic { leaves = lessons; if :: u == 0 -> w0 = version :: else -> w1 = version fi }; \
  do \
  :: leaves & 1 -> LEAVE_ONE(1) \
  :: leaves & 2 -> LEAVE_ONE(2) \
  :: leaves == 0 -> break \
  od; \
  w0 = 0; w1 = 0; \
  RECHECK

/* One pass over the members of lesson l: of an end, which puts them out, or of a repair. The requests for all of them
 * go together, a stage at a time. */
#define PASS_VARIABLES \
  byte at, users, stale_users, pass_lesson[USERS], pass_version[USERS], pass_id[USERS], floor[USERS]; \
  bit is_added[USERS]
#define FORGET_PASS FORGET_USER(0); FORGET_USER(USERS - 1); at = 0; users = 0; stale_users = 0
#define FORGET_USER(u) pass_lesson[u] = 0; pass_version[u] = 0; pass_id[u] = 0; floor[u] = 0; is_added[u] = 0

#define IS_NAMED(u, l) (R[AT(u, l)] || V[AT(u, l)] > 0)
#define FLOOR(u, l) (V[AT(u, l)] >= 0 -> V[AT(u, l)] : 1 - V[AT(u, l)])
inline look_at_members(is_end_) {
  atomic {
    users = 0; at = 0;
    do
    :: at < USERS ->
      if
      :: IS_NAMED(at, l) ->
        users = users | BIT_OF(at);
        is_added[at] = R[AT(at, l)] && V[AT(at, l)] > 0;
        floor[at] = (is_end_ && V[AT(at, l)] < 0 -> 0 : FLOOR(at, l))
      :: else
      fi;
      at++
    :: else -> break
    od;
    at = 0;
    SAY_OTHER(members, _pid, l, users)
  }
}

#ifdef MUTANT_NO_FENCE
#define NEEDS_FENCE(u) false
#else
#define NEEDS_FENCE(u) (floor[u] > pass_version[u])
#endif
#ifdef MUTANT_REMOVE_INTENT
#define FENCE_OF_PASS(u) atomic { pass_version[u] = floor[u] }
#else
#define FENCE_OF_PASS(u) SEND_FENCE(u, l, floor[u], NOTE_PLACE(u))
#endif
#define NOTE_PLACE(u) pass_lesson[u] = cur; pass_version[u] = v; pass_id[u] = rest; FORGET_REPLY
#define NOTE_EVICTED(u) pass_lesson[u] = cur; pass_version[u] = v; FORGET_REPLY
#if USERS == 1
#define EACH_OF(set, what) if :: set & 1 -> what :: else fi /* `at` stays 0 */
#else
#define EACH_OF(set, what) \
  do \
  :: at == USERS -> at = 0; break \
  :: at < USERS && !(set & BIT_OF(at)) -> at++ \
  :: at < USERS && (set & BIT_OF(at)) -> what; at++ \
  od
#endif

#define EVICT_IN_PASS(u) \
  if :: pass_lesson[u] == l -> SEND_EVICT(u, l, pass_version[u], pass_id[u], NOTE_EVICTED(u)) :: else fi
#define FENCE_IN_PASS(u) if :: pass_lesson[u] != l && NEEDS_FENCE(u) -> FENCE_OF_PASS(u) :: else fi
#define ADD_IN_PASS(u) \
  if \
  :: pass_lesson[u] == l && !is_added[u] -> SEND_ADD(u, l, pass_version[u], 0, NOTE_STALE(u)) \
  :: else \
  fi
#define NOTE_STALE(u) \
  if :: reply == stale -> stale_users = stale_users | BIT_OF(u); floor[u] = v + 1 :: else fi; \
  FORGET_REPLY
/* The user has moved since, or a helper or a write was lost. */
#define RAISE_IN_PASS(u) SEND_FENCE(u, 0, floor[u], NOTE_PLACE(u))
#define ADD_AGAIN_IN_PASS(u) if :: pass_lesson[u] == l -> SEND_ADD(u, l, pass_version[u], 0, FORGET_REPLY) :: else fi
#define ADD_ALL_IN_PASS \
  stale_users = 0; \
  EACH_OF(users, ADD_IN_PASS(at)); \
  if \
  :: stale_users != 0 -> \
    EACH_OF(stale_users, RAISE_IN_PASS(at)); \
    EACH_OF(stale_users, ADD_AGAIN_IN_PASS(at)); \
    stale_users = 0 \
  :: else \
  fi
/* Leaves the users who are not in the lesson in `users`. */
inline only_others() {
  atomic {
    do
    :: at < USERS -> if :: pass_lesson[at] == l -> users = users & ~BIT_OF(at) :: else fi; at++
    :: else -> break
    od;
    at = 0
  }
}

#define LOOK_IN_PASS(u) LOOK(u, NOTE_PLACE(u))
#define REMOVE_IN_PASS \
  only_others(); \
  if \
  :: users != 0 -> \
    SEND_REMOVE(users, l, pass_version[0], pass_version[USERS - 1], users = users & ~rest; FORGET_REPLY); \
    EACH_OF(users, LOOK_IN_PASS(at)); \
    is_added[0] = 0; is_added[USERS - 1] = 0; \
    ADD_ALL_IN_PASS \
  :: else \
  fi
#define PASS_OF_END \
  look_at_members(true); \
  EACH_OF(users, LOOK_IN_PASS(at)); \
  EACH_OF(users, EVICT_IN_PASS(at)); \
  EACH_OF(users, FENCE_IN_PASS(at)); \
  REMOVE_IN_PASS
#define PASS_OF_REPAIR \
  look_at_members(false); \
  EACH_OF(users, LOOK_IN_PASS(at)); \
  EACH_OF(users, FENCE_IN_PASS(at)); \
  ADD_ALL_IN_PASS; \
  REMOVE_IN_PASS

/* Operations are numbers: + 8 for the second user. */
#define JOIN_1 1
#define JOIN_2 2
#define QUIT 3
#define EVICT_USER 4
#define END_1 5
#define END_2 6

#define FORGET_OPERATION \
  u = 0; l = 0; v0 = 0; o0 = 0; id = 0; l0 = 0; t = 0; w0 = 0; w1 = 0; leaves = 0; left = 0; is_left = 0; \
  passes = 0; sent_again = 0; outcome = none; \
  is_intended = 0; may_come = 0; id_at_start[0] = 0; id_at_start[USERS - 1] = 0

/* An end puts out whom one of our joins has made a member before it began. A later join may stay. Whom a legacy writer
 * has put there can be named nowhere for a moment: between a removal and the look after it. */
#define ID_IF_MEMBER(u) (A[u] == l && H_l[u] == l && H_o[u] < ID_ADOPTED && IS_NAMED(u, l) -> H_o[u] : NO_ID)
#define NOTE_MEMBER(u) id_at_start[u] = ID_IF_MEMBER(u)
#define CHECK_MEMBER_IS_OUT(u) assert(id_at_start[u] == NO_ID || ID_IF_MEMBER(u) != id_at_start[u])

#define NOTE_START l0 = cur; v0 = v; o0 = rest
#define NOTE_INTENT \
  may_come = reply == no_room && sent_again; \
  is_intended = is_intended || reply == ok || may_come; \
  t = (reply == stale -> v : t)
#define NOTE_OUTCOME \
  if \
  :: reply == fenced \
  :: else -> \
    outcome = (reply == ok -> done : (sent_again -> unknown : not_applied)); \
    leaves = (LESSON_BIT(l0) | LESSON_BIT(l) | LESSON_BIT(rest)) & ~LESSON_BIT(cur); \
    l0 = 0; v0 = 0; o0 = 0; t = 0; is_intended = 0 \
  fi

proctype client(byte client_index, first, second) {
  REPLY_VARIABLES;
  PASS_VARIABLES;
  byte u, l, v0, o0, id, l0, t, w0, w1, leaves, left, number, passes;
  bit sent_again, is_intended, may_come, is_left;
  mtype outcome;
  byte id_at_start[USERS];

next:
  atomic {
    FORGET_REPLY; FORGET_PASS; FORGET_OPERATION;
    if
    :: number == OPERATIONS -> goto out
    :: else
    fi;
    id = (client_index * OPERATIONS + number) * (1 + RESTARTS) + 1;
    u = first >> 3; l = first & 7;
    SAY_OTHER(start, _pid, u, l);
    number++; first = second; second = 0;
    if
    :: l <= 2 -> goto join
    :: l == QUIT -> l = 0; goto quit
#ifdef EVICTS
    :: l == EVICT_USER -> l = 0; goto put_user_out
#endif
#ifdef ENDS
    :: l >= END_1 -> l = l - 4; goto put_out
#endif
    fi
  };

join:
  LOOK(u, NOTE_START; t = v0 + 1);
#ifdef REFUSALS
  if
  :: SAY_OTHER(refuse, _pid, 0, 0); goto turned_away
  :: skip
  fi;
#endif
  SEND_ADD(u, l, t, (l0 != l), NOTE_INTENT);
  if
  :: reply == stale -> SEND_FENCE(u, 0, t, skip); goto join
  :: reply == no_room -> goto without_room
  :: else
  fi;
  SEND_COMMIT(u, v0, o0, id, l, NOTE_OUTCOME);
  if
  :: reply == fenced -> goto join
  :: else
  fi;
  goto committed;

  /* An earlier round may have added the user. */
turned_away:
  if
  :: is_intended && cur != l -> LEAVE(LESSON_BIT(l), v)
  :: else
  fi;
  SAY_END(refused);
  goto next;

  /* A copy of ADD may still come, and find room. So the user counts as added, and the version rises above it. */
without_room:
#ifndef MUTANT_FULL
  if
  :: may_come -> SEND_FENCE(u, 0, t, may_come = 0); goto join
  :: else -> cur = l0; v = v0
  fi;
#endif
  goto turned_away;

quit:
  LOOK(u, NOTE_START);
  if
  :: cur == 0 -> SAY_END(nothing); goto next
  :: else
  fi;
  SEND_COMMIT(u, v0, o0, id, 0, NOTE_OUTCOME);
  if
  :: reply == fenced -> goto quit
  :: else
  fi;

committed:
  LEAVE(leaves, v);
  if
  :: outcome == done -> SAY_END(done)
  :: outcome == unknown -> SAY_END(unknown)
  :: else ->
    SAY_END(not_applied);
#if RESTARTS > 0
    if
    :: id % (1 + RESTARTS) != 0 ->
      id++;
      if :: l == 0 -> goto quit :: else -> goto join fi
    :: else
    fi;
#endif
  fi;
  goto next;

#ifdef EVICTS
put_user_out:
  LOOK(u, NOTE_START);
  if
  :: cur == 0 -> SAY_END(nothing); goto next
  :: else
  fi;
  SEND_EVICT(u, l0, v0, o0, skip);
  if
  :: cur != l0 -> LEAVE(LESSON_BIT(l0), v)
  :: else
  fi;
  SAY_END(done);
  goto next;
#endif

#ifdef ENDS
  /* The first pass puts the members out and makes pending joins begin again, to be judged anew. The second one puts out
   * those who came in between. */
put_out:
  atomic { NOTE_MEMBER(0); NOTE_MEMBER(USERS - 1) };
  do
  :: passes < 2 -> PASS_OF_END; passes++
  :: else -> break
  od;
  atomic { CHECK_MEMBER_IS_OUT(0); CHECK_MEMBER_IS_OUT(USERS - 1); SAY_END(done) };
  goto next;
#endif

out:
  atomic { FORGET_REPLY; FORGET_PASS; FORGET_OPERATION; number = 0; first = 0; second = 0; finished++ }
}

#if REPAIRS > 0
proctype repair() {
  REPLY_VARIABLES;
  PASS_VARIABLES;
  byte l;
  bit sent_again;
  atomic { if :: l = 1 :: l = 2 fi; SAY_OTHER(repairs, _pid, 0, l) };
  PASS_OF_REPAIR;
  SAY_END(done);
out:
  atomic { FORGET_REPLY; FORGET_PASS; l = 0; sent_again = 0; finished++ }
}
#endif

#if READERS > 0
/* The verified list of the members: those of R and V whose records agree. G3: it has each user who was in the lesson
 * all the time, and nobody who was not in it when the record was read. */
#if LEGACY > 0
#define IS_OURS(u) H_l[u] == A[u] && H_o[u] < ID_ADOPTED /* others may be in no list */
#else
#define IS_OURS(u) true
#endif
#define NOTE_READ(u) \
  was_in[u] = A[u] == l && IS_OURS(u); \
  listed = listed | (R[AT(u, l)] || V[AT(u, l)] > 0 -> BIT_OF(u) : 0)
proctype reader() {
  byte l, u, listed;
  atomic { if :: l = 1 :: l = 2 fi };
  atomic { NOTE_READ(0); NOTE_READ(USERS - 1); read_lesson = l };
  do
  :: u < USERS -> atomic { assert(!was_in[u] || (listed & BIT_OF(u))); u++ }
  :: else -> break
  od;
  atomic { read_lesson = 0; was_in[0] = 0; was_in[USERS - 1] = 0; u = 0; l = 0; listed = 0; finished++ }
}
#endif

#if LEGACY > 0
/* It knows no versions, and its steps have no conditions. */
proctype legacy() {
  byte l;
  if
  :: l = 1; goto join
  :: l = 2; goto join
  :: goto quit
  fi;
join:
  atomic { A[0] = l; SAY_CHANGE(legacy_hmset, _pid, 0, l); CHECK };
  atomic { R[AT(0, l)] = 1; SAY_CHANGE(legacy_sadd, _pid, 0, l); CHECK };
  goto out;
quit:
  atomic { l = A[0]; SAY_OTHER(legacy_hget, _pid, 0, l) };
  if :: l == 0 -> goto out :: else fi;
  atomic { A[0] = 0; SAY_CHANGE(legacy_del, _pid, 0, 0); CHECK };
  atomic { R[AT(0, l)] = 0; SAY_CHANGE(legacy_srem, _pid, 0, l); CHECK };
out:
  atomic { l = 0; finished++ }
}
#endif

/* ---- When all have finished ---- */

/* What PASS_OF_REPAIR does if nothing else happens. */
inline repair_alone(who_, from_) {
  run_inspect(who_);
  rest = FLOOR(who_, from_);
  if
  :: cur != from_ && IS_NAMED(who_, from_) ->
#ifndef MUTANT_NO_FENCE
    run_fence(who_, from_, rest);
#endif
    remove_one(who_, from_, v)
  :: cur == from_ && IS_NAMED(who_, from_) -> rest = v; run_add(who_, from_, rest, 0)
#ifdef DEEP
  :: cur == from_ && !IS_NAMED(who_, from_) -> rest = v; run_add(who_, from_, rest, 0)
#endif
  :: else
  fi
}

proctype finally() {
  REPLY_VARIABLES;
  finished == PROCESSES && copy == no_script;
  atomic { SAY_OTHER(finish, _pid, 0, 0) };
#if defined(ASSERT_G1) || LEGACY == 0
  assert(anybody_crashed || anything_expired || ALL_AGREES); /* G1 */
#endif
  atomic {
    repair_alone(0, 1); repair_alone(0, 2);
#if USERS > 1
    repair_alone(1, 1); repair_alone(1, 2);
#endif
    CHECK
  };
  assert(ALL_AGREES) /* G4 */
}

/* ---- The start ---- */

/* The clients are alike, so only sorted choices are made. */
#define CAN(number) (number >= least)
#define CAN_NEXT(number) (first > least || number >= least_next)
#ifdef EVICTS
#define EVICT_TOO(chosen, can) :: can(EVICT_USER) -> chosen = EVICT_USER
#else
#define EVICT_TOO(chosen, can)
#endif
#ifdef ENDS
#define ENDS_TOO(chosen, can) :: can(END_1) -> chosen = END_1 :: can(END_2) -> chosen = END_2
#else
#define ENDS_TOO(chosen, can)
#endif
#if USERS > 1
#define SECOND_USER_TOO(chosen, can) \
  :: can(8 + JOIN_1) -> chosen = 8 + JOIN_1 \
  :: can(8 + JOIN_2) -> chosen = 8 + JOIN_2 \
  :: can(8 + QUIT) -> chosen = 8 + QUIT
#else
#define SECOND_USER_TOO(chosen, can)
#endif
#define CHOOSE(chosen, can) \
  if \
  :: can(JOIN_1) -> chosen = JOIN_1 \
  :: can(JOIN_2) -> chosen = JOIN_2 \
  :: can(QUIT) -> chosen = QUIT \
  EVICT_TOO(chosen, can) \
  ENDS_TOO(chosen, can) \
  SECOND_USER_TOO(chosen, can) \
  fi

#define PUT_IN(u, l) A[u] = l; H_l[u] = l; R[AT(u, l)] = 1; V[AT(u, l)] = 1
#define START(number, count, process) \
  number = 0; \
  do \
  :: number < count -> run process; number++ \
  :: else -> break \
  od

init {
  byte i, first, second, least, least_next;
  atomic {
    H_v[0] = 1;
    H_v[USERS - 1] = 1;
    if
#if !defined(FROM) || FROM == 0
    :: skip
#endif
#if !defined(FROM) || FROM == 1
    :: PUT_IN(0, 1)
#endif
    fi;
#if USERS > 1
    if
    :: skip
    :: PUT_IN(1, 2)
#ifndef CAPACITY
    :: PUT_IN(1, 1)
#endif
    fi;
#endif
#ifdef PLAY
    select(calm_before_crash : 0 .. 40);
    select(calm_before_timeout : 0 .. 20);
#endif
    printf("begin 0"); SAY_STATES;
    do
    :: i < CLIENTS ->
      CHOOSE(first, CAN);
#if OPERATIONS > 1
      CHOOSE(second, CAN_NEXT); least_next = second;
#endif
      least = first;
      run client(i, first, second);
      i++
    :: else -> break
    od;
    first = 0; second = 0; least = 0; least_next = 0;
#if REPAIRS > 0
    START(i, REPAIRS, repair());
#endif
#if READERS > 0
    START(i, READERS, reader());
#endif
#if LEGACY > 0
    START(i, LEGACY, legacy());
#endif
    i = 0;
    run world();
    run finally()
  }
}
