/* SPDX-License-Identifier: Apache-2.0
 * Linux calls that the Glibc module of Swift 6.3 does not import: epoll, signalfd, accept4, memmem
 * and the credentials of a socket's peer.
 * No library is linked. */
#ifndef VESTIBULE_CLINUX_SHIM_H
#define VESTIBULE_CLINUX_SHIM_H

#include <stddef.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc hides accept4 unless _GNU_SOURCE is set before its first header, which is out of our hands. */
extern int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);

/* memmem(3), hidden for the same reason. */
extern void *memmem(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length);

/* The process at the other end of a unix socket, as it was at connect(2) (struct ucred of unix(7), hidden for the same
 * reason). Returns 0, or -1 with errno. */
struct linux_peer {
    int process;
    unsigned int user;
    unsigned int group;
};
static inline int linux_peer_of(int descriptor, struct linux_peer *peer) {
    socklen_t length = sizeof *peer;
    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, peer, &length);
}

/* How many processors this process may run on (sched_setaffinity(2), cgroup cpusets); 0 when that cannot be said. The
 * size of cpu_set_t would be a limit: machines have more than 1,024. */
static inline int linux_processors(void) {
    unsigned long set[1024];
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof set, set);
    int count = 0;
    for (long word = 0; word < bytes / (long)sizeof *set; word++) count += __builtin_popcountl(set[word]);
    return count;
}

/* prctl is variadic. Asks the kernel to send `signal` to this process when its parent ends. */
static inline int linux_die_with_parent(int signal) {
    return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0);
}

/* Names this process in ps and top, at most 15 bytes: started as /proc/self/exe it would be called "exe". */
static inline int linux_set_name(const char *name) {
    return prctl(PR_SET_NAME, name, 0, 0, 0);
}

#endif
