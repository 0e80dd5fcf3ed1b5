// SPDX-License-Identifier: Apache-2.0
//
// What an error reply means to a call. Redis and the scripts name the kind of an error by its first word. Redis 7, as
// the scripts need it anyway, does so also when a command inside a script has failed.

enum RedisError: Equatable {
    /// The script cache is empty: nothing was executed.
    case needsScript
    /// The scripts' own: Redis does not have the room, or knows less of it than this worker.
    case needsRestore
    /// Of the server's condition or of its permissions, not of the call: loading, a replica, out of memory, a slot that
    /// moves, a missing permission. The visitor may repeat the call.
    case passing
    /// A fault of the program.
    case ours

    /// The first word, which names the kind. Redis 7 says in a sentence that a permission is missing inside a script.
    static func kind(_ text: String) -> Substring {
        text.hasPrefix("ERR The user executing the script can't") ? "NOPERM" : text.prefix { $0 != " " }
    }

    init(_ text: String) {
        switch RedisError.kind(text) {
        case "NOSCRIPT": self = .needsScript
        case ScriptError.noState.rawValue, ScriptError.rollback.rawValue: self = .needsRestore
        case "LOADING", "READONLY", "MASTERDOWN", "BUSY", "OOM", "MISCONF", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN",
            "MOVED", "ASK", "NOPERM", "NOAUTH", "WRONGPASS":
            self = .passing
        default: self = .ours
        }
    }

    /// What an operator has to do; nil for an error that ends by itself.
    static func advice(_ text: String) -> String? {
        switch kind(text) {
        case "READONLY": "this Redis is a replica: name the master, or the sentinels, in the configuration"
        case "OOM": "raise maxmemory, or remove other keys from this Redis"
        case "MISCONF": "Redis cannot write to its disk: free space, or CONFIG SET stop-writes-on-bgsave-error no"
        case "NOREPLICAS": "fewer replicas are connected than min-replicas-to-write asks for"
        case "MASTERDOWN": "this Redis is a replica without its master"
        case "BUSY": "a script of another client does not end: SCRIPT KILL"
        case "NOPERM": RedisPermissions.advice
        case "NOAUTH", "WRONGPASS": "set username and password_file as the Redis expects them"
        case "CLUSTERDOWN": "the Cluster has slots without a master"
        default: nil
        }
    }
}

extension RedisReply {
    /// The text of an error, shortened, with what an operator has to do where that is known.
    public static func explained(error text: String) -> String {
        let said = RedisError.kind(text) == "NOPERM" && !text.hasPrefix("NOPERM") ? "NOPERM \(text)" : text
        return RedisError.advice(text).map { "\(said.prefix(200)); \($0)" } ?? String(said.prefix(200))
    }
}
