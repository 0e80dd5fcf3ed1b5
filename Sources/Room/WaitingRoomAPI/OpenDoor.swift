// SPDX-License-Identifier: Apache-2.0
//
// Rooms that stay open while the store is away (when_redis_is_away: open): passes that the worker gives by itself, for
// a bounded time and of a short life. They consume no number, and no ticket comes with them.

internal import Admission
internal import GatewayWire
internal import Passes
internal import Telemetry

extension WaitingRoomAPI {
    /// Whether everybody passes now because the store is away.
    func isOpen(_ room: Room) -> Bool { room.outage != .closed && door(room) == .open }

    func door(_ room: Room) -> Door {
        room.door(nowMilliseconds: environment.nowMilliseconds(), limitMilliseconds: environment.staleMilliseconds)
    }

    /// Tells of a door that has changed, once.
    func tellDoor(_ room: Room) {
        guard room.isKnown else { return }
        let door = door(room)
        guard door != room.toldDoor else { return }
        room.toldDoor = door
        let seconds = room.outage.openForMilliseconds / 1000
        switch door {
        case .attended: environment.log("room \(room.id): Redis is back and decides again")
        case .open: environment.log("room \(room.id): Redis is away, open to everybody for \(seconds) s")
        case .closed: environment.log("room \(room.id): Redis is away, closed to newcomers")
        }
    }

    /// A pass of a short life that no queue has decided on.
    /// - Parameter number: the visitor's own, from a ticket; nil for one that no queue has issued or will issue.
    func openPass(
        _ room: Room,
        number: Int?,
        _ binding: PassBinding?
    ) -> (pass: [UInt8], number: Int, lifetimeSeconds: Int) {
        let now = room.redisMilliseconds(nowMilliseconds: environment.nowMilliseconds())
        // Whoever is inside already keeps the pass.
        if let number, let end = room.entryEnd(of: number), end > now {
            let pass = pass(
                room,
                generation: room.generation,
                number: number,
                expiresMilliseconds: end,
                nowMilliseconds: now,
                binding: binding
            )
            return (pass, number, lifetimeSeconds(until: end, from: now))
        }
        count(.passesWithoutStore)
        let lifetime = min(room.policy.passLifetimeMilliseconds, OutagePolicy.passLifetimeMillisecondsMax) / 1000
        let first = OutagePolicy.firstNumber
        let number = number ?? first + Int(environment.random() * Double(first - 1))
        let expires = now / 1000 + lifetime
        let pass = keys.sign(
            Pass(
                room: room.id,
                number: Int64(number),
                jti: keys.passIdentifier(
                    room: room.id,
                    generation: Int64(room.generation),
                    number: Int64(number),
                    expiresAtMilliseconds: Int64(expires * 1000)
                ),
                issuedAtSeconds: Int64(now / 1000),
                expiresAtSeconds: Int64(expires),
                binding: binding
            )
        )
        return (pass, number, lifetime)
    }

    /// A join while everybody passes: admitted, without a ticket.
    func joinOpenRoom(_ room: Room, _ facts: RequestFacts, _ respond: Respond) {
        count(.joinsAdmitted)
        let issued = openPass(room, number: nil, facts.binding)
        var json = JSONWriter()
        view(.entered(passExpiresMilliseconds: 0), room, position: 0, facts.language).write(into: &json)
        json.member("pass", text: issued.pass)
        json.member("reservation_token", text: issued.pass)
        json.member("ttl_sec", issued.lifetimeSeconds)
        json.member("degraded", true)
        var response = ok(200, json.finish())
        setPassCookie(&response, room, issued.pass, lifetimeSeconds: issued.lifetimeSeconds, facts)
        respond(response)
    }
}
