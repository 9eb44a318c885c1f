/* Named steps of an update, where a test kills the process: nothing at all in a normal build.
 *
 * With PRICECORE_STEPS (set by setup.py for PRICECORE_DEBUG=1) the environment variable PRICECORE_KILL_AT="NAME n"
 * kills this process when it comes to the step of this name for the n-th time; every compiled module counts for
 * itself. tests/sharing/test_kill_at_steps.py goes through all of them.
 */
#ifndef PRICECORE_STEPS_H
#define PRICECORE_STEPS_H

#if defined(PRICECORE_STEPS) && !defined(_WIN32)
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void pc_step(const char *name)
{
    static char wanted[32];
    static int left = -1;   /* passages to go; -1: the environment was not asked yet */
    if (left < 0) {
        const char *text = getenv("PRICECORE_KILL_AT");
        if (!text || sscanf(text, "%31s %d", wanted, &left) != 2)
            left = 0;
    }
    if (left > 0 && strcmp(name, wanted) == 0 && --left == 0)
        raise(SIGKILL);
}
#define PC_STEP(name) pc_step(#name)
#else
#define PC_STEP(name) ((void)0)
#endif

#endif
