// SPDX-License-Identifier: Apache-2.0
//
// Numbers on which the scripts in Redis, the model of the queue and the workers must agree. The Lua side is rendered
// from them (ScriptProtocol in QueueClient), so each is written here only.

/// Constants of the queue that have no other home. Durations are milliseconds.
public enum QueueConstants {
    /// Units of a token bucket per token.
    public static let microTokens = 1_000_000
    /// A refill counts at most this much time. An hour fills any bucket, and the product stays below 2^53, where Lua's
    /// numbers are exact.
    public static let refillMillisecondsMax = 3_600_000
    /// Numbers skipped behind a number that only its ticket knows.
    public static let numbersSkipped = 1000
    /// Joins with the same idempotency key get the same number for this long: five minutes, and the second by which the
    /// issue time of a ticket may be rounded.
    public static let joinKeyLifetimeMilliseconds = 301_000
    /// Numbers in a page of keys: 380 keys a bucket on average, where Redis keeps up to 512 without overhead
    /// (hash-max-listpack-entries).
    public static let keysPerPage = keyBuckets * 380
    /// Buckets of a page of keys: few, since each costs 100 bytes, also for one key. The buckets of 300,000 people fit
    /// a size of the allocator (5,120 bytes) closely.
    public static let keyBuckets = 880
    /// Pages of keys looked at. When more joins than theirs bring a key within its life, the oldest keys are forgotten.
    public static let keyPagesMax = 8
    /// Seconds that a value of a page can tell apart: more than the life of a page, and a power of two.
    public static let keySeconds = 512
    /// How long a person's key is kept after its last use.
    public static let personKeyLifetimeMilliseconds = 86_400_000
    /// Calls that one tick lets lapse at most.
    public static let lapsesPerTickMax = 256
    /// Visitors that one tick calls at most.
    public static let callsPerTickMax = 4000
    /// How old a ticket may be to be believed about a place that the store does not know, after a loss: a hoard of old
    /// tickets would come in front of everybody. The cookie of a ticket lives as long.
    public static let ticketBelievedMilliseconds = 86_400_000
    /// Life of a room's keys since the first tick of an epoch.
    public static let roomLifetimeMilliseconds = 30 * 86_400_000
    /// Where a claim window brings at least this number of tokens, a visitor who missed a call may take a token that is
    /// owed to a called visitor: it is back before the call lapses.
    public static let recallTokens = 4
    /// Passes that one tick ends at most: more than can begin between two ticks.
    public static let passesPerTickMax = 4000
    /// Numbers in a page of entries that a restore brings: a whole number of pages is a chunk.
    public static let entriesPerPage = RankIndex.chunkSize / 64
    /// Pages of brought entries that one tick moves to the others inside, at most: twice the passes that it ends.
    public static let pagesPerTickMax = 8
    /// Calls that a restore looks at, the newest: an older mirror may show their visitors as waiting.
    public static let calledPerRestoreMax = 10_000
    /// A step back of Redis' clock beyond which it counts as another server's. A clock that is slewed never goes back
    /// that far.
    public static let stepBackMilliseconds = 5000
    /// Keys in one command, far below the 7,999 words that Lua can unpack.
    public static let keysPerCommand = 1000
    /// Lapsed calls after which a visitor waits behind everybody else.
    public static let lapsesBeforeLate = 2
    /// Lapsed calls after which the place ends.
    public static let lapsesBeforeEnd = 3
    /// Chunks between a visitor's number and the place behind everybody else: more than numbers reach in a thousand
    /// years, and few enough that a place stays below 2^53, where Lua's numbers are exact.
    public static let lateChunks = 1 << 34
    /// Registrations for one draw: a worker keeps four bytes of each, and orders them within some 0.2 s.
    public static let registeredMax = 1_000_000
    /// For this long the worker that has asked for the registrations computes the draw, and no other.
    public static let drawClaimMilliseconds = 300
    /// A called visitor for whom max_active has no place tries again after this many milliseconds at least.
    public static let placeRetryMilliseconds = 1000
    /// A called visitor who finds no token of the entry bucket gets a turn at one of this number of tokens, the next
    /// that has one left.
    public static let turnTokens = 3
    /// Visitors whose turn is at the same token. One of three comes soon enough that a bucket of one token loses less
    /// than a twentieth of four tokens a second.
    public static let turnsPerToken = 3
    /// A turn is at least this many milliseconds ahead: where tokens come faster, those who were refused would ask more
    /// often than ``PollPacing/abusePerSecond`` lets them.
    public static let turnMillisecondsMin = 50
    /// Turns that a room remembers. Those at tokens that came late are beside the turns at the next.
    public static let turnsMax = 16
    /// A tick of a room in bypass calls this fraction (one part of them) of those who wait: half of a crowd within 42 s
    /// at five ticks a second.
    public static let bypassParts = 300
    /// A tick of a room in bypass calls at least this number.
    public static let bypassCallsMin = 20
}

/// Numbers of the index that says which rooms have changed or are due (index.lua). Durations are milliseconds.
public enum IndexConstants {
    /// Rooms that one answer names as changed at most, and as due; the rest follow.
    public static let newsMax = 1000
    /// An index of more members than this is made anew: two a room, and three.
    public static let membersMax = 65_536
    /// Changes are counted from the clock's microseconds, and from here on at least: above every time in milliseconds.
    public static let changesFrom = 1_000_000_000_000_000
    /// A room in which people wait or are called is due after a tick and this time.
    public static let dueSoonMilliseconds = 1000
    /// An empty room is due after a tick and this time: its history of entries has ended by then.
    public static let dueIdleMilliseconds = 902_000
    /// A due room that nobody ticks is forgotten after this time: no worker has it any more.
    public static let dueKeptMilliseconds = 60_000
    /// Rooms take their turns by a hash of their names, below this prime.
    public static let turns = 1_000_003
}
