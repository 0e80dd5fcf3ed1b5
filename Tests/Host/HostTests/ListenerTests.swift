// SPDX-License-Identifier: Apache-2.0
//
// Listening sockets: files that are replaced, files that are not, and floods.

import Glibc
import Reactor
import TestSupport
import Testing

@Suite struct ListenerTests {
    @Test func `A socket file that nobody answers on is replaced, with mode 0660`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.sock"
        let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #expect(SocketAddress.unix(path).bind(stale))
        close(stale)
        #expect(connectUnix(path) == -1)
        let listener = try Listener.unix(path: path, group: getegid())
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o660)
        let client = connectUnix(path)
        #expect(client >= 0)
        close(client)
        listener.close()
        #expect(stat(path, &status) == -1, "close unlinks the file it made")
    }

    @Test func `A socket file that answers is left alone`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.sock"
        let first = try Listener.unix(path: path)
        let error = #expect(throws: SystemError.self) { try Listener.unix(path: path) }
        #expect(error?.errno == EADDRINUSE)
        let client = connectUnix(path)
        #expect(client >= 0, "the first still listens")
        close(client)
        first.close()
    }

    @Test func `Closing does not unlink the socket of a successor`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.sock"
        let first = try Listener.unix(path: path)
        unlink(path)
        let second = try Listener.unix(path: path)
        first.close()
        let client = connectUnix(path)
        #expect(client >= 0)
        close(client)
        second.close()
    }

    @Test func `A file that is no socket is an error and stays`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/b.sock"
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        #expect(throws: SystemError.self) { try Listener.unix(path: path) }
        #expect(access(path, F_OK) == 0)
    }

    @Test func `A path that does not fit is an error`() {
        let path = "/tmp/" + String(repeating: "x", count: 103)
        let error = #expect(throws: SystemError.self) { try Listener.unix(path: path) }
        #expect(error?.errno == ENAMETOOLONG)
    }

    @Test func `Only a listening socket can be inherited`() throws {
        let (end, peer) = socketPair()
        #expect(throws: SystemError.self) { try Listener(inherited: end) }
        #expect(throws: SystemError.self) { try Listener(inherited: 9_999) }
        let original = try Listener.loopback(port: 0)
        let inherited = try Listener(inherited: dup(original.fd))
        #expect(inherited.port == original.port && original.port > 0)
        for fd in [end, peer] { close(fd) }
    }

    @Test func `A flood of connections is taken in bounded portions, and all of it is taken`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/a.sock"
        let loop = try EventLoop()
        let listener = try Listener.unix(path: path)
        let clients = (0..<150).map { _ in connectUnix(path) }
        #expect(!clients.contains(-1))
        var accepted: [Int32] = []
        var inThisTurn = 0
        var most = 0
        loop.beforeSleep { inThisTurn = 0 }
        try listener.start(on: loop) { fd in
            accepted.append(fd)
            inThisTurn += 1
            most = max(most, inThisTurn)
            #expect(fcntl(fd, F_GETFD) & FD_CLOEXEC != 0)
            #expect(fcntl(fd, F_GETFL) & O_NONBLOCK != 0)
            if accepted.count == 150 { loop.stop() }
        }
        run(loop)
        #expect(accepted.count == 150)
        #expect(most <= 64)
        listener.close()
        for fd in clients + accepted { close(fd) }
    }

    @Test func `A socket takes another's name in one step, and an inherited one is unlinked by its heir`() throws {
        let directory = try TemporaryDirectory()
        let (path, hidden) = ("\(directory.path)/a.sock", "\(directory.path)/a.sock.new")
        let first = try Listener.unix(path: path)
        let second = try Listener.unix(path: hidden)
        try second.rename(to: path)
        first.close()
        #expect(connectUnix(hidden) == -1)
        let client = connectUnix(path)
        #expect(client >= 0, "the first did not unlink its successor's file")
        let heir = try Listener(inherited: dup(second.fd), file: path)
        let taken = accept(heir.fd, nil, nil)
        #expect(taken >= 0, "what waited in the backlog is the heir's")
        close(client)
        close(taken)
        heir.close()
        #expect(connectUnix(path) == -1)
        second.close()
        #expect(throws: SystemError.self) { try second.rename(to: path) }
    }
}
