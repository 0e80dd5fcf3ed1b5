// SPDX-License-Identifier: Apache-2.0
//
// The protocol between Swift and the scripts is written once, in Swift, and rendered for Lua. To render it again:
//     VESTIBULE_RENDER=1 swift test --filter ProtocolTests

import Admission
import Foundation
import QueueClient
import TestSupport
import Testing

@Suite struct ProtocolTests {
    static let folder = URL(filePath: "\(Repository.root)/Sources/Queue/QueueClient/Lua")

    /// Goal: no drift. Method: the committed file is what Swift renders now.
    @Test func `protocol.lua is rendered from the Swift side`() throws {
        let file = ProtocolTests.folder.appending(path: "protocol.lua")
        if ProcessInfo.processInfo.environment["VESTIBULE_RENDER"] != nil {
            try Data(ScriptProtocol.lua.utf8).write(to: file, options: .atomic)
        }
        let committed = try String(contentsOf: file, encoding: .utf8)
        #expect(
            committed == ScriptProtocol.lua,
            "protocol.lua is old: VESTIBULE_RENDER=1 swift test --filter ProtocolTests renders it, then build again"
        )
    }

    /// Goal: the scripts use names. Method: no number stands in ARGV[...], and each constant in capitals
    /// that a script uses is defined by the protocol or by a script.
    @Test func `scripts read words by name and know each name`() throws {
        let files = try FileManager.default.contentsOfDirectory(
            at: ProtocolTests.folder,
            includingPropertiesForKeys: nil
        )
        let texts = try files.filter { $0.pathExtension == "lua" }.map { try String(contentsOf: $0, encoding: .utf8) }
        #expect(texts.count == 15)
        let code = texts.joined(separator: "\n").split(separator: "\n")
            .map { $0.prefix(upTo: $0.firstRange(of: "--")?.lowerBound ?? $0.endIndex) }
            .map { $0.replacing(/'[^']*'/, with: "''") }
        var defined: Set<Substring> = ["ARGV", "KEYS"]
        for line in code {
            #expect(line.firstMatch(of: /ARGV\[\d/) == nil, "\(line)")
            guard let names = line.firstMatch(of: /^\s*local ([A-Z][A-Z0-9_, ]*)( =|$)/)?.1 else { continue }
            defined.formUnion(names.split { $0 == "," || $0 == " " }.map { Substring(String($0)) })
        }
        for line in code {
            for name in line.matches(of: /\b[A-Z][A-Z0-9_]+\b/) {
                #expect(defined.contains(Substring(String(name.0))), "\(name.0) is defined nowhere: \(line)")
            }
        }
    }

    enum Short: Int, ScriptLayout { case first, second }
    enum Longer: Int, ScriptLayout { case first, added, second }

    /// Goal: a word added in the middle is no silent shift. Method: it moves the rendered constants of all later words
    /// (so the committed file is old), and Swift refuses the shorter list and reads the longer one by name.
    @Test func `a word added in the middle moves both sides`() {
        #expect(
            ScriptProtocol.places("P", Short.self, from: 10, items: "I") == [
                "local P_FIRST = 10", "local P_SECOND = 11", "local I = 12",
            ]
        )
        #expect(
            ScriptProtocol.places("P", Longer.self, from: 10, items: "I") == [
                "local P_FIRST = 10", "local P_ADDED = 11", "local P_SECOND = 12", "local I = 13",
            ]
        )
        #expect(ScriptWords<Longer>(RedisReply.array([.integer(1), .integer(2)])) == nil)
        let words = ScriptWords<Longer>(RedisReply.array([.integer(1), .integer(7), .integer(2)]))
        #expect(words?[.first] == 1 && words?[.added] == 7 && words?[.second] == 2)
    }

    /// Goal: the places of all layouts begin at 0 without a gap, which ScriptWords relies on.
    @Test func `layouts are counted from zero`() {
        func check<Field: ScriptLayout>(_ layout: Field.Type) {
            #expect(layout.allCases.map(\.rawValue) == Array(0..<layout.allCases.count), "\(layout)")
        }
        check(JoinArgument.self)
        check(JoinItem.self)
        check(JoinReplyField.self)
        check(JoinResult.self)
        check(VisitItem.self)
        check(VisitReplyField.self)
        check(VisitResult.self)
        check(TickArgument.self)
        check(TickPart.self)
        check(TickField.self)
        check(RestoreArgument.self)
        check(RestoreReplyField.self)
        check(RestoreChunk.self)
        check(RestorePage.self)
        check(TickText.self)
        check(DrawArgument.self)
        check(NewsArgument.self)
        check(NewsReplyField.self)
    }

    /// The last part of a tick.
    private static let texts = RedisReply.array(TickText.allCases.map { _ in .bytes([]) })

    /// Goal: each number of a tick lands in its own place. Method: a reply with as many different values as fields is
    /// decoded; two fields with one place, or a wrong place, would show. A reply that lacks a value is refused.
    @Test func `a tick is read by name`() throws {
        func reply(_ state: [Int]) -> RedisReply {
            let limits = RoomPolicy.standard.scriptArguments
            let lists = [state, limits, [], [], []]
            return .array(lists.map { .array($0.map { .integer($0) }) } + [Self.texts])
        }
        let values = TickField.allCases.map { $0 == .drawState ? DrawState.opened.rawValue : 100 + $0.rawValue }
        let tick = try #require(ReplyDecoder.tick(reply(values)))
        #expect(TickField.allCases.map { tick[keyPath: $0.place] } == values)
        #expect(tick.nowMilliseconds == 100 && tick.counters.joined == 109 && tick.incarnation == 115)
        #expect(ReplyDecoder.tick(reply(values.dropLast())) == nil)
    }

    /// Goal: nothing that stands in Redis ends the program. Method: each value of each reply is replaced in turn.
    @Test func `replies with numbers that no script makes are refused`() {
        func list(_ values: [Int]) -> RedisReply { .array(values.map { .integer($0) }) }
        let state = TickField.allCases.map { $0 == .drawState ? DrawState.opened.rawValue : 100 + $0.rawValue }
        func tick(_ state: [Int], chunk: Int) -> TickReply? {
            let chunks = RedisReply.array([.integer(chunk), .integer(0)])
            return ReplyDecoder.tick(
                .array([list(state), list(RoomPolicy.standard.scriptArguments), list([]), chunks, list([]), Self.texts])
            )
        }
        #expect(tick(state, chunk: 1) != nil)
        for chunk in [-1, Int.min, Int.max, 1 << 40] { #expect(tick(state, chunk: chunk) == nil, "\(chunk)") }
        for wrong in [-1, Int.min, Int.max, 1 << 60] {
            for field in TickField.allCases where wrong != -1 || field != .callTokens && field != .revision {
                var changed = state
                changed[field.rawValue] = wrong
                #expect(tick(changed, chunk: 1) == nil, "\(field) \(wrong)")
            }
            let join = [1000, 1, 5, JoinCode.waiting.rawValue, wrong, 1]
            #expect(ReplyDecoder.join(list(join), count: 1) == nil)
            let visit = [1000, 5, StandingCode.waiting.rawValue, wrong]
            #expect(ReplyDecoder.visits(list(visit), count: 1) == nil)
        }
        #expect(ReplyDecoder.join(list([1000, 1, 5, JoinCode.waiting.rawValue, 7, 1]), count: 1) != nil)
        #expect(ReplyDecoder.visits(list([1000, 5, StandingCode.waiting.rawValue, 7]), count: 1) != nil)
    }

    /// Goal: a join arrives as it was sent. Method: every kind of join and of key to words and back.
    @Test func `joins come back from the words of a script`() {
        for kind in [JoinRequest.Kind.join, .gate] {
            for key in [nil, JoinRequest.Key.retry("a"), .person("a")] {
                let sent = JoinRequest(kind: kind, key: key)
                let read = JoinRequest(scriptKind: sent.scriptKind, scriptKey: sent.scriptKey)
                #expect(read.kind == kind && read.key == key)
            }
        }
        #expect(JoinKind.allCases.allSatisfy { JoinRequest(scriptKind: $0, scriptKey: "a").scriptKind == $0 })
    }

    /// Goal: limits travel by name. Method: nine different values through the argument list and back.
    @Test func `limits come back from the arguments of a script`() {
        var values = Array(101...(100 + PolicyField.allCases.count))
        let mode = PolicyField.allCases.firstIndex(of: .mode)
        if let mode { values[mode] = RoomMode.bypass.rawValue }
        if let draw = PolicyField.allCases.firstIndex(of: .draw) { values[draw] = DrawKind.beacon.rawValue }
        #expect(RoomPolicy(scriptArguments: values)?.scriptArguments == values)
        if let mode { values[mode] = 5 }
        #expect(RoomPolicy(scriptArguments: values) == nil)
        #expect(RoomPolicy(scriptArguments: Array(values.dropLast())) == nil)
    }
}
