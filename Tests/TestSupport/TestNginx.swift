// SPDX-License-Identifier: Apache-2.0
//
// The real nginx for a test: the frame of its configuration, free ports, and its start.

internal import Glibc

/// A running nginx with one worker process. It is stopped with its owner.
public final class TestNginx {
    /// The ports its configuration was written with.
    public let ports: [Int]
    private let process: TestProcess

    public var port: Int { ports[0] }

    /// Writes NAME.conf and starts nginx with it, from the moment on at which it serves.
    /// - Parameters:
    ///   - modules: names below nginx's folder of modules, without `.so`.
    ///   - errorLog: name of a file in the directory, and from which level on it is written.
    ///   - context: `http` or `stream`.
    ///   - isReady: whether it serves, asked until it does; by default whether the first port is listened on.
    ///   - content: what stands in the context, for the given ports.
    public init(
        in directory: TemporaryDirectory,
        named name: String = "nginx",
        modules: [String] = [],
        ports count: Int = 1,
        errorLog: (file: String, level: String) = ("error.log", "error"),
        context: String = "http",
        isReady: ([Int]) throws -> Bool = { Loopback.connects(port: $0[0]) },
        _ content: ([Int]) -> String
    ) throws {
        let (configuration, log) = (directory.file("\(name).conf"), directory.file(errorLog.file))
        let temporaries = context == "http" ? ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"] : []
        let ports = try (0..<count).map { _ in try Loopback.freePort() }
        try directory.write(
            "\(name).conf",
            """
            \(modules.map { "load_module /usr/lib/nginx/modules/\($0).so;" }.joined(separator: " "))
            \(geteuid() == 0 ? "user root;" : "") worker_processes 1; daemon off;
            pid \(directory.file("\(name).pid")); error_log \(log) \(errorLog.level);
            events { worker_connections 1024; }
            \(context) {
                \(temporaries.map { "\($0)_temp_path \(directory.file("tmp-\($0)"));" }.joined(separator: " "))
                \(content(ports))
            }

            """
        )
        let process = try TestProcess(
            "nginx",
            ["-p", directory.path, "-e", log, "-c", configuration],
            log: directory.file("\(name).out")
        )
        let isUp = try Wait.until(seconds: 10) { try !process.isRunning || isReady(ports) }
        guard isUp && process.isRunning else {
            let output = directory.read("\(name).out") + directory.read(errorLog.file)
            throw TestFailure("nginx did not start: \(output)")
        }
        (self.ports, self.process) = (ports, process)
    }

    public func stop() { process.stop() }
}
