/* SPDX-License-Identifier: Apache-2.0
 * The FastCGI library. No wrapper is needed: everything the gateway calls is importable. */
#ifndef VESTIBULE_CFASTCGI_SHIM_H
#define VESTIBULE_CFASTCGI_SHIM_H

#include <fcgiapp.h>

#endif
