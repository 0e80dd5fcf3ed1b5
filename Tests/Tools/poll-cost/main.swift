// SPDX-License-Identifier: Apache-2.0
//
// What a status poll costs a worker, to be counted by callgrind: the real gateway, API and mirror with many people
// waiting, and a client on the same loop that sends what nginx sends and throws the answers away. Redis and nginx are
// left out on purpose: a poll touches neither, and without them every run executes the same instructions.
//
//     poll-cost POLLS [--floor]      --floor: the gateway answers by itself, which is libfcgi's and the loop's share

import Admission
import Gateway
import GatewayWire
import Glibc
import Passes
import Reactor
import Simulation
import TestSupport
import WaitingRoomAPI

let waiting = 300_000
let clients = 16
let redisMilliseconds = 1_795_501_773_021

/// One FastCGI request as nginx builds it from vestibule-fastcgi-params.conf: one record of parameters, no body.
func envelope(_ token: [UInt8]) -> [UInt8] {
    let query = Array("token=".utf8) + token
    let parameters: [(String, [UInt8])] = [
        ("CONTENT_LENGTH", []), ("VESTIBULE_OPERATION", []), ("DOCUMENT_URI", Array("/api/v1/queue/status".utf8)),
        ("REQUEST_METHOD", Array("GET".utf8)), ("QUERY_STRING", query), ("REQUEST_SCHEME", Array("https".utf8)),
        ("REQUEST_ID", Array("6e0c6cb9ee8fb6d1cc2b4a1bb4bb3f0c".utf8)),
        ("HTTP_ACCEPT_LANGUAGE", Array("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7".utf8)),
    ]
    return fastCGI(parameters: parameters.flatMap { pair($0, $1) })
}

/// A kept connection that polls in turn with a list of tickets.
final class Poller {
    private let fd: Int32
    private let requests: [[UInt8]]
    private var turn = 0
    private var buffer = [UInt8](repeating: 0, count: 8192)
    private var registration: Registration?
    private let answered: (Int) -> Bool

    init(loop: EventLoop, path: String, requests: [[UInt8]], answered: @escaping (Int) -> Bool) throws {
        self.requests = requests
        self.answered = answered
        fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        let isConnected = SocketAddress.unix(path).connect(fd)
        precondition(isConnected, "connect: errno \(errno)")
        registration = try loop.add(fd: fd, events: [.readable, .edgeTriggered]) { [unowned self] _ in self.read() }
    }

    func send() {
        let request = requests[turn]
        turn = (turn + 1) % requests.count
        let count = request.withUnsafeBytes { Glibc.send(fd, $0.baseAddress, $0.count, 0) }
        precondition(count == request.count)
    }

    private func read() {
        let count = buffer.withUnsafeMutableBytes { recv(fd, $0.baseAddress, $0.count, 0) }
        if answered(count) { send() }
    }
}

/// Polls before the counted ones: what the first of them sets up is none of theirs.
let warmUp = 1000
let polls = Int(CommandLine.arguments.dropFirst().first ?? "") ?? 2000
let isFloor = CommandLine.arguments.contains("--floor")
var random = 0.0
let loop = try EventLoop()
let keys = try KeyRing(keys: [SigningKey(kid: "k1", secret: [UInt8](repeating: 7, count: 32))])
let store = ModelStore(firstNumber: 1) { redisMilliseconds }
var policy = RoomPolicy.standard
policy.rateMilli = 500_000
let room = Room(id: "demo", defaults: policy)
let api = WaitingRoomAPI(
    store: store,
    rooms: [room],
    keys: keys,
    environment: APIEnvironment(
        nowMilliseconds: { loop.nowMilliseconds },
        wallMilliseconds: { redisMilliseconds },
        random: {
            random = random > 0.9 ? 0 : random + 0.01
            return random
        }
    )
)
for _ in 0..<waiting { store.join(JoinRequest(kind: .join), room: room) { _ in } }
api.tickRooms(tickMilliseconds: 200)

let path = "/tmp/vestibule-poll-cost-\(getpid()).sock"
var answers = 0
var sent = 0
var last = 0
var pollers: [Poller] = []
var answerBytes = 0
let server = try GatewayServer(.fastcgi, loop: loop, listener: try Listener.unix(path: path), log: { print($0) }) {
    request,
    exchange in
    if isFloor {
        exchange.respond(GatewayResponse(status: 200))
    } else {
        api.handle(request) { exchange.respond($0) }
    }
}
for client in 0..<clients {
    let requests = (0..<50).map { index in
        envelope(
            keys.sign(
                Ticket(
                    room: "demo",
                    generation: 1,
                    number: Int64(1000 + (client * 50 + index) * 370),
                    issuedMilliseconds: Int64(redisMilliseconds - 60_000)
                )
            )
        )
    }
    pollers.append(
        try Poller(loop: loop, path: path, requests: requests) { count in
            precondition(count > 0, "the server closed the connection")
            answerBytes = count
            answers += 1
            if answers == last { loop.stop() }
            guard sent < last else { return false }
            sent += 1
            return true
        }
    )
}

@MainActor
func run(_ polls: Int) {
    last += polls
    for poller in pollers {
        sent += 1
        poller.send()
    }
    loop.run()
}

/// callgrind counts what runs inside it, by its name.
@inline(never) @MainActor
func countedPolls() { run(polls) }

run(warmUp)
countedPolls()
unlink(path)
print("polls \(answers), last answer \(answerBytes) bytes")
