// SPDX-License-Identifier: Apache-2.0
//
// When a room opens and closes, in the file: local times with the zones of the operating system, on both sides of a
// change of the clocks.

import Admission
import Configuration
import Testing

struct OpeningTimeTests {
    private func room(_ lines: String) throws -> RoomPolicy {
        try #require(try Configuration(yaml: "rooms:\n  sale:\n" + lines).rooms.first).policy
    }

    @Test(
        "A local time is read with the rules of its zone",
        arguments: [
            ("2026-12-01T10:00[Europe/Berlin]", "2026-12-01T09:00:00Z"),
            ("2026-07-01T10:00[Europe/Berlin]", "2026-07-01T08:00:00Z"),
            ("2026-12-01T10:00[Asia/Seoul]", "2026-12-01T01:00:00Z"),
            ("2026-12-01T10:00+01:00[Europe/Berlin]", "2026-12-01T09:00:00Z"),
            // Clocks are put back from 3:00 to 2:00 on 25 October 2026.
            ("2026-10-25T02:30+02:00[Europe/Berlin]", "2026-10-25T00:30:00Z"),
            ("2026-10-25T02:30+01:00[Europe/Berlin]", "2026-10-25T01:30:00Z"),
            ("2026-10-25T03:00[Europe/Berlin]", "2026-10-25T02:00:00Z"),
            ("2026-12-01T10:00[America/New_York]", "2026-12-01T15:00:00Z"),
        ]
    )
    func zones(_ written: String, _ instant: String) throws {
        #expect(Moment.text(try room("    opens_at: \(written)\n").opensMilliseconds) == instant)
    }

    @Test(
        "A time that a zone does not have, has twice, or has with another offset is refused, with its line",
        arguments: [
            ("2026-03-29T02:30[Europe/Berlin]", "does not have"), ("2026-10-25T02:30[Europe/Berlin]", "twice"),
            ("2026-12-01T10:00+02:00[Europe/Berlin]", "offset"), ("2026-12-01T10:00[Europe/Atlantis]", "unknown"),
            ("2026-12-01T10:00[../../etc/passwd]", "unknown"), ("2026-12-01T10:00", "needs a time zone"),
            ("tomorrow", "must be a time"),
        ]
    )
    func refusals(_ written: String, _ word: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try room("    opens_at: \(written)\n") }
        #expect(error?.line == 3)
        #expect(error?.message.contains(word) ?? false, "\(error?.message ?? "")")
    }

    @Test("A room closes after it opens, and a draw has a kind")
    func order() throws {
        let lines = "    opens_at: 2026-12-01T10:00Z\n    closes_at: 2026-12-01T09:00Z\n"
        #expect(throws: ConfigurationError.self) { try room(lines) }
        #expect(try room("    draw: beacon\n").draw == .beacon)
        #expect(throws: ConfigurationError.self) { try room("    draw: lots\n") }
    }
}
