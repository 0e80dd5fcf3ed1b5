// SPDX-License-Identifier: Apache-2.0
//
// Goal: `vestibule keys` leaves mode, owner and group of the key file as somebody has set them, and two of them at a
// time lose no key.

import Foundation
import Glibc
import Passes
import Reactor
import TestSupport
import Testing

struct KeyFileTests {
    private func keys(_ words: String..., in directory: TemporaryDirectory) throws {
        let done = try TestProcess.output(
            try Product.vestibule(),
            ["keys"] + words + ["--keys", directory.file("keys.json")]
        )
        #expect(done.status == 0, "\(done.text)")
    }

    private func status(_ directory: TemporaryDirectory) -> stat {
        var status = stat()
        stat(directory.file("keys.json"), &status)
        return status
    }

    @Test(arguments: [0o600, 0o640, 0o440] as [mode_t])
    func `mode, owner and group stay`(mode: mode_t) throws {
        let directory = try TemporaryDirectory()
        try keys("add", in: directory)
        #expect(status(directory).st_mode & 0o7777 == 0o640)
        chmod(directory.file("keys.json"), mode)
        if geteuid() == 0 { chown(directory.file("keys.json"), 65_534, 65_533) }
        let before = status(directory)
        try keys("add", in: directory)
        try keys("rotate", in: directory)
        try keys("retire", "--kid", "k1", in: directory)
        let after = status(directory)
        #expect(after.st_mode & 0o7777 == mode)
        #expect(after.st_uid == before.st_uid && after.st_gid == before.st_gid)
        #expect(after.st_ino != before.st_ino, "replaced in one step")
    }

    @Test func `keys that are added at the same time are all there`() throws {
        let directory = try TemporaryDirectory()
        let vestibule = try Product.vestibule()
        let all = try (0..<6).map { number in
            try TestProcess(
                vestibule,
                ["keys", "add", "--kid", "n\(number)", "--keys", directory.file("keys.json")],
                log: directory.file("log-\(number)")
            )
        }
        for (number, process) in all.enumerated() {
            #expect(process.wait() == 0, "\(directory.read("log-\(number)"))")
        }
        let ring = try KeyRing(jwkSet: Array(directory.read("keys.json").utf8))
        #expect(Set(ring.kids) == Set((0..<6).map { "n\($0)" }))
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0.contains("tmp") } == [])
    }
}
