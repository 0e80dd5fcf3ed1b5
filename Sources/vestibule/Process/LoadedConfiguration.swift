// SPDX-License-Identifier: Apache-2.0
//
// The configuration and the keys as a process starts with them, or reads them again.

import Configuration
import Glibc
import Passes
import Processes
import Reactor
import RedisQueue

enum LoadedConfiguration {
    static func read(_ path: String) throws -> Configuration {
        let text = try Files.readText(path)
        do {
            return try Configuration(yaml: text)
        } catch {
            throw CommandFailure("CONFIG_INVALID", "\(path): \(error)")
        }
    }

    static func keys(_ path: String) throws -> KeyRing {
        do {
            return try KeyRing(jwkSet: try Files.read(path))
        } catch let error as KeyRingError {
            throw CommandFailure("KEYS_INVALID", "\(path): \(error)")
        }
    }

    static func endpoint(_ configuration: Configuration) throws -> RedisEndpoint {
        let address: RedisEndpoint.Address =
            switch configuration.redis {
            case .socket(let path): .unix(path: path)
            case .tcp(let host, let port): .tcp(address: host, port: port)
            }
        var password: String?
        if let path = configuration.redisPasswordFile {
            password = try Files.readText(path).split(separator: "\n").first.map(String.init)
            guard password?.isEmpty == false else {
                throw CommandFailure("PASSWORD_EMPTY", "\(path) has no password in its first line")
            }
        }
        return RedisEndpoint(address: address, username: configuration.redisUsername, password: password)
    }

    /// The group that may connect to the workers' sockets; nil leaves the process's own.
    static func socketGroup(_ configuration: Configuration) throws -> gid_t? {
        guard let name = configuration.socketGroup else { return nil }
        guard let entry = getgrnam(name) else {
            throw CommandFailure("GROUP_UNKNOWN", "socket_group \(name) is not a group of this system")
        }
        return entry.pointee.gr_gid
    }

    /// One worker a core, unless the configuration says otherwise.
    static func workerCount(_ configuration: Configuration) -> Int {
        configuration.workers ?? max(1, min(Configuration.workersMax, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
    }
}
