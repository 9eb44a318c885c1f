/* The rival of a wake-up: one process wakes another by a futex, with nothing else in between. */
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 8192

struct page {               /* shared by both processes */
    uint32_t round;         /* how many pings were sent */
    uint32_t unused;
    int64_t sent_ns[ROUNDS];
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Send ping number `round`, which counts from 0. */
void ping_send(struct page *page, uint32_t round)
{
    page->sent_ns[round] = now_ns();
    __atomic_store_n(&page->round, round + 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &page->round, FUTEX_WAKE, 1, (void *)0, (void *)0, 0);
}

/* Sleep until ping number `round` is there; return when it was sent. */
int64_t ping_receive_one(struct page *page, uint32_t round)
{
    while (__atomic_load_n(&page->round, __ATOMIC_ACQUIRE) == round)
        syscall(SYS_futex, &page->round, FUTEX_WAIT, round, (void *)0, (void *)0, 0);
    return page->sent_ns[round];
}

/* Sleep for each of the pings; store how long each took to arrive. */
void ping_receive(struct page *page, uint32_t rounds, int64_t *took_ns)
{
    for (uint32_t i = 0; i < rounds; i++) {
        int64_t sent_ns = ping_receive_one(page, i);
        took_ns[i] = now_ns() - sent_ns;
    }
}
