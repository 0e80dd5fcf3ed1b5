// SPDX-License-Identifier: Apache-2.0
//
// What Swift and the scripts in Redis must agree on besides the order of words (ScriptLayout): codes, words, errors and
// constants. Lua/protocol.lua is rendered from it and committed, since the scripts are embedded at build time.
// `ProtocolTests` fails when the file is old, and says how to render it again.

public import Admission

/// Where a visitor stands, as visit.lua says it. `time` is the deadline of the call, the expiry of the pass, or the
/// wait before the next try, in milliseconds; of a visitor who waits, the place in the line.
public enum StandingCode: Int, CaseIterable, Sendable {
    case waiting = 1
    case called = 2
    case entered = 3
    case left = 4
    case expired = 5
    case retry = 6
    case fenced = 7
    /// Entered, and the entry can be lengthened.
    case renewable = 8
    case moved = 9
}

/// What became of a join, as join.lua says it. `time` is the position, the expiry of the pass, or the issue time of the
/// known ticket.
public enum JoinCode: Int, CaseIterable, Sendable {
    case waiting = 1
    case admitted = 2
    case known = 3
    case closed = 4
    case full = 5
    case noRoom = 6
    case bypassed = 7
    case passed = 8
}

/// Kind of a join and of its key together.
public enum JoinKind: String, CaseIterable, Sendable {
    case join
    case gate
    case person
    case personGate = "person_gate"
    case passage
}

extension JoinRequest {
    /// Kind and key together, as the scripts name them.
    public var scriptKind: JoinKind {
        let isPerson = if case .person = key { true } else { false }
        return switch kind {
        case .join: isPerson ? .person : .join
        case .gate: isPerson ? .personGate : .gate
        case .passage: .passage
        }
    }

    /// The key as the scripts take it; empty without one.
    public var scriptKey: String { key?.text ?? "" }

    /// The request that travels as this kind and key.
    public init(scriptKind: JoinKind, scriptKey: String) {
        let (kind, isPerson): (Kind, Bool) =
            switch scriptKind {
            case .join: (.join, false)
            case .gate: (.gate, false)
            case .person: (.join, true)
            case .personGate: (.gate, true)
            case .passage: (.passage, false)
            }
        self.init(kind: kind, key: scriptKey.isEmpty ? nil : isPerson ? .person(scriptKey) : .retry(scriptKey))
    }
}

/// The errors with which the scripts ask for a restore. The first word of Redis' error reply.
public enum ScriptError: String, CaseIterable, Sendable {
    /// The room is not in this Redis: new, restarted empty, or flushed.
    case noState = "NOSTATE"
    /// This Redis knows less of the room than the worker.
    case rollback = "ROLLBACK"
}

/// Renders the Lua side.
public enum ScriptProtocol {
    /// In place of a value: the limit of the configuration file is in force again.
    public static let defaultWord = "default"
    /// In place of a limit's name: the message to visitors.
    public static let noticeWord = "notice"

    /// Name in Lua, value, and what a reader of the scripts has to know.
    static let constants: [(name: String, value: Int, reason: String)] = [
        ("MICRO", QueueConstants.microTokens, "a token of a bucket"),
        ("CHUNK", RankIndex.chunkSize, "numbers per bitmap: 8,176 bytes and Redis' overhead fill exactly 8 KiB"),
        ("EPOCHS_KEPT", RoomPolicy.epochsKept, "abandon_after is cut into this many epochs"),
        ("BEHIND", RoomMemory.gap, "more numbers than can be issued between two ticks of a worker"),
        ("HOLD_MS", RoomMemory.holdMilliseconds, "see constants.lua"),
        ("REPORT_MS", RoomMemory.reportMilliseconds, "see constants.lua"),
        ("HOLD_MAX_MS", RoomMemory.holdMillisecondsMax, "see constants.lua"),
        ("EPOCH_2026", RoomMemory.epoch2026Seconds, "2026-01-01T00:00:00Z"),
        ("PER_SECOND", RoomMemory.numbersPerSecond, "see first_number in constants.lua"),
        ("NUMBERS_PERIOD", RoomMemory.numbersPeriod, "of a clock that was set back; see first_number"),
        ("GAP", QueueConstants.numbersSkipped, "numbers skipped behind a number that only its ticket knows"),
        ("REFILL_MS_MAX", QueueConstants.refillMillisecondsMax, "fills any bucket; keeps the product below 2^53"),
        ("JOIN_KEY_MS", QueueConstants.joinKeyLifetimeMilliseconds, "life of an idempotency key"),
        ("KEYS_PER_PAGE", QueueConstants.keysPerPage, "numbers in a page of keys"),
        ("KEY_BUCKETS", QueueConstants.keyBuckets, "hashes in a page of keys"),
        ("KEY_PAGES_MAX", QueueConstants.keyPagesMax, "pages of keys that are looked at"),
        ("KEY_SECONDS", QueueConstants.keySeconds, "seconds that a value of a page tells apart"),
        ("PERSON_MS", QueueConstants.personKeyLifetimeMilliseconds, "life of a person's key since its last use"),
        ("LAPSES_MAX", QueueConstants.lapsesPerTickMax, "calls that one tick lets lapse at most"),
        ("CALLS_MAX", QueueConstants.callsPerTickMax, "visitors that one tick calls at most"),
        ("PATIENCE_MAX", RoomPolicy.patienceMax, "abandon_after is at most this many times longer"),
        ("PATIENCE_MS_MAX", RoomPolicy.patienceMillisecondsMax, "and at most this"),
        ("PATIENCE_MS", RoomPolicy.patienceMillisecondsPerPoll, "for each who waits, by the polls of a second"),
        ("TICKET_MS", QueueConstants.ticketBelievedMilliseconds, "an older ticket is not believed after a loss"),
        ("DRAW_MAX", QueueConstants.registeredMax, "registrations for a draw"),
        ("DRAW_CLAIM_MS", QueueConstants.drawClaimMilliseconds, "for which one worker computes the draw"),
        ("ROOM_MS", QueueConstants.roomLifetimeMilliseconds, "life of the keys of a room that nobody runs"),
        ("RECALL_TOKENS", QueueConstants.recallTokens, "tokens in a claim window below which they are scarce"),
        ("PASSES_MAX", QueueConstants.passesPerTickMax, "passes that one tick ends at most"),
        ("PAGE", QueueConstants.entriesPerPage, "numbers in a page of brought entries: 64 pages are a chunk"),
        ("BROUGHT_MAX", QueueConstants.pagesPerTickMax, "pages of brought entries that one tick moves at most"),
        ("CALLED_MAX", QueueConstants.calledPerRestoreMax, "calls that a restore looks at, the newest"),
        ("STEP_BACK_MS", QueueConstants.stepBackMilliseconds, "a clock that goes back further is another server's"),
        ("KEYS_PER_COMMAND", QueueConstants.keysPerCommand, "Lua can unpack 7,999 words"),
        ("LATE_CHUNK", QueueConstants.lateChunks, "chunks between a number and its place behind everybody else"),
        ("LATE", RankIndex.lateOffset, "LATE_CHUNK chunks of numbers"),
        ("GRACE_PER_ABANDON", RoomPolicy.gracePerAbandon, "return_grace is at most this many times abandon_after"),
        ("PLACE_RETRY_MS", QueueConstants.placeRetryMilliseconds, "a called visitor finds no place of max_active"),
        ("TURN_TOKENS", QueueConstants.turnTokens, "tokens to come at which refused visitors have turns"),
        ("TURNS_PER_TOKEN", QueueConstants.turnsPerToken, "visitors whose turn is at the same token"),
        ("TURN_MS_MIN", QueueConstants.turnMillisecondsMin, "a turn is at least this far ahead"),
        ("TURNS_MAX", QueueConstants.turnsMax, "turns that a room remembers"),
        ("BYPASS_PARTS", QueueConstants.bypassParts, "a tick in bypass calls this fraction of those who wait"),
        ("BYPASS_CALLS_MIN", QueueConstants.bypassCallsMin, "a tick in bypass calls at least this number"),
    ]

    /// Numbers of the index of rooms, by their names in Lua; see ``IndexConstants``.
    private static let index: [(name: String, value: Int)] = [
        ("news_max", IndexConstants.newsMax), ("members_max", IndexConstants.membersMax),
        ("changes_from", IndexConstants.changesFrom), ("due_soon_ms", IndexConstants.dueSoonMilliseconds),
        ("due_idle_ms", IndexConstants.dueIdleMilliseconds), ("due_kept_ms", IndexConstants.dueKeptMilliseconds),
        ("turns", IndexConstants.turns),
    ]

    /// The words for "which memory of the room is this": a restart, a failover and a reset are different things.
    private static let memoryWords = """
        --
        -- Fields of the state that say which memory of the room this is:
        --   generation    counts resets by an operator: a ticket of a lower generation has ended
        --   server        run id of the Redis process that wrote the state last; another one may lack the last writes
        --   incarnation   changes when the state was made anew or moved to another Redis process: a worker that knows
        --                 another incarnation brings what it remembers (restore.lua)
        --   version       grows with each change of a waiting bitmap: a tick sends the chunks that changed since
        --   remembered    1 when some worker knew the room when it was restored, or the state itself survived
        --   restored_ms   when the room was restored or moved; for a grace after it tickets are believed, from
        --   doubt_from    this number on: lower numbers are completely recorded
        --   hold_epoch    nobody is swept for silence before this epoch, because heartbeats are missing
        -- refilled_ms may be in the future: the buckets are then held until that time (HOLD_MS).

        """.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)

    /// The text of Lua/protocol.lua.
    public static var lua: String {
        let policy = PolicyField.allCases
        let revision = policy.count + 1
        let behindPolicy = revision + 1
        var lines = [
            "-- protocol.lua: names and numbers on which the scripts and Swift agree. Put in front of every script.",
            "-- ARGV: the constants *_ARG_* and *_ITEMS are places in ARGV, *_ITEM_* and *_RESULT_* are offsets.",
            "-- Returns nothing by itself.",
            "-- Do not edit: rendered from ScriptProtocol.swift and ScriptLayout.swift; see ProtocolTests.swift.",
        ]
        lines += memoryWords
        lines += constants.map { "local \($0.name) = \($0.value)  -- \($0.reason)" }
        lines.append("local POLICY = {" + policy.map { "'\($0.rawValue)'" }.joined(separator: ", ") + "}")
        lines += RoomMode.allCases.map { "local \($0.name.uppercased()) = \($0.rawValue)" }
        lines += DrawKind.allCases.map { "local DRAW_\($0.name.uppercased()) = \($0.rawValue)" }
        lines += DrawState.allCases.map { "local DRAW_\("\($0)".uppercased()) = \($0.rawValue)" }
        lines += StandingCode.allCases.map { "local \(constant("\($0)")) = \($0.rawValue)" }
        lines += JoinCode.allCases.map { "local JOIN_\(constant("\($0)")) = \($0.rawValue)" }
        lines += JoinKind.allCases.map { "local KIND_\(constant("\($0)")) = '\($0.rawValue)'" }
        lines += VisitAction.allCases.map { "local VISIT_\(constant("\($0)")) = '\($0.rawValue)'" }
        lines += ScriptError.allCases.map { "local \($0.rawValue) = '\($0.rawValue)'" }
        lines.append("local DEFAULT = '\(defaultWord)'")
        lines.append("local REVISION_ARG = \(revision)")
        lines.append("local CONFIGURE_ITEMS = \(behindPolicy)")
        lines += places("JOIN_ARG", JoinArgument.self, from: behindPolicy, items: "JOIN_ITEMS")
        lines += places("JOIN_ITEM", JoinItem.self, from: 0, items: "JOIN_ITEM_SIZE")
        lines += places("JOIN_REPLY", JoinReplyField.self, from: 1)
        lines += places("JOIN_RESULT", JoinResult.self, from: 1)
        lines.append("local VISIT_ITEMS = \(behindPolicy)")
        lines += places("VISIT_ITEM", VisitItem.self, from: 0, items: "VISIT_ITEM_SIZE")
        lines += places("VISIT_REPLY", VisitReplyField.self, from: 1)
        lines += places("VISIT_RESULT", VisitResult.self, from: 1)
        lines += places("TICK_ARG", TickArgument.self, from: behindPolicy, items: "TICK_ITEMS")
        lines += places("TICK_PART", TickPart.self, from: 1)
        lines += places("DRAW_ARG", DrawArgument.self, from: behindPolicy, items: "DRAW_ITEMS")
        // A function, because only tick.lua needs the list.
        lines.append("local function tick_fields()")
        lines.append("  return {" + TickField.allCases.map { "'\(name("\($0)"))'" }.joined(separator: ", ") + "}")
        lines.append("end")
        lines += places("RESTORE_ARG", RestoreArgument.self, from: 1, items: "RESTORE_ITEMS")
        lines += places("RESTORE_CHUNK", RestoreChunk.self, from: 0, items: "RESTORE_CHUNK_SIZE")
        lines += places("RESTORE_PAGE", RestorePage.self, from: 0, items: "RESTORE_PAGE_SIZE")
        lines += places("RESTORE_REPLY", RestoreReplyField.self, from: 1)
        // Tables, because a script has at most 200 local names.
        lines += [table("NEWS_ARG", NewsArgument.self), table("NEWS_REPLY", NewsReplyField.self)]
        lines.append("local INDEX = {" + index.map { "\($0.name) = \($0.value)" }.joined(separator: ", ") + "}")
        return lines.map(wrapped).joined(separator: "\n") + "\n"
    }

    /// One constant for each word of a layout; `items` names the place behind the last.
    package static func places<Field: ScriptLayout>(
        _ prefix: String,
        _ layout: Field.Type,
        from first: Int,
        items: String? = nil
    ) -> [String] {
        layout.allCases.map { "local \(prefix)_\(constant("\($0)")) = \(first + $0.rawValue)" }
            + (items.map { ["local \($0) = \(first + layout.allCases.count)"] } ?? [])
    }

    /// A table with the place of each word of a layout, counted from 1.
    private static func table<Field: ScriptLayout>(_ name: String, _ layout: Field.Type) -> String {
        let words = layout.allCases.map { "\(ScriptProtocol.name("\($0)")) = \($0.rawValue + 1)" }
        return "local \(name) = {" + words.joined(separator: ", ") + "}"
    }

    /// `openedMs` is `opened_ms` in Redis and in Lua.
    private static func name(_ word: String) -> String {
        word.map { $0.isUppercase ? "_" + $0.lowercased() : String($0) }.joined()
    }

    private static func constant(_ word: String) -> String { name(word).uppercased() }

    /// Breaks a list after a comma, so that lines stay readable.
    private static func wrapped(_ line: String) -> String {
        guard line.count > 120, let comma = line.prefix(116).lastIndex(of: ",") else { return line }
        return line[...comma] + "\n    " + wrapped(String(line[line.index(after: comma)...].drop { $0 == " " }))
    }
}
