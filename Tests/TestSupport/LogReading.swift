// SPDX-License-Identifier: Apache-2.0
//
// Logs of running servers. A server may write a line after it has answered the request that the line is about, so a
// test never reads a log once and takes what it finds for everything: it waits for a line, its own or a marker's.

extension TemporaryDirectory {
    /// What is in a log as soon as it holds a text at least `times` times. Fails when that takes more than 10 s.
    @discardableResult
    public func read(_ name: String, onceItHolds text: String, times: Int = 1) throws -> String {
        var log = ""
        try Wait.require("\(times) times \"\(text)\" in \(name): \(log)") {
            log = read(name)
            return log.split(separator: text, omittingEmptySubsequences: false).count > times
        }
        return log
    }

    /// backend.log of an nginx with one worker process, with the lines of all requests that were answered before.
    ///
    /// Such an nginx writes the line of one request before it takes the next, so a marker that is sent now comes last.
    /// - Parameter socket: a connection to the server that writes the log.
    public func backendLog(markedOver socket: TestSocket) throws -> String {
        let marker = "/marker-of-the-log-"
        let path = "\(marker)\(UInt64.random(in: 0 ... .max))"
        guard socket.send(Array("GET \(path) HTTP/1.0\r\n\r\n".utf8)) else { throw TestFailure("no backend") }
        return try read("backend.log", onceItHolds: path).split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.contains(marker) }.joined(separator: "\n")
    }
}
