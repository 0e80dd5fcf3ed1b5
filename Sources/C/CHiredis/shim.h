// SPDX-License-Identifier: Apache-2.0
// hiredis 0.14 of Debian 12: the synchronous, the asynchronous and the reader interface. Nothing is added.
#include <sys/time.h>
#include <hiredis/hiredis.h>
#include <hiredis/async.h>
#include <hiredis/read.h>
