// SPDX-License-Identifier: Apache-2.0
//
// The start of libfcgi, without the signal handlers it installs on the way.

internal import CFastCGI
internal import Glibc

/// libfcgi as a process-wide resource.
enum FastCGILibrary {
    /// Initialises the library once.
    ///
    /// `FCGX_Init` (os_unix.c, `installSignalHandler`) replaces the default and ignored dispositions of these three
    /// signals by handlers without SA_RESTART, after which SIGTERM no longer ends the process. They are put back.
    static let start: Void = {
        let taken = [SIGTERM, SIGUSR1, SIGPIPE]
        var before = Array(repeating: sigaction(), count: taken.count)
        for (index, signal) in taken.enumerated() { sigaction(signal, nil, &before[index]) }
        let result = FCGX_Init()
        precondition(result == 0, "FCGX_Init fails only without memory")
        for (index, signal) in taken.enumerated() { sigaction(signal, &before[index], nil) }
    }()
}
