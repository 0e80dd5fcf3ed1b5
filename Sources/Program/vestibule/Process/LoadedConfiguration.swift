// SPDX-License-Identifier: Apache-2.0
//
// The configuration and the keys as a process starts with them, or reads them again.

import Configuration
import Gateway
import Glibc
import NginxFiles
import Passes
import QueueClient
import Reactor
import RedisQueue
import WaitingRoomAPI

enum LoadedConfiguration {
    static func read(_ path: String) throws -> Configuration {
        var configuration = try parse(try Files.readText(path), path)
        configuration.revision = try Files.changedMilliseconds(path)
        return try BrandFolder.read(configuration, path)
    }

    /// - Parameter path: for the error.
    static func parse(_ text: String, _ path: String) throws -> Configuration {
        do {
            return try Configuration(yaml: text)
        } catch {
            throw CommandFailure("CONFIG_INVALID", "\(path): \(error)")
        }
    }

    /// What nginx is to be given for a configuration, whose files will be in `directory`.
    static func nginx(
        _ configuration: Configuration,
        directory: String,
        verifier: NginxConfiguration.Verifier,
        gateway: NginxConfiguration.Gateway = .fastcgi
    ) -> NginxConfiguration {
        NginxConfiguration(
            directory: directory,
            keysFile: Files.absolute(configuration.keysPath),
            workerSockets: (0..<servedWorkerCount(configuration)).map {
                gateway == .fastcgi ? configuration.fastCGISocket($0) : configuration.scgiSocket($0)
            },
            verifier: verifier,
            gateway: gateway,
            apiRate: configuration.nginx.limit ?? NginxConfiguration.standardAPIRate,
            apiBurst: configuration.nginx.limitBurst ?? NginxConfiguration.standardAPIBurst,
            limitExempt: configuration.nginx.limitExempt,
            cacheDirectory: configuration.nginx.cacheDirectory ?? NginxConfiguration.standardCacheDirectory,
            apiLog: configuration.nginx.apiLog,
            apiPrefix: configuration.apiPrefix,
            obeysServerAccess: configuration.nginx.obeysServerAccess,
            protectedRooms: configuration.protectedRooms
        )
    }

    /// The keys as a process of the service gets them. Only root reads the file: systemd hands a copy over at the start
    /// (LoadCredential), and the unit's ExecReload another one, in the run directory.
    static func keys(of configuration: Configuration) throws -> KeyRing {
        var path = configuration.keysPath
        if let directory = getenv("CREDENTIALS_DIRECTORY").map({ String(cString: $0) }) {
            let handed = ["\(configuration.runDirectory)/keys.json", "\(directory)/keys.json"]
            path = handed.first { Files.exists($0) } ?? path
        }
        return try keys(path)
    }

    static func keys(_ path: String) throws -> KeyRing {
        do {
            return try KeyRing(jwkSet: try Files.read(path))
        } catch let error as KeyRingError {
            throw CommandFailure("KEYS_INVALID", "\(path): \(error)")
        }
    }

    /// Where Redis is, with the passwords read from their files.
    static func redisSite(_ configuration: Configuration) throws -> RedisSite {
        let (username, password) = (configuration.redisUsername, try password(configuration.redisPasswordFile))
        func server(_ address: RedisEndpoint.Address) -> RedisEndpoint {
            RedisEndpoint(address: address, username: username, password: password)
        }
        func address(_ node: Configuration.RedisNode) -> RedisHostPort {
            RedisHostPort(host: node.host, port: node.port)
        }
        switch configuration.redis {
        case .socket(let path): return .server(server(.unix(path: path)))
        case .tcp(let host, let port): return .server(server(.tcp(address: host, port: port)))
        case .sentinel(let sentinel):
            return .sentinel(
                SentinelSettings(
                    name: sentinel.name,
                    sentinels: sentinel.addresses.map { address($0) },
                    sentinelPassword: try self.password(sentinel.passwordFile),
                    username: username,
                    password: password
                )
            )
        case .cluster(let nodes):
            return .cluster(
                ClusterSettings(nodes: nodes.map { address($0) }, username: username, password: password)
            )
        }
    }

    private static func password(_ path: String?) throws -> String? {
        guard let path else { return nil }
        // Also of a file with CR and LF at the ends of its lines.
        guard let line = try Files.readText(path).split(whereSeparator: \.isNewline).first else {
            throw CommandFailure("PASSWORD_EMPTY", "\(path) has no password in its first line")
        }
        return String(line)
    }

    /// The group that may connect to the workers' sockets; nil leaves the process's own.
    static func socketGroup(_ configuration: Configuration) throws -> gid_t? {
        guard let name = configuration.socketGroup else { return nil }
        guard let entry = getgrnam(name) else {
            throw CommandFailure("GROUP_UNKNOWN", "socket_group \(name) is not a group of this system")
        }
        return entry.pointee.gr_gid
    }

    /// Whose processes the workers take connections from.
    /// - Throws: `CommandFailure` USER_UNKNOWN for a user that the file names and the system does not know.
    static func peers(_ configuration: Configuration) throws -> GatewayPeers {
        var users: Set<UInt32> = []
        for name in configuration.nginx.users ?? Configuration.Nginx.usersStandard {
            if let entry = getpwnam(name) {
                users.insert(entry.pointee.pw_uid)
            } else if configuration.nginx.users != nil {
                throw CommandFailure("USER_UNKNOWN", "nginx.users: \(name) is not a user of this system")
            }
        }
        return GatewayPeers(users: users, masterFile: configuration.nginx.pidFile)
    }

    /// One worker a core, unless the configuration says otherwise.
    static func workerCount(_ configuration: Configuration) -> Int {
        configuration.workers ?? min(Configuration.workersMax, Processors.available)
    }

    /// The workers that nginx is to know. With `workers: auto` those of a running service: it may have been given other
    /// processors than the shell in which the files are rendered.
    static func servedWorkerCount(_ configuration: Configuration) -> Int {
        let running = (0..<Configuration.workersMax).prefix { Files.exists(configuration.fastCGISocket($0)) }.count
        return configuration.workers == nil && running > 0 ? running : workerCount(configuration)
    }
}
