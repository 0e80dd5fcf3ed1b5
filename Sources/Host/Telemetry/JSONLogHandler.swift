// SPDX-License-Identifier: Apache-2.0
//
// swift-log to standard error, one JSON object a line, so that a log collector needs no pattern. Tickets and passes are
// never given to it.

internal import Glibc
public import Logging
internal import StrictJSON

/// A log handler that writes `{"time","level","label","message",...}`.
public struct JSONLogHandler: LogHandler {
    public var logLevel: Logger.Level = .info
    public var metadata: Logger.Metadata = [:]
    private let label: String
    private let descriptor: Int32

    /// - Parameter descriptor: where the lines go; standard error if it is left out.
    public init(label: String, descriptor: Int32 = 2) {
        self.label = label
        self.descriptor = descriptor
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var line = "{\"time\":\"\(JSONLogHandler.timestamp())\",\"level\":\"\(event.level)\",\"label\":"
        line += JSONText.literal(label) + ",\"message\":" + JSONText.literal(event.message.description)
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            line += "," + JSONText.literal(key) + ":" + JSONText.literal(value.description)
        }
        line += "}\n"
        // One write a line: lines of several processes in one file do not mix.
        let bytes = Array(line.utf8)
        _ = write(descriptor, bytes, bytes.count)
    }

    private static func timestamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let milliseconds = String(1000 + now.tv_nsec / 1_000_000).dropFirst()
        return "\(1900 + parts.tm_year)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(milliseconds)Z"
    }
}
