/* What the housekeeping thread needs of the system: signals kept away from it, and a say before and after a fork.
 *
 * Windows has neither.
 */
#ifndef PRICECORE_HOUSEKEEPING_H
#define PRICECORE_HOUSEKEEPING_H

#if defined(_WIN32)
typedef int pc_signals;
#define pc_signals_block(before) ((void)(before))
#define pc_signals_restore(before) ((void)(before))
#define pc_at_fork(before, parent, child) ((void)(before), (void)(parent), (void)(child), 0)
#else
#include <pthread.h>
#include <signal.h>
typedef sigset_t pc_signals;
/* All but those that the processor raises in the thread itself: a crash should still be reported. */
static inline void pc_signals_block(pc_signals *before)
{
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_BLOCK, &all, before);
}
static inline void pc_signals_restore(const pc_signals *before)
{
    pthread_sigmask(SIG_SETMASK, before, 0);
}
#define pc_at_fork pthread_atfork
#endif

#endif
