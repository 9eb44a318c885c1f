/* The slot in Promela, for spin: slot.pxd by another hand than tests/models/slot_*.py, in memory that is weak.
 *
 * What this adds to those models: they run in one order for everybody, with a twin for each fence that was thought of.
 * Here stores and loads go in every order that the C orders leave open (weak_memory.pml), so that what an order
 * is for shows by itself when it is taken away. Repair, order check and ring are theirs; the ring has ring.pml.
 *
 * Line by line, and where it stands in slot.pxd:
 *
 *     word[c], first and second of c      Copy.words[0]; two of the seven payload words, each holds the sequence
 *     W.load_a, W.load_b, W.wait          slot_take: two copy_word; it begins again while one is WRITING or HELD
 *     W.older                             slot_choose
 *     W.mark                              copy_mark: cas_acq_rel and fence_release; ALONE: copy_mark_alone, a store
 *     W.ticket                            ring_claim: the only step outside of the slot; a batch has its tickets before
 *     W.pass_by                           publish_behind (hotpath.pxd): slot_restore
 *     W.fill                              store_payload: words in no order
 *     W.complete, W.free                  copy_complete, copy_free: store_release
 *     R.load_a, R.load_b, R.choose        slot_newest: two copy_word, complete_sequence
 *     R.copy                              load_payload: words in no order
 *     R.check                             copy_unchanged: fence_acquire, and the word once more
 *
 * Promised, and asserted: a read is whole; never older than the one before, nor than what was complete when it began;
 * it repeats only if a record was completed since, so it waits for no writer; sequences in the slot only grow; of all
 * tickets the highest stands there at last; nobody waits for ever (an end that is none is an error to spin).
 *
 * Mistakes, by -D, each of which must be found: see ci/model.
 */

#ifndef SINGLES
#define SINGLES 2                       /* writers of one update at a time */
#endif
#ifndef BATCHES
#define BATCHES 0                       /* writers that take the tickets of all their updates before the first */
#endif
#ifndef UPDATES
#define UPDATES 2                       /* of each writer */
#endif
#ifndef READS
#define READS 2                         /* of the reader; it stores nothing, so it stands for any number */
#endif

#define THREADS (SINGLES + BATCHES)     /* readers store nothing */
#define WORDS 6
#define FIRST(c) (2 + 2 * (c))
#define SECOND(c) (3 + 2 * (c))
#define WRITING 128
#define HELD 64
#define SEQUENCE 63
#define BUSY(word) ((word) & IS_TAKEN)
#ifdef IGNORE_HELD
#define IS_TAKEN WRITING
#else
#define IS_TAKEN (WRITING | HELD)
#endif
#define COMPLETE(word) (((word) & WRITING) -> 0 : ((word) & SEQUENCE))

/* Ghosts: nobody reads them but the promises. */
byte newest;                            /* the highest sequence that was completed */
byte left = SINGLES + BATCHES;          /* writers at work */
byte ticket;

#define ARRIVED(w, v) \
    if \
    :: (w) < 2 && ((v) & HELD) && !((v) & WRITING) -> assert(((v) & SEQUENCE) > newest); newest = (v) & SEQUENCE \
    :: else \
    fi

#include "../primitives/weak_memory.pml"

#if defined(RELAXED_COMPLETE)
#define store_complete store_relaxed
#else
#define store_complete store_release
#endif

inline mark(me, c, before, done) {
#if defined(RELAXED_MARK)
    store_relaxed(me, c, before | WRITING);
    done = true;
#elif defined(ALONE) || defined(NO_SWAP)
    store_release(me, c, before | WRITING);
    done = true;
#else
    swap(me, c, before, before | WRITING, done);
#endif
#ifndef NO_RELEASE_FENCE
    if
    :: done -> fence_release(me)
    :: else
    fi
#endif
}

inline choose_older() {
    d_step {
#ifdef NEWER_COPY
        c = ((a & SEQUENCE) > (b & SEQUENCE) -> 0 : 1);
#else
        c = ((a & SEQUENCE) > (b & SEQUENCE) -> 1 : 0);
#endif
        before = (c -> b : a);
        stands = (c -> a : b) & SEQUENCE
    }
}

proctype Writer(byte me; bool is_batch) {
    byte updates = UPDATES, sequence, a, b, before, stands;
    bit c;
    bool done;
    if
    :: is_batch -> d_step { sequence = ticket + 1; ticket = ticket + UPDATES }
    :: else
    fi;
    do
    :: updates > 0 ->
load_a: load(me, 0, a);
load_b: load(me, 1, b);
wait:   if
        :: BUSY(a) || BUSY(b) -> !BUSY(memory[0]) && !BUSY(memory[1]); goto load_a
        :: else
        fi;
older:  choose_older();
        mark(me, c, before, done);
        if
        :: !done -> goto load_a
        :: else
        fi;
        if
        :: !is_batch -> d_step { ticket++; sequence = ticket }
        :: else
        fi;
        if
#ifndef NO_SEQUENCE_CHECK
        :: is_batch && sequence < stands -> store_release(me, c, before)
        :: else ->
#else
        :: true ->
#endif
#ifdef EARLY_COMPLETE
            store_complete(me, c, sequence | HELD);
#endif
            store_relaxed(me, FIRST(c), sequence);
            store_relaxed(me, SECOND(c), sequence);
#ifndef EARLY_COMPLETE
            store_complete(me, c, sequence | HELD);
#endif
            store_release(me, c, sequence)
        fi;
        d_step { updates--; sequence = (is_batch -> sequence + 1 : 0); a = 0; b = 0; before = 0; stands = 0; c = 0 }
    :: else -> break
    od;
    left--
}

inline copy_payload() {
    todo = 3;
    do
    :: todo & 1 -> d_step { first = memory[FIRST(c)]; todo = todo & 2 }
    :: todo & 2 -> d_step { second = memory[SECOND(c)]; todo = todo & 1 }
    :: todo == 0 -> break
    od
}

proctype Reader() {
    byte reads = READS, last, since, a, b, sequence, first, second, again;
    byte todo;
    bit c, guess;
    do
    :: reads > 0 ->
        since = newest;
load_a:
#ifdef NO_ACQUIRE
        /* The payload is loaded before the words that say where it stands. */
        if
        :: c = 0
        :: c = 1
        fi;
        guess = c;
        copy_payload();
#endif
        a = memory[0];
load_b: b = memory[1];
choose: if
        :: COMPLETE(a) > COMPLETE(b) -> d_step { c = 0; sequence = COMPLETE(a) }
        :: else ->
            if
            :: COMPLETE(b) -> d_step { c = 1; sequence = COMPLETE(b) }
            :: else ->
                if
                :: ((a | b) & SEQUENCE) == 0 -> assert(since == 0); goto accepted
                :: else -> goto repeat
                fi
            fi
        fi;
#if defined(NO_ACQUIRE)
        if
        :: guess != c -> goto repeat_guess
        :: else
        fi;
#elif defined(NO_ACQUIRE_FENCE)
        again = memory[c];
        copy_payload();
#else
        copy_payload();
#endif
#ifdef NO_RECHECK
        again = sequence;
#elif !defined(NO_ACQUIRE_FENCE)
        again = memory[c];
#endif
        if
        :: (again & (255 - HELD)) == sequence ->
            assert(first == sequence && second == sequence);
            assert(sequence >= last && sequence >= since);
            last = sequence
        :: else -> goto repeat
        fi;
accepted:
        skip;
        d_step { reads--; a = 0; b = 0; sequence = 0; first = 0; second = 0; again = 0; c = 0; guess = 0; since = 0 }
    :: else -> break
    od;
    goto finished;
repeat:
    assert(newest > since);             /* else nothing says that the next try fares better */
repeat_guess:
    skip;
    d_step { a = 0; b = 0; sequence = 0; first = 0; second = 0; again = 0; c = 0; guess = 0; since = newest }
    goto load_a;
finished:
    skip
}

init {
    byte i;
    atomic {
        for (i : 0 .. THREADS - 1) {
            run Buffer(i);
            run Writer(i, i >= SINGLES)
        }
        run Reader();
        i = 0
    }
    d_step {
        left == 0 && on_the_way[0] == 0 && on_the_way[1] == 0 ->
        assert(newest == ticket);
        assert(!BUSY(memory[0]) && !BUSY(memory[1]));
        assert(memory[0] == ticket || memory[1] == ticket)
    }
}
