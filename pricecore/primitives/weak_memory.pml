/* Memory that is as weak as the orders in atomics.h allow, for the models slot.pml and ring.pml (Promela, for spin).
 *
 * A thread's stores wait in a buffer of its own and reach `memory`, which the others see, at any later time. Of two
 * that wait, either may be first, except:
 *
 *     both are to one word                            in the order of the program (coherence)
 *     the second is a release                         store_release, the store of a cas_acq_rel
 *     a fence_release stands between them             and not: a release before any other store, which may pass it
 *
 * A thread sees its own stores at once. Loads are steps of the models, in the order of the program where they are
 * acquires or stand behind one; the models let all others happen in any order.
 *
 * Stricter than C11: a swap waits while stores to its word are on their way, where it could also come before or behind
 * them unseen; and what one other thread sees, all see (as on x86-64 and ARMv8). POWER is not promised.
 */

#define PLACES 7                        /* of a buffer; a thread whose buffer is full waits */
#define FENCE 255                       /* in the place of a word */
#define RELEASE 64                      /* added to the number of a word */
#define WORD(t, k) (waiting[t].word[k] & 63)
#define IS_FENCE(t, k) (waiting[t].word[k] == FENCE)
#define IS_RELEASE(t, k) (waiting[t].word[k] & RELEASE)
#define EMPTY(t) (waiting[t].count == 0)
#define HAS_PLACES(t) (waiting[t].count < PLACES)

typedef Waiting {
    byte count;
    byte word[PLACES];
    byte value[PLACES];
}

byte memory[WORDS];
byte on_the_way[WORDS];                 /* stores that wait, of all threads */
Waiting waiting[THREADS];
hidden byte seen_at, moved;

/* Whether store k may pass store (or fence) j, which was made before it. */
#define PASSES(t, j, k) (!IS_FENCE(t, j) && WORD(t, j) != WORD(t, k))
#define IS_STORE(t, k) (k < waiting[t].count && !IS_FENCE(t, k))
#define MAY_PASS_ANY(t, k) (IS_STORE(t, k) && !IS_RELEASE(t, k))
#define MAY_GO_0(t) IS_STORE(t, 0)
#define MAY_GO_1(t) (MAY_PASS_ANY(t, 1) && PASSES(t, 0, 1))
#define MAY_GO_2(t) (MAY_PASS_ANY(t, 2) && PASSES(t, 0, 2) && PASSES(t, 1, 2))
#define MAY_GO_3(t) (MAY_PASS_ANY(t, 3) && PASSES(t, 0, 3) && PASSES(t, 1, 3) && PASSES(t, 2, 3))
#define MAY_GO_4(t) (MAY_PASS_ANY(t, 4) && PASSES(t, 0, 4) && PASSES(t, 1, 4) && PASSES(t, 2, 4) && PASSES(t, 3, 4))
#define MAY_GO_5(t) (MAY_PASS_ANY(t, 5) && PASSES(t, 0, 5) && PASSES(t, 1, 5) && PASSES(t, 2, 5) && PASSES(t, 3, 5) \
    && PASSES(t, 4, 5))
#define MAY_GO_6(t) (MAY_PASS_ANY(t, 6) && PASSES(t, 0, 6) && PASSES(t, 1, 6) && PASSES(t, 2, 6) && PASSES(t, 3, 6) \
    && PASSES(t, 4, 6) && PASSES(t, 5, 6))

inline leave_buffer(t, k) {
    moved = k;
    do
    :: moved + 1 < waiting[t].count ->
        waiting[t].word[moved] = waiting[t].word[moved + 1];
        waiting[t].value[moved] = waiting[t].value[moved + 1];
        moved++
    :: else -> break
    od;
    waiting[t].count--;
    waiting[t].word[waiting[t].count] = 0;      /* what is not used looks the same in all states */
    waiting[t].value[waiting[t].count] = 0
}

/* A store reaches memory. ARRIVED is the model's: what it checks there. */
inline arrive(t, k) {
    ARRIVED(WORD(t, k), waiting[t].value[k]);
    memory[WORD(t, k)] = waiting[t].value[k];
    on_the_way[WORD(t, k)]--;
    leave_buffer(t, k);
    do
    :: waiting[t].count > 0 && IS_FENCE(t, 0) -> leave_buffer(t, 0)
    :: else -> break
    od;
    seen_at = 0;
    moved = 0
}

proctype Buffer(byte t) {
end:
    do
    :: d_step { MAY_GO_0(t) -> arrive(t, 0) }
    :: d_step { MAY_GO_1(t) -> arrive(t, 1) }
    :: d_step { MAY_GO_2(t) -> arrive(t, 2) }
    :: d_step { MAY_GO_3(t) -> arrive(t, 3) }
    :: d_step { MAY_GO_4(t) -> arrive(t, 4) }
    :: d_step { MAY_GO_5(t) -> arrive(t, 5) }
    :: d_step { MAY_GO_6(t) -> arrive(t, 6) }
    od
}

inline put(t, w, v) {
    waiting[t].word[waiting[t].count] = w;
    waiting[t].value[waiting[t].count] = v;
    waiting[t].count++
}

inline store_relaxed(t, w, v) { d_step { HAS_PLACES(t) -> put(t, w, v); on_the_way[w]++ } }
inline store_release(t, w, v) { d_step { HAS_PLACES(t) -> put(t, (w) + RELEASE, v); on_the_way[w]++ } }

inline fence_release(t) {
    d_step {
        HAS_PLACES(t) ->
        if
        :: waiting[t].count > 0 -> put(t, FENCE, 0)
        :: else
        fi
    }
}

/* Into x: our own newest store to the word if one waits, else what all see. */
inline load(t, w, x) {
    d_step {
        x = memory[w];
        seen_at = 0;
        do
        :: seen_at < waiting[t].count ->
            if
            :: !IS_FENCE(t, seen_at) && WORD(t, seen_at) == w -> x = waiting[t].value[seen_at]
            :: else
            fi;
            seen_at++
        :: else -> break
        od;
        seen_at = 0
    }
}

/* cas_acq_rel; `done` says whether the word was as expected, else nothing happened. */
inline swap(t, w, expected, desired, done) {
    d_step {
        HAS_PLACES(t) && on_the_way[w] == 0 ->
        done = memory[w] == expected;
        if
        :: done -> put(t, (w) + RELEASE, desired); on_the_way[w]++
        :: else
        fi
    }
}
