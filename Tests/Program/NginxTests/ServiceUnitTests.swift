// SPDX-License-Identifier: Apache-2.0
//
// The systemd unit: hardened, with a user and a group of its own, and never given up.

import Foundation
import TestSupport
import Testing

struct ServiceUnitTests {
    private static let path = "\(Repository.root)/deploy/vestibule.service"

    @Test func `systemd finds little that the service could do`() throws {
        let words = ["security", "--offline=true", "--no-pager", Self.path]
        let said = try TestProcess.output("systemd-analyze", words).text
        let words2 = said.split(separator: "\n").last { $0.contains("Overall exposure level") }?.split(separator: " ")
        let level = words2?.compactMap { Double($0) }.first
        #expect(try #require(level, "\(said)") <= 2.5)
    }

    @Test func `systemd takes the unit`() throws {
        // The program is not installed here; everything else that systemd says is a mistake.
        let said = try TestProcess.output("systemd-analyze", ["verify", "--man=no", Self.path]).text
        let complaints = said.split(separator: "\n").filter { $0.contains("vestibule.service") }
        #expect(complaints.filter { !$0.contains("/usr/local/bin/vestibule is not executable") } == [])
    }

    @Test func `the service has its own user and group, gets its keys from systemd, and is started again for ever`()
        throws
    {
        let lines = try String(contentsOfFile: Self.path, encoding: .utf8).split(separator: "\n")
        for line in [
            "User=vestibule", "Group=vestibule", "StartLimitIntervalSec=0", "Restart=always",
            "LoadCredential=keys.json:/etc/vestibule/keys.json", "RuntimeDirectoryMode=0750",
            // Without procps, as in a small Debian 13, there is no /bin/kill.
            "ExecReload=/bin/sh -c 'kill -HUP $MAINPID'",
        ] {
            #expect(lines.contains { $0 == line }, "\(line)")
        }
        #expect(!lines.contains { $0.hasPrefix("SupplementaryGroups") })
    }
}
