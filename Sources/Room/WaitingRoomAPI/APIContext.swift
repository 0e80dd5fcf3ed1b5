// SPDX-License-Identifier: Apache-2.0
//
// What the handlers of one worker share: the store, the keys, the rooms, the clock and the two meters. A handler is a
// struct around this class, made for each request, so everything that outlives a request is here.

internal import Admission
internal import Passes
public import Telemetry

/// What the API needs from its surroundings. Time and chance come in here.
public struct APIEnvironment {
    /// Monotonic milliseconds.
    public var nowMilliseconds: () -> Int
    /// Unix time in milliseconds by this host's clock, which is nginx's: passes are verified by it.
    public var wallMilliseconds: () -> Int
    /// A number in 0..<1.
    public var random: () -> Double
    public var scoreboard: Scoreboard?
    public var log: (String) -> Void
    /// A mirror older than this counts as degraded, in milliseconds.
    public var staleMilliseconds: Int
    /// Quiet rooms that are looked at with each tick though no news name them, in turn. 0 only where nothing but the
    /// worker's kind changes rooms.
    public var looksInTurn = 1
    /// 64 bits that nobody can guess; nil where no draw of places may begin.
    public var secret: (() -> UInt64)?
    /// Makes a room of a template, or finds it; calls back when it is one of the rooms, or why it is not.
    public var makeRoom: (String, RoomTemplate, @escaping (RoomMaking) -> Void) -> Void = { $2(.unavailable) }
    /// Called after each tick that went well, before anything is answered from it.
    public var ticked: (Room) -> Void = { _ in }

    public init(
        nowMilliseconds: @escaping () -> Int,
        wallMilliseconds: @escaping () -> Int,
        random: @escaping () -> Double,
        scoreboard: Scoreboard? = nil,
        staleMilliseconds: Int = 1000,
        log: @escaping (String) -> Void = { _ in }
    ) {
        self.nowMilliseconds = nowMilliseconds
        self.wallMilliseconds = wallMilliseconds
        self.random = random
        self.scoreboard = scoreboard
        self.staleMilliseconds = staleMilliseconds
        self.log = log
    }

    /// Unix time in whole seconds.
    var wallSeconds: Int { wallMilliseconds() / 1000 }
}

/// Keeps a fault that meets every request from filling the log: a line a second for each reason.
struct LogPacer {
    private static let reasonsMax = 16
    private static let lengthMax = 300
    private var second = 0
    private var reasons: Set<Substring> = []
    private var skipped = 0

    /// The line to write; nil when one of this reason was written in this second.
    mutating func line(_ text: String, nowMilliseconds: Int) -> String? {
        if nowMilliseconds / 1000 != second { (second, reasons) = (nowMilliseconds / 1000, []) }
        guard reasons.count < LogPacer.reasonsMax, reasons.insert(text.prefix(60)).inserted else {
            skipped += 1
            return nil
        }
        defer { skipped = 0 }
        let short = String(text.prefix(LogPacer.lengthMax))
        return skipped == 0 ? short : "\(short) (\(skipped) lines left out before this one)"
    }
}

/// The state that the handlers of a worker share.
final class APIContext {
    var environment: APIEnvironment
    let store: any QueueStore
    /// The keys in force; replaced when the operator rotates them.
    var keys: KeyRing
    /// Refuses polls that come too early.
    var pollMeter = PollMeter()
    /// Counts joins by source network.
    var sourceMeter = SourceMeter()
    /// Where the API is: a path without a slash at its end.
    var prefix = APISettings.standardPrefix
    /// How often one address may come to the gate.
    var gateLimit = APISettings.standardGateLimit
    /// Rooms that are made at their first join; those with the longest beginnings first.
    var templates: [RoomTemplate] = []
    /// Whether it was logged that nginx and this worker disagree about a pass.
    var hasToldDispute = false
    /// Whether the store has ever answered this worker.
    var wasReady = false
    private var pacer = LogPacer()
    private var pageTemplates: [Language: PageTemplate] = [:]
    /// Of rooms that have a folder for their page, by room or template, with what they were made from.
    private var brandedTemplates: [String: BrandedTemplates] = [:]

    private struct BrandedTemplates {
        let brand: PageBrand
        /// Read once for all languages; nil where the room has the standard page.
        let own: OwnPage?
        var templates: [Language: PageTemplate] = [:]

        init(_ brand: PageBrand) {
            self.brand = brand
            // The file was checked when it was read.
            own = brand.page.isEmpty ? nil : try? OwnPage(brand.page)
        }
    }

    private var roomsByID: [String: Room]
    /// The rooms, by name.
    private(set) var rooms: [Room]

    init(store: any QueueStore, rooms: [Room], keys: KeyRing, environment: APIEnvironment) {
        self.store = store
        self.keys = keys
        self.environment = environment
        roomsByID = Dictionary(rooms.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.rooms = roomsByID.values.sorted { $0.id < $1.id }
    }

    func room(_ id: String) -> Room? { roomsByID[id] }

    func replaceRooms(_ rooms: [Room]) {
        roomsByID = Dictionary(uniqueKeysWithValues: rooms.map { ($0.id, $0) })
        self.rooms = rooms.sorted { $0.id < $1.id }
    }

    /// The page in a language, made when it is first asked for: most workers meet few of the languages.
    func pageTemplate(_ language: Language, _ room: Room) -> PageTemplate {
        guard let brand = room.web.brand else { return pageTemplate(language) }
        let name = room.settings.template ?? room.id
        if let known = brandedTemplates[name], known.brand == brand {
            if let template = known.templates[language] { return template }
        } else {
            brandedTemplates[name] = BrandedTemplates(brand)
        }
        let template = WaitingPage.template(language, brand, brandedTemplates[name]?.own)
        brandedTemplates[name]?.templates[language] = template
        return template
    }

    private func pageTemplate(_ language: Language) -> PageTemplate {
        if let template = pageTemplates[language] { return template }
        let template = WaitingPage.template(language)
        pageTemplates[language] = template
        return template
    }

    /// Logs what may be the same for many requests.
    func logPaced(_ text: String) {
        if let line = pacer.line(text, nowMilliseconds: now) { environment.log(line) }
    }

    func count(_ counter: Counter) { environment.scoreboard?.count(counter) }

    var now: Int { environment.nowMilliseconds() }

    /// Whether everybody passes now because the store is away.
    func isOpen(_ room: Room) -> Bool { room.outage != .closed && door(room) == .open }

    func door(_ room: Room) -> Door {
        room.door(nowMilliseconds: now, limitMilliseconds: environment.staleMilliseconds)
    }

    /// Whether nginx would call a pass expired when it sees it first: passes end in Redis' time, and Redis' clock is
    /// behind this host's by more than they live. Such a pass would only cost the visitor the place.
    func arePassesExpired(_ room: Room) -> Bool {
        let leeway = Int(Pass.leewaySeconds) * 1000
        return room.isKnown && room.clockSkewMilliseconds + room.policy.passLifetimeMilliseconds + leeway <= 0
    }

    /// The largest difference between Redis' clock and this host's, in milliseconds; below 0 where Redis' is behind.
    var clockSkewMilliseconds: Int {
        rooms.filter(\.isKnown).map(\.clockSkewMilliseconds).max { abs($0) < abs($1) } ?? 0
    }

    /// Whether the mirror of a room is so old that answers from it are marked as degraded.
    func isStale(_ room: Room) -> Bool {
        room.isStale(nowMilliseconds: now, limitMilliseconds: environment.staleMilliseconds)
    }
}
