// SPDX-License-Identifier: Apache-2.0
//
// What the program needs of the machine it runs on. Debian 12, Debian 13 and Ubuntu 24.04 have hiredis and libfcgi
// under different names, so both are inside the program.

import TestSupport
import Testing

struct ArtefactTests {
    @Test("The program asks for no library whose name differs between Debian 12, Debian 13 and Ubuntu 24.04")
    func needsNoLibraryOfOneRelease() throws {
        let listing = try TestProcess.output("readelf", ["-d", try Product.vestibule()])
        #expect(listing.status == 0, "\(listing.text)")
        let needed = listing.text.split(separator: "\n").filter { $0.contains("(NEEDED)") }
        #expect(needed.contains { $0.contains("[libc.so.6]") }, "\(listing.text)")
        for name in ["hiredis", "fcgi", "ssl", "crypto"] {
            #expect(!needed.contains { $0.contains("[lib\(name)") }, "\(needed)")
        }
    }
}
