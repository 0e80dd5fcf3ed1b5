// SPDX-License-Identifier: Apache-2.0
//
// An HTTP server of a test's own, written in Python: a backend, or another site.

/// One server on loopback, which keeps a record of what it has seen. It is stopped with its owner.
public final class PythonServer {
    public let port: Int
    private let directory: TemporaryDirectory
    private let process: TestProcess

    /// - Parameter program: serves HTTP at the port that is its first argument, and writes to the file that is its
    ///   second. Returns when it has answered `GET /up`.
    public init(_ program: String) throws {
        directory = try TemporaryDirectory()
        port = try Loopback.freePort()
        try directory.write("server.py", program)
        let arguments = [directory.file("server.py"), "\(port)", directory.file("record")]
        process = try TestProcess("python3", arguments, log: directory.file("server.log"))
        let (directory, port) = (directory, port)
        try Wait.require("a server in Python answers: \(directory.read("server.log"))") {
            (try? HTTPClient(port: port).get("/up")) != nil
        }
    }

    // Before the directory goes.
    deinit { process.stop() }

    /// What it has written by now.
    public var record: String { directory.read("record") }
}
