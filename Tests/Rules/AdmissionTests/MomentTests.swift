// SPDX-License-Identifier: Apache-2.0
//
// Moments as operators write them. How the zones of the operating system answer: ConfigurationTests/OpeningTimeTests.

import Admission
import Testing

struct MomentTests {
    private func read(_ text: String) -> Result<Int, MomentFault> {
        do throws(MomentFault) {
            return .success(try Moment.milliseconds(text) { _, _ in nil })
        } catch {
            return .failure(error)
        }
    }

    @Test(
        "Instants with an offset are read, and written in UTC",
        arguments: [
            ("1970-01-01T00:00:01Z", 1, "1970-01-01T00:00:01Z"),
            ("2026-12-01T10:00:00Z", 1_796_119_200, "2026-12-01T10:00:00Z"),
            ("2026-12-01T10:00Z", 1_796_119_200, "2026-12-01T10:00:00Z"),
            ("2026-12-01T19:00+09:00", 1_796_119_200, "2026-12-01T10:00:00Z"),
            ("2026-12-01T06:30:00-03:30", 1_796_119_200, "2026-12-01T10:00:00Z"),
            ("2028-02-29T23:59:59Z", 1_835_481_599, "2028-02-29T23:59:59Z"),
            ("9999-12-31T23:59:59Z", Moment.latest / 1000, "9999-12-31T23:59:59Z"),
        ]
    )
    func instants(_ text: String, _ seconds: Int, _ written: String) {
        #expect(read(text) == .success(seconds * 1000))
        #expect(Moment.text(seconds * 1000) == written)
    }

    @Test("Every day of four centuries is read back as it was written")
    func days() {
        for day in stride(from: 1, to: 146_097, by: 1) {
            let time = LocalTime(secondsAsUTC: day * 86_400 + 45_296)
            #expect(time.secondsAsUTC == day * 86_400 + 45_296)
        }
    }

    @Test(
        "What is no moment is refused",
        arguments: [
            "", "10:00", "2026-12-01", "2026-12-01 10:00Z", "2026-02-29T10:00Z", "2026-13-01T10:00Z",
            "2026-12-01T24:00Z",
            "2026-12-01T10:60Z", "26-12-01T10:00Z", "2026-12-01T10:00+25:00", "2026-12-01T10:00[", "2026-12-01T10:00]",
            "2026-12-01T10:00[Nowhere/Land]", "2026-12-01T10:00", "2026-12-01T+1:00Z", "1969-12-31T23:59Z",
        ]
    )
    func refused(_ text: String) {
        if case .success(let value) = read(text) { Issue.record("\(text) was read as \(value)") }
    }

    @Test("None is no moment") func none() { #expect(read("none") == .success(0) && Moment.text(0) == "none") }
}
