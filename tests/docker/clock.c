/* A quicker clock for one container: SPEED seconds pass in one, so that a minute's time-out is over in
   two seconds. Who asks the C library for the time, or waits through it, lives in that time.
   gcc -shared -fPIC -DSPEED=30LL; then LD_PRELOAD. */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *now) {
    long got = syscall(SYS_clock_gettime, id, now);
    if (got || (id != CLOCK_MONOTONIC && id != CLOCK_MONOTONIC_COARSE)) return got;
    long long passed = now->tv_sec * 1000000000LL + now->tv_nsec;
    passed *= SPEED;
    now->tv_sec = passed / 1000000000LL;
    now->tv_nsec = passed % 1000000000LL;
    return 0;
}

static long shorter(long milliseconds) {
    return milliseconds > 0 ? (milliseconds + SPEED - 1) / SPEED : milliseconds;
}

int epoll_wait(int fd, struct epoll_event *events, int most, int milliseconds) {
    return syscall(SYS_epoll_pwait, fd, events, most, shorter(milliseconds), NULL, _NSIG / 8);
}

int clock_nanosleep(clockid_t id, int flags, const struct timespec *asked, struct timespec *left) {
    long long all = asked->tv_sec * 1000000000LL + asked->tv_nsec;
    all /= SPEED;
    struct timespec scaled = {all / 1000000000LL, all % 1000000000LL};
    long got = syscall(SYS_clock_nanosleep, id, flags, &scaled, left);
    return got < 0 ? 4 /* EINTR */ : 0;
}
