// SPDX-License-Identifier: Apache-2.0
//
// The rules of time zones, as the operating system has them (Debian's tzdata, kept up to date with it). They are asked
// for when a file or a command is read, in a program of one thread: the C library knows one zone at a time.

public import Admission
internal import Glibc

public enum TimeZones {
    private static let folder = "/usr/share/zoneinfo/"

    /// The instants at which a zone has a local time, in seconds since 1970, the first first; none where clocks are put
    /// forward over it, two where they are put back. Nil for an unknown zone.
    public static func instants(_ zone: String, _ local: LocalTime) -> [Int]? {
        guard isName(zone), access(folder + zone, R_OK) == 0 else { return nil }
        let before = getenv("TZ").map { String(cString: $0) }
        setenv("TZ", ":" + zone, 1)
        defer {
            if let before { setenv("TZ", before, 1) } else { unsetenv("TZ") }
            tzset()
        }
        tzset()
        let wanted = local.secondsAsUTC
        // A zone changes its offset at most once within two days.
        let candidates = [-86_400, 86_400].map { wanted - offset(at: wanted + $0) }
        return Set(candidates).filter { $0 + offset(at: $0) == wanted }.sorted()
    }

    /// How far the clocks of the current zone (TZ) are ahead of UTC, in seconds.
    private static func offset(at instant: Int) -> Int {
        var (time, parts) = (time_t(instant), tm())
        return localtime_r(&time, &parts) == nil ? 0 : parts.tm_gmtoff
    }

    private static func isName(_ text: String) -> Bool {
        let isPlain = text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"),
                UInt8(ascii: "/"):
                true
            default: false
            }
        }
        return isPlain && !text.isEmpty && text.first != "/"
    }
}
