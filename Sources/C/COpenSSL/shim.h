/* SPDX-License-Identifier: Apache-2.0
 * OpenSSL 3 as Debian ships it (libssl-dev), for the load generator alone. Nothing is added. */
#ifndef VESTIBULE_COPENSSL_SHIM_H
#define VESTIBULE_COPENSSL_SHIM_H

#include <openssl/err.h>
#include <openssl/ssl.h>

#endif
