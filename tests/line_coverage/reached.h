/* Which lines of a generated C file were reached: a byte a line, in a file beside the library that holds them.

Contract    included before all else in each C file of a build with PRICECORE_COVERAGE=1. Each `__Pyx_TraceLine` of
            Cython's tracing build says PRICECORE_REACHED(): one store. tests/line_coverage/compiled.py reads the bytes.
Why so      Cython's own trace asks the interpreter at each line, and takes the GIL for that, also in code that has none.
            Code here relies on not needing it: housekeeping holds a lock that fork waits for while it has the GIL, and
            writers wait for one another in loops. Traced that way it would hang, and threads of C are not traced at all.
Progress    wait-free. The file is mapped shared: forked children and other processes add to the same bytes, and what a
            process that is killed has reached stays.
Invariants  a byte is 0 or 1 and never goes back; two threads that write the same 1 are harmless. Where the file cannot
            be opened (another user, no space), the bytes are this process' own and are lost.
*/
#ifndef PRICECORE_REACHED_H
#define PRICECORE_REACHED_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PC_REACHED_LINES (1 << 18)

static unsigned char pc_own_lines[PC_REACHED_LINES];
static volatile unsigned char *pc_reached_lines = pc_own_lines;

#define PRICECORE_REACHED() do { \
    _Static_assert(__LINE__ < PC_REACHED_LINES, "a generated file has more lines than PC_REACHED_LINES"); \
    pc_reached_lines[__LINE__] = 1; } while (0)

static int pc_has_room(int file) {
    struct stat status;
    if (fstat(file, &status)) return 0;
    if (status.st_size >= PC_REACHED_LINES) return 1;
    fchmod(file, 0666);
    return ftruncate(file, PC_REACHED_LINES) == 0;
}

__attribute__((constructor)) static void pc_map_reached_lines(void) {
    Dl_info library;
    char path[4096];
    if (!dladdr((void *)pc_map_reached_lines, &library)) return;
    if (snprintf(path, sizeof path, "%s.reached", library.dli_fname) >= (int)sizeof path) return;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) return;
    if (pc_has_room(file)) {
        void *lines = mmap(NULL, PC_REACHED_LINES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (lines != MAP_FAILED) pc_reached_lines = lines;
    }
    close(file);
}

#endif
