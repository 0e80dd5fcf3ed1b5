/* SPDX-License-Identifier: Apache-2.0
 * zlib (zlib1g-dev), for the waiting page, which is compressed once. Nothing is added but a function for a macro. */
#ifndef VESTIBULE_CZLIB_SHIM_H
#define VESTIBULE_CZLIB_SHIM_H

#include <zlib.h>

/* Raw deflate, without a header of its own; deflateInit2 is a macro, which Swift does not import. */
static inline int vestibule_deflate_start(z_stream *stream) {
    return deflateInit2(stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
}

#endif
