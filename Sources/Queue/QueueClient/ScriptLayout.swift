// SPDX-License-Identifier: Apache-2.0
//
// The order of the words between this program and the scripts in Redis, by name. A layout is a list of words: the raw
// value of a case is its place. Swift writes and reads words with the cases below; the scripts do it with the constants
// that ScriptProtocol renders from the same cases. So a word that is added in the middle moves on both sides at once,
// and `ProtocolTests` fails until the Lua constants are rendered again.

/// A list of words in a fixed order. The cases must be counted from 0, which Swift does for an enum without values.
public protocol ScriptLayout: CaseIterable, Equatable, RawRepresentable, Sendable
where RawValue == Int, AllCases: Sendable {}

/// The first arguments of join.lua, behind the policy: what the worker knows of the room; 0 is nothing.
public enum JoinArgument: Int, ScriptLayout { case knownGeneration, knownNext, knownIncarnation }
/// The arguments of one join.
public enum JoinItem: Int, ScriptLayout { case kind, key }
/// The first words of join.lua's reply.
public enum JoinReplyField: Int, ScriptLayout { case now, generation, waiting }
/// The words about one join in the reply; see ``JoinCode``.
public enum JoinResult: Int, ScriptLayout { case code, number, time }

/// The arguments of one visitor's request in visit.lua: the action, then what the ticket says.
public enum VisitItem: Int, ScriptLayout { case action, generation, number, issuedMs }
/// The first words of visit.lua's reply.
public enum VisitReplyField: Int, ScriptLayout { case now, waiting }
/// The words about one visitor in the reply; see ``StandingCode``.
public enum VisitResult: Int, ScriptLayout { case code, time }

/// The first arguments of tick.lua, behind the policy; pairs of chunk and heartbeat bitmap follow.
public enum TickArgument: Int, ScriptLayout {
    case knownGeneration, knownVersion, knownNext, knownEntered
    /// The first second of the entry history that the worker lacks.
    case flowSecond
    case tickMs
    case knownIncarnation
    /// The epoch in which the heartbeats were collected.
    case heartbeatEpoch
}
/// The lists of which tick.lua's reply consists.
public enum TickPart: Int, ScriptLayout { case state, policy, flow, chunks, overrides, texts }
/// The texts of ``TickPart/texts``; empty where there is none.
public enum TickText: Int, ScriptLayout { case notice, commitment, seed, source, beacon, opened }
/// The numbers of ``TickPart/state``. Except for `now`, `callTokens`, `revision` and `lapsesLeft` they are fields of
/// the room's hash in Redis.
public enum TickField: Int, ScriptLayout {
    case now, generation, version, next, head, waiting, called, active, openedMs
    case joined, entered, left, abandoned, lapsed, returned, incarnation
    /// Tokens for calls that the tick has left, see ``TickReply/callTokens``.
    case callTokens
    /// Of the file whose limits are in force, see ``RoomMemoryKeeper/revision``.
    case revision
    /// `abandon_after` as it was asked for, see ``TickReply/askedAbandonMilliseconds``.
    case askedAbandonMs
    /// See ``DrawState``.
    case drawState, drawFirst, drawBehind
    /// Of this tick, see ``TickReply/lapsesLeft``.
    case lapsesLeft
}

/// The first arguments of restore.lua, which takes no policy. Overrides follow in pairs, then chunks of entries, then
/// bitmaps in pairs.
public enum RestoreArgument: Int, ScriptLayout {
    case generation, knownNext, openedMs, firstTokens, epochMs, claimMs, passMs, knownVersion, incarnation
    /// Words of the overrides: two for each.
    case overrideWords
    case entryChunks
}
/// What comes before the pages of a chunk's entries, see ``EntryChunk``.
public enum RestoreChunk: Int, ScriptLayout { case chunk, isRenewed, firstByte, bits, pages }
/// A page of entries.
public enum RestorePage: Int, ScriptLayout { case page, firstEnd, lastEnd, records }
/// restore.lua's reply.
public enum RestoreReplyField: Int, ScriptLayout { case generation, next, incarnation }

/// The first arguments of draw.lua, behind the policy. What they are depends on the action.
public enum DrawArgument: Int, ScriptLayout { case action, a, b, c }

/// The arguments of news.lua.
public enum NewsArgument: Int, ScriptLayout { case since }
/// The first words of news.lua's reply; names of rooms follow.
public enum NewsReplyField: Int, ScriptLayout { case now, mark, isNew, isCut }

/// Integers of a reply that are read by the name of their field.
package struct ScriptWords<Field: ScriptLayout> {
    private let words: ArraySlice<Int?>

    /// Numbers of the scripts are exact up to 2^53. Beyond it a value is not one of theirs, and sums might overflow.
    private static var exact: ClosedRange<Int> { -(1 << 53)...1 << 53 }

    /// Nil unless there is an integer for each field.
    init?(_ words: ArraySlice<Int?>) {
        let areExact = words.allSatisfy { $0.map(Self.exact.contains) ?? false }
        guard words.count == Field.allCases.count, areExact else { return nil }
        self.words = words
    }

    package init?(_ reply: RedisReply) {
        guard let words = reply.arrayValue?.map(\.integerValue) else { return nil }
        self.init(words[...])
    }

    package subscript(_ field: Field) -> Int { words[words.startIndex + field.rawValue] ?? 0 }

    /// A reply that consists of one list of `Field` and a list of `Item` for each of `count` items.
    static func split<Item: ScriptLayout>(
        _ reply: RedisReply,
        _ item: Item.Type,
        count: Int
    ) -> (head: ScriptWords<Field>, items: [ScriptWords<Item>])? {
        let (first, size) = (Field.allCases.count, Item.allCases.count)
        guard let words = reply.arrayValue?.map(\.integerValue), words.count == first + size * count,
            let head = ScriptWords<Field>(words[..<first])
        else { return nil }
        let items = (0..<count).compactMap { ScriptWords<Item>(words[(first + size * $0)...].prefix(size)) }
        return items.count == count ? (head, items) : nil
    }
}

extension RedisArgument {
    /// The words of a layout in its order.
    static func words<Field: ScriptLayout>(_ layout: Field.Type, _ value: (Field) -> Int) -> [RedisArgument] {
        layout.allCases.map { RedisArgument(value($0)) }
    }
}
