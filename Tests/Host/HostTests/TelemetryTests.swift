// SPDX-License-Identifier: Apache-2.0
//
// The scoreboard shared by workers, the Prometheus text, and the log lines.

import Glibc
import Logging
import StrictJSON
import Telemetry
import TestSupport
import Testing

struct ScoreboardTests {
    @Test("A total is the sum over the rows of all workers, whoever reads it")
    func sum() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("scoreboard")
        let first = try #require(Scoreboard(path: path, row: 0))
        let last = try #require(Scoreboard(path: path, row: Scoreboard.rowsMax - 1))
        first.count(.polls)
        first.count(.polls, 41)
        last.count(.polls, 100)
        last.count(.leaves)
        for board in [first, last] {
            #expect(board.total(.polls) == 142)
            #expect(board.total(.leaves) == 1)
            #expect(board.total(.ticks) == 0)
        }
        last.set(.polls, to: 8)
        #expect(first.total(.polls) == 50)
        last.set(.polls, to: -5)
        #expect(first.total(.polls) == 42)
    }

    @Test("A worker that starts again at its row goes on counting there")
    func restart() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("scoreboard")
        do {
            let before = try #require(Scoreboard(path: path, row: 2))
            before.count(.polls, 5)
        }
        let after = try #require(Scoreboard(path: path, row: 2))
        after.count(.polls)
        #expect(after.total(.polls) == 6)
    }

    @Test("Every counter has a cell of its own")
    func cells() throws {
        let directory = try TemporaryDirectory()
        let board = try #require(Scoreboard(path: directory.file("scoreboard"), row: 7))
        for counter in Counter.allCases { board.count(counter, 1 << (counter.rawValue % 32)) }
        for counter in Counter.allCases { #expect(board.total(counter) == 1 << (counter.rawValue % 32)) }
        #expect(Set(Counter.allCases.map(\.rawValue)).count == Counter.allCases.count)
        #expect(Counter.allCases.allSatisfy { (0..<64).contains($0.rawValue) })
    }

    @Test("A row beyond the table, or a path that cannot be, gives no scoreboard")
    func refusals() throws {
        let directory = try TemporaryDirectory()
        #expect(Scoreboard(path: directory.file("s"), row: -1) == nil)
        #expect(Scoreboard(path: directory.file("s"), row: Scoreboard.rowsMax) == nil)
        #expect(Scoreboard(path: directory.file("none/s"), row: 0) == nil)
        #expect(Scoreboard(path: directory.path, row: 0) == nil)
    }

    @Test("Only the owner may read the file")
    func mode() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("scoreboard")
        _ = try #require(Scoreboard(path: path, row: 0))
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(status.st_size == Scoreboard.rowsMax * 64 * 8)
    }
}

struct PrometheusTextTests {
    @Test("Every family is described once, before its samples, and every line has the form of the format")
    func form() throws {
        let directory = try TemporaryDirectory()
        let board = try #require(Scoreboard(path: directory.file("scoreboard"), row: 0))
        board.count(.joinsWaiting, 3)
        var text = PrometheusText()
        text.add(board)
        text.addGauge("vestibule_room_waiting", help: "Visitors waiting.", rooms: [("a", 1), ("b", 2.5)])
        text.addGauge("vestibule_room_waiting", help: "Visitors waiting.", rooms: [("c", -1)])
        #expect(text.text.hasSuffix("\n"))

        let help = /# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) \S.*/
        let type = /# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge)/
        let label = /\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"\}/
        let sample = /(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?<rest>.*) -?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?/
        var described: [String] = []
        var series: Set<String> = []
        for line in text.text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            if let found = line.wholeMatch(of: help) {
                described.append(String(found.1))
            } else if let found = line.wholeMatch(of: type) {
                #expect(described.last == String(found.1), "TYPE follows HELP")
                #expect((found.2 == "counter") == found.1.hasSuffix("_total"))
            } else if let found = line.wholeMatch(of: sample) {
                #expect(described.last == String(found.name), "samples of \(found.name) stand together")
                #expect(found.rest.isEmpty || found.rest.wholeMatch(of: label) != nil, "\(line)")
                #expect(series.insert("\(found.name)\(found.rest)").inserted, "twice: \(line)")
            } else {
                Issue.record("not a line of the format: \(line)")
            }
        }
        #expect(Set(described).count == described.count)
        #expect(series.count == Counter.allCases.count + 3)
        #expect(text.text.contains("vestibule_joins_total{outcome=\"waiting\"} 3\n"))
        #expect(text.text.contains("vestibule_room_waiting{room=\"b\"} 2.5\n"))
        #expect(text.text.contains("vestibule_room_waiting{room=\"c\"} -1\n"))
    }

    @Test("Promises of all workers become a histogram, a coverage and an accuracy")
    func estimates() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("scoreboard")
        let (first, second) = (
            try #require(Scoreboard(path: path, row: 0)), try #require(Scoreboard(path: path, row: 9))
        )
        var before = PrometheusText()
        before.addEstimates(first)
        #expect(before.text.contains("vestibule_eta_accuracy_gauge -1\n"))
        first.record(errorMilliseconds: 400, accuracy: 1, isCovered: true)
        second.record(errorMilliseconds: 20_000, accuracy: 0.5, isCovered: false)
        second.record(errorMilliseconds: 5_000_000, accuracy: 0, isCovered: false)
        var text = PrometheusText()
        text.addEstimates(second)
        for line in [
            "vestibule_eta_outcomes_total 3", "vestibule_eta_covered_total 1",
            "# TYPE vestibule_eta_error_seconds histogram", #"vestibule_eta_error_seconds_bucket{le="1"} 1"#,
            #"vestibule_eta_error_seconds_bucket{le="10"} 1"#, #"vestibule_eta_error_seconds_bucket{le="30"} 2"#,
            #"vestibule_eta_error_seconds_bucket{le="900"} 2"#, #"vestibule_eta_error_seconds_bucket{le="+Inf"} 3"#,
            "vestibule_eta_error_seconds_sum 5020.4", "vestibule_eta_error_seconds_count 3",
        ] {
            #expect(text.text.contains(line + "\n"), "\(line)")
        }
        let gauge = try #require(text.text.firstMatch(of: /\nvestibule_eta_accuracy_gauge ([0-9.]+)/))
        #expect(abs(try #require(Double(gauge.1)) - 0.5) < 0.001)
        // The counters' own cells are untouched.
        for counter in Counter.allCases { #expect(first.total(counter) == 0) }
    }

    @Test("Quotes, backslashes and line ends in a label are escaped")
    func escaping() {
        var text = PrometheusText()
        text.addGauge("g", help: "h", rooms: [("a\"b\\c\nd", 0)])
        #expect(text.text == "# HELP g h\n# TYPE g gauge\ng{room=\"a\\\"b\\\\c\\nd\"} 0\n")
    }

    @Test(
        "Numbers are written so that Prometheus reads them back",
        arguments: [0, 1, -1, 0.001, 1e15, 1e300, 123456.75]
    )
    func numbers(_ value: Double) {
        var text = PrometheusText()
        text.addGauge("g", help: "h", rooms: [("a", value)])
        let last = text.text.split(separator: "\n").last.flatMap { $0.split(separator: " ").last }
        #expect(last.flatMap { Double($0) } == value)
    }
}

struct JSONLogTests {
    /// What a logger writes into a file in place of standard error, line by line.
    private func lines(_ body: (Logger) -> Void) throws -> [String] {
        let directory = try TemporaryDirectory()
        let path = directory.file("log")
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard descriptor >= 0 else { throw TestFailure("cannot open \(path)") }
        body(Logger(label: "vestibule.\"test\"") { JSONLogHandler(label: $0, descriptor: descriptor) })
        close(descriptor)
        let text = directory.read("log")
        guard text.hasSuffix("\n") else { throw TestFailure("the last line has no end: \(text)") }
        return text.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
    }

    @Test("Each message is one line of JSON, whatever characters it has")
    func oneLine() throws {
        let every = String(String.UnicodeScalarView((0..<0x180).compactMap { Unicode.Scalar($0) }))
        let messages = ["plain", "two\nlines\r\n", "a \"quote\" and a \\", every, "대기실 🎟 \u{2028}", ""]
        let written = try lines { logger in
            for message in messages { logger.info("\(message)", metadata: ["k\"\n": "v\\\u{0}"]) }
        }
        #expect(written.count == messages.count)
        for (line, message) in zip(written, messages) {
            let value = try JSONValue(parsing: Array(line.utf8))
            #expect(value["message"] == .string(message))
            #expect(value["level"] == .string("info"))
            #expect(value["label"] == .string("vestibule.\"test\""))
            #expect(value["k\"\n"] == .string("v\\\u{0}"))
            #expect(value["time"]?.stringValue?.wholeMatch(of: /20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
        }
    }

    @Test("Bytes that are not UTF-8, as a hostile client sends them, do not break a line")
    func notUTF8() throws {
        // A lone continuation, a cut sequence, an overlong NUL, a surrogate, a byte that UTF-8 never uses, ESC and DEL.
        let bytes: [UInt8] = [0x80, 0xe2, 0x82, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0xff, 0x1b, 0x7f, 0x22, 0x0a]
        let text = String(decoding: bytes, as: UTF8.self)
        let written = try lines { $0.error("\(text)", metadata: ["\(text)": "\(text)"]) }
        try #require(written.count == 1)
        #expect(!written[0].utf8.contains { $0 < 0x20 })
        let value = try JSONValue(parsing: Array(written[0].utf8))
        #expect(value["message"] == .string(text) && value[text] == .string(text))
        #expect(text.unicodeScalars.contains("\u{fffd}") && text.hasSuffix("\u{1b}\u{7f}\"\n"))
    }

    @Test("Levels below the logger's are left out, and metadata of logger and message are joined")
    func levels() throws {
        let written = try lines { logger in
            var logger = logger
            logger[metadataKey: "worker"] = "1"
            logger[metadataKey: "pid"] = "2"
            logger.debug("not shown")
            logger.warning("shown", metadata: ["pid": "3", "list": ["a", "b\n"]])
            logger.logLevel = .debug
            logger.debug("now shown")
        }
        #expect(written.count == 2)
        let first = try JSONValue(parsing: Array(written[0].utf8))
        #expect(first["level"] == .string("warning"))
        #expect(first["worker"] == .string("1") && first["pid"] == .string("3"))
        #expect(try JSONValue(parsing: Array(written[1].utf8))["message"] == .string("now shown"))
    }
}
