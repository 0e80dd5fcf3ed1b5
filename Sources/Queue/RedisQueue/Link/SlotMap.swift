// SPDX-License-Identifier: Apache-2.0
//
// Redis Cluster's arithmetic and words: which slot a room is in, which master owns it, and what a redirection says. No
// connections here.

internal import QueueClient

/// The 16,384 slots and the master of each, as far as they are known.
struct SlotMap {
    static let slotCount = 16_384
    /// Masters of a Cluster at most, as its specification recommends; a longer map is refused.
    static let mastersMax = 1000

    /// Index into `masters`; -1: not known.
    private var owners = [Int16](repeating: -1, count: slotCount)
    private(set) var masters: [RedisHostPort] = []

    /// The slot of a room: all its keys have the hash tag {room}.
    static func slot(of room: String) -> Int { Int(crc16(room.utf8) % UInt16(slotCount)) }

    /// CRC-16/XMODEM, as the Cluster specification has it: polynomial 0x1021, start 0.
    static func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var crc: UInt16 = 0
        for byte in bytes {
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
        }
        return crc
    }

    subscript(slot: Int) -> RedisHostPort? {
        let owner = owners[slot]
        return owner >= 0 ? masters[Int(owner)] : nil
    }

    /// Gives slots to a master; false when there are as many masters as a map holds.
    @discardableResult
    mutating func assign(_ slots: ClosedRange<Int>, to master: RedisHostPort) -> Bool {
        let known = masters.firstIndex(of: master)
        if known == nil {
            guard masters.count < SlotMap.mastersMax else { return false }
            masters.append(master)
        }
        let owner = Int16(known ?? masters.count - 1)
        for slot in slots { owners[slot] = owner }
        return true
    }

    init() {}

    /// A reply to CLUSTER SLOTS: {first, last, {host, port, ...}, replicas...} for each range. Nil: out of shape.
    /// - Parameter asked: the host of the node that was asked; a node may leave out its own.
    init?(_ reply: RedisReply, asked: String) {
        guard let ranges = reply.arrayValue, (1...SlotMap.slotCount).contains(ranges.count) else { return nil }
        var slots = 0
        for range in ranges {
            guard let parts = range.arrayValue, parts.count >= 3, let first = parts[0].integerValue,
                let last = parts[1].integerValue, 0 <= first, first <= last, last < SlotMap.slotCount,
                let node = parts[2].arrayValue, node.count >= 2, let port = node[1].integerValue
            else { return nil }
            let named = node[0].bytesValue.map { String(decoding: $0, as: UTF8.self) } ?? ""
            guard let address = RedisHostPort(numeric: named.isEmpty ? asked : named, port: port) else { return nil }
            slots += last - first + 1
            guard slots <= SlotMap.slotCount, assign(first...last, to: address) else { return nil }
        }
    }
}

/// What a node says instead of running a command.
enum Redirection: Equatable {
    /// The slot belongs to another node, for good.
    case moved(slot: Int, to: RedisHostPort)
    /// The slot is on its way to another node: this command is for there, with ASKING, and the next one is not.
    case ask(to: RedisHostPort)

    /// Reads "MOVED slot host:port" or "ASK slot host:port"; nil for every other error.
    init?(_ text: String, from node: RedisHostPort) {
        let words = text.split(separator: " ")
        guard words.count >= 3, words[0] == "MOVED" || words[0] == "ASK", let slot = Int(words[1]),
            (0..<SlotMap.slotCount).contains(slot), let colon = words[2].lastIndex(of: ":"),
            let port = Int(words[2][words[2].index(after: colon)...])
        else { return nil }
        let host = String(words[2][..<colon])
        guard let address = RedisHostPort(numeric: host.isEmpty ? node.host : host, port: port) else { return nil }
        self = words[0] == "MOVED" ? .moved(slot: slot, to: address) : .ask(to: address)
    }
}
