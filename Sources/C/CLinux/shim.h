/* SPDX-License-Identifier: Apache-2.0
 * Linux calls that the Glibc module of Swift 6.3 does not import: epoll, signalfd, accept4 and memmem.
 * Declarations only, no library is linked. */
#ifndef VESTIBULE_CLINUX_SHIM_H
#define VESTIBULE_CLINUX_SHIM_H

#include <stddef.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

/* glibc hides accept4 unless _GNU_SOURCE is set before its first header, which is out of our hands. */
extern int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);

/* memmem(3), hidden for the same reason. */
extern void *memmem(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length);

/* prctl is variadic. Asks the kernel to send `signal` to this process when its parent ends. */
static inline int linux_die_with_parent(int signal) {
    return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0);
}

/* Names this process in ps and top, at most 15 bytes: started as /proc/self/exe it would be called "exe". */
static inline int linux_set_name(const char *name) {
    return prctl(PR_SET_NAME, name, 0, 0, 0);
}

#endif
