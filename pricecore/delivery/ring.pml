/* The ring in Promela, for spin: ring.pxd and what of holding.pxd registers, in memory that is weak (weak_memory.pml).
 *
 * What this adds to tests/models/slot_*.py and gate_protocol.py: another hand and another tool; stores and loads in
 * every order that the C orders leave open; claims, lapped readers and a consumer that registers, holds, reads in place
 * and leaves, all in one model.
 *
 * Line by line, and where it stands in ring.pxd, or in holding.pxd and .pyx:
 *
 *     word TICKET, LIMIT, STAMP, FIRST, SECOND    ticket, limit; word 0 of a cell, and two of its seven payload words,
 *                                                 each of which holds the sequence
 *     W.load_ticket, W.load_limit                 ring_sequence, ring_limit: acquire
 *     W.look                                      lap_is_over: cell_stamp, acquire (not by a batch)
 *     W.take                                      ring_take: cas_acq_rel; and fence_release
 *     W.again, W.room                             ring_claim_ready's NOT_YET, NO_ROOM: try again when something moved
 *     W.await_lap                                 ring_wait_lap (only a batch)
 *     W.fill, W.publish                           ring_fill: words in no order; cell_publish: store_release
 *     ALONE: W.take                               ring_claim_alone: store_release and fence_release, under the GIL
 *     R.overrun, R.stamp, R.copy, R.check         ring_copy of one record: ring_overrun, cell_stamp, load_payload in no
 *                                                 order, ring_overrun: fence_acquire and the ticket
 *     H.close                                     gate_close: limit_publish, store_release
 *     H.position                                  gate_position: fetch_or_acq_rel of the ticket
 *     H.open                                      limit_refresh
 *     H.stamp, H.copy                             holder_peek, and reading in place, in no order, without a check
 *     H.advance, H.leave                          holder_advance, holder_leave: limit_refresh
 *
 * There is one consumer, so the lock of the consumers and the search for the slowest are left out. Promised, and
 * asserted: what a reader or a consumer takes is whole and of the sequence that stands next; a reader that was not
 * lapped loses nothing; the ticket never passes the consumer's position by more than the capacity; every ticket is
 * published at last, each on top of its lap before; nobody waits for ever (an end that is none is an error to spin).
 *
 * Mistakes, by -D, each of which must be found: see ci/model.
 */

#ifndef CAPACITY
#define CAPACITY 2
#endif
#ifndef SINGLES
#define SINGLES 1                       /* writers that take one ready cell at a time */
#endif
#ifndef BATCHES
#define BATCHES 1                       /* writers that take two tickets at once, and wait for each cell */
#endif
#ifndef ROUNDS
#define ROUNDS 2                        /* claims of each writer */
#endif
#ifndef READS
#define READS 2                         /* records that the reader takes, or loses */
#endif
#ifndef HOLDS
#define HOLDS 0                         /* records that the consumer takes before it leaves; 0: there is none */
#endif

#define WRITERS (SINGLES + BATCHES)
#define THREADS (WRITERS + 1)
#define CONSUMER WRITERS
#define CELL(sequence) (((sequence) - 1) % CAPACITY)
#define TICKET 0
#define LIMIT 1
#define STAMP(sequence) (2 + 3 * CELL(sequence))
#define FIRST(sequence) (3 + 3 * CELL(sequence))
#define SECOND(sequence) (4 + 3 * CELL(sequence))
#define WORDS (2 + 3 * CAPACITY)
#define NOBODY 255
#define BEFORE(sequence) ((sequence) > CAPACITY -> (sequence) - CAPACITY : 0)

/* Ghosts */
byte left = WRITERS;                    /* at work */
byte published;                         /* tickets */
bool holds;
byte position;                          /* of the consumer */

bool gil;                               /* ALONE: somebody has the lock of the interpreter */

#define IS_STAMP(w) ((w) >= 2 && ((w) - 2) % 3 == 0)
#define ARRIVED(w, v) \
    if \
    :: IS_STAMP(w) -> assert(memory[w] == BEFORE(v)); published++ \
    :: (w) == TICKET -> assert(!holds || (v) <= position + CAPACITY) \
    :: else \
    fi

#include "../primitives/weak_memory.pml"

#ifdef RELAXED_STAMP
#define store_stamp store_relaxed
#else
#define store_stamp store_release
#endif
#ifdef ALONE_WITHOUT_GIL
#define LOCK_GIL skip
#else
#define LOCK_GIL d_step { !gil -> gil = true }
#endif
#define UNLOCK_GIL(t) d_step { EMPTY(t) -> gil = false }        /* it releases */

inline claim_fence(me) {
#ifndef NO_CLAIM_FENCE
    fence_release(me)
#else
    skip
#endif
}

/* A swap of the ticket, or what stands in its place; `done`: n of them are ours, behind `taken`. */
inline take(me, n) {
#if defined(ALONE)
    store_release(me, TICKET, taken + n);
    done = true;
#elif defined(NO_SWAP)
    store_release(me, TICKET, taken + n);
    done = true;
#else
    swap(me, TICKET, taken, taken + n, done);
#endif
    if
    :: done -> claim_fence(me)
    :: else
    fi
}

inline fill_and_publish(me, s) {
#ifdef EARLY_STAMP
    store_stamp(me, STAMP(s), s);
#endif
    store_relaxed(me, FIRST(s), s);
    store_relaxed(me, SECOND(s), s);
#ifndef EARLY_STAMP
    store_stamp(me, STAMP(s), s)
#endif
}

proctype Writer(byte me; byte n) {
    byte rounds = ROUNDS, taken, limit, stamp, s;
    bool done;
    do
    :: rounds > 0 ->
load_ticket:
        skip;
#ifdef ALONE
        LOCK_GIL;
#endif
        load(me, TICKET, taken);
load_limit:
#ifndef NO_LIMIT_LOOK
        load(me, LIMIT, limit);
        if
        :: taken + n > limit ->
#ifdef ALONE
            UNLOCK_GIL(me);
#endif
room:       memory[TICKET] + n <= memory[LIMIT];
            goto load_ticket
        :: else
        fi;
#endif
look:
#ifndef NO_LAP_LOOK
        if
        :: n == 1 ->
            load(me, STAMP(taken + 1), stamp);
            if
            :: stamp != BEFORE(taken + 1) ->
#ifdef ALONE
                UNLOCK_GIL(me);
#endif
again:          memory[TICKET] != taken || memory[STAMP(taken + 1)] == BEFORE(taken + 1);
                goto load_ticket
            :: else
            fi
        :: else
        fi;
#endif
        take(me, n);
        if
        :: !done -> goto load_ticket
        :: else
        fi;
        for (s : taken + 1 .. taken + n) {
#ifndef NO_LAP_WAIT
            if
            :: n > 1 ->
await_lap:      do
                :: load(me, STAMP(s), stamp);
                    if
                    :: stamp == BEFORE(s) -> break
                    :: else -> memory[STAMP(s)] == BEFORE(s) || on_the_way[STAMP(s)] > 0
                    fi
                od
            :: else
            fi;
#endif
            skip;
            fill_and_publish(me, s)
        }
        skip;
#ifdef ALONE
        UNLOCK_GIL(me);
#endif
        d_step { rounds--; taken = 0; limit = 0; stamp = 0; s = 0 }
    :: else -> break
    od;
    left--
}

inline copy_payload(s) {
    todo = 3;
    do
    :: todo & 1 -> d_step { first = memory[FIRST(s)]; todo = todo & 2 }
    :: todo & 2 -> d_step { second = memory[SECOND(s)]; todo = todo & 1 }
    :: todo == 0 -> break
    od
}

/* Follows from the start; records that it lost count as read. */
proctype Reader() {
    byte at, stamp, taken, first, second, todo;
    do
    :: at < READS ->
overrun:
        taken = memory[TICKET];
        if
        :: taken > at + CAPACITY -> at = taken - CAPACITY; taken = 0
        :: else
        fi;
#ifdef NO_ACQUIRE
        copy_payload(at + 1);
#endif
stamp_seen:
        stamp = memory[STAMP(at + 1)];
        if
        :: stamp == at + 1 ->
#ifdef NO_ACQUIRE_FENCE
            taken = memory[TICKET];
#endif
#ifndef NO_ACQUIRE
            copy_payload(at + 1);
#endif
#ifndef NO_ACQUIRE_FENCE
            taken = memory[TICKET];
#endif
#ifdef NO_OVERRUN_CHECK
            taken = 0;
#endif
            skip;
            d_step {
                assert(taken > at + CAPACITY || (first == at + 1 && second == at + 1));
                at++;
                taken = 0; stamp = 0; first = 0; second = 0
            }
        :: else ->
            /* Not published yet, or lapped: both move. */
            memory[STAMP(at + 1)] == at + 1 || memory[TICKET] > at + CAPACITY;
            stamp = 0
        fi
    :: else -> break
    od
}

#if HOLDS > 0
/* In its own variables what it knows; `position` and `holds` say what is promised to it from now on. */
inline register_consumer() {
    LOCK_GIL;
#ifdef POSITION_BEFORE_GATE
    read_position();
#endif
close:
#ifndef NO_GATE
    load(CONSUMER, TICKET, at);
    store_release(CONSUMER, LIMIT, at + CAPACITY);
#endif
#ifndef POSITION_BEFORE_GATE
    read_position();
#endif
open:
    store_release(CONSUMER, LIMIT, at + CAPACITY);
    UNLOCK_GIL(CONSUMER)
}

inline read_position() {
#ifdef POSITION_BY_LOAD
    load(CONSUMER, TICKET, at);
    d_step { holds = true; position = at }
#else
    d_step {
        HAS_PLACES(CONSUMER) && on_the_way[TICKET] == 0 ->
        at = memory[TICKET];
        put(CONSUMER, TICKET + RELEASE, at);
        on_the_way[TICKET]++;
        holds = true;
        position = at
    }
#endif
}

inline give_free() {
    d_step { at++; position = at }
    store_release(CONSUMER, LIMIT, at + CAPACITY)
}

proctype Consumer() {
    byte at, stamp, first, second, todo, took;
    register_consumer();
    do
    :: took < HOLDS && memory[STAMP(at + 1)] == at + 1 ->       /* cell_stamp */
#ifdef EARLY_ADVANCE
        give_free();
        copy_payload(at);
        assert(first == at && second == at);
#else
        copy_payload(at + 1);
        assert(first == at + 1 && second == at + 1);
        give_free();
#endif
        d_step { took++; first = 0; second = 0 }
    :: took == HOLDS || (left == 0 && published == memory[TICKET] && at == memory[TICKET]) -> break
    od;
    holds = false;
    store_release(CONSUMER, LIMIT, NOBODY)
}
#endif

init {
    byte i;
    atomic {
        memory[LIMIT] = NOBODY;
        for (i : 0 .. WRITERS - 1) {
            run Buffer(i);
            run Writer(i, (i < SINGLES -> 1 : 2))
        }
#if HOLDS > 0
        run Buffer(CONSUMER);
        run Consumer();
#endif
#if READS > 0
        run Reader();
#endif
        i = 0
    }
    d_step {
        left == 0 && published == ROUNDS * (SINGLES + 2 * BATCHES) && on_the_way[TICKET] == 0 ->
        assert(memory[TICKET] == published);
        for (i : 0 .. CAPACITY - 1) {
            assert(memory[STAMP(published - i)] == published - i || published <= i)
        }
        i = 0
    }
}
