// SPDX-License-Identifier: Apache-2.0
//
// The names by which the check knows the files that `vestibule nginx render` writes.

internal import NginxFiles

enum OurFiles {
    static let http = "vestibule-http.conf"
    static let server = "vestibule-server.conf"
    static let guardian = "vestibule-guard.conf"
    static let location = "vestibule-protect.conf"
    static let names = Set(NginxFiles.names + [server, guardian, location])
}
