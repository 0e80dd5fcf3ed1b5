// SPDX-License-Identifier: Apache-2.0
//
// The few file operations the commands need.

internal import CLinux
internal import Glibc

/// Small whole files, written atomically.
public enum Files {
    /// A configuration or key file is at most this large.
    public static let byteCountMax = 1 << 20

    /// The whole file.
    /// - Throws: `CommandFailure` FILE_ERROR, or FILE_TOO_LARGE beyond `limit` bytes.
    public static func read(_ path: String, upTo limit: Int = byteCountMax) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot read", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot read", path) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else {
                throw CommandFailure("FILE_TOO_LARGE", "\(path) is over \(limit >> 20) MiB")
            }
        }
    }

    /// The last bytes of a file, at most `count`.
    public static func readEnd(_ path: String, _ count: Int) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot read", path) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: count)
        let start = max(0, lseek(descriptor, 0, Int32(SEEK_END)) - count)
        let got = pread(descriptor, &bytes, count, start)
        guard got >= 0 else { throw failure("cannot read", path) }
        return Array(bytes[..<got])
    }

    /// The whole file as UTF-8 text.
    public static func readText(_ path: String, upTo limit: Int = byteCountMax) throws -> String {
        guard let text = String(validating: try read(path, upTo: limit), as: UTF8.self) else {
            throw CommandFailure("FILE_NOT_TEXT", "\(path) is not UTF-8")
        }
        return text
    }

    /// Writes the whole file or nothing: readers see the old content or the new one. Owner and group stay the same when
    /// the file is replaced.
    /// - Throws: `CommandFailure` FILE_ERROR, also when this user cannot give the new file to the old owner.
    public static func write(_ path: String, _ bytes: [UInt8], mode: UInt32 = 0o644) throws {
        let temporary = "\(path).\(getpid()).tmp"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0o600)
        guard descriptor >= 0 else { throw failure("cannot write", temporary) }
        guard keepOwner(of: path, descriptor), fchmod(descriptor, mode) == 0 else {
            let problem = failure("cannot keep the owner of", path)
            close(descriptor)
            unlink(temporary)
            throw problem
        }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let problem = failure("cannot write", temporary)
                close(descriptor)
                unlink(temporary)
                throw problem
            }
            written += count
        }
        fsync(descriptor)
        close(descriptor)
        guard rename(temporary, path) == 0 else { throw failure("cannot replace", path) }
    }

    /// Gives a new file the owner and group of the one it replaces. True when it has them.
    private static func keepOwner(of path: String, _ descriptor: Int32) -> Bool {
        var (old, new) = (stat(), stat())
        guard stat(path, &old) == 0, fstat(descriptor, &new) == 0 else { return true }
        if old.st_uid == new.st_uid, old.st_gid == new.st_gid { return true }
        return fchown(descriptor, old.st_uid, old.st_gid) == 0
    }

    /// Writes a file that is there, with its mode.
    public static func rewrite(_ path: String, _ bytes: [UInt8]) throws {
        var old = stat()
        guard stat(path, &old) == 0 else { throw failure("cannot look at", path) }
        try write(path, bytes, mode: UInt32(old.st_mode & 0o7777))
    }

    /// As the other `write`, for text.
    public static func write(_ path: String, _ text: String, mode: UInt32 = 0o644) throws {
        try write(path, Array(text.utf8), mode: mode)
    }

    /// Takes a lock that ends with this process. The descriptor holds it.
    /// - Throws: `CommandFailure` DIR_IN_USE with `message` when another process has it.
    public static func lock(_ path: String, whenTaken message: String) throws -> Int32 {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot lock", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw CommandFailure("DIR_IN_USE", message)
        }
        return descriptor
    }

    /// Holds a lock on the directory of a file while `work` reads and replaces the file, so that no other process does
    /// the same meanwhile. It waits for the lock, and leaves no file behind.
    public static func locked<Result>(_ path: String, _ work: () throws -> Result) throws -> Result {
        let directory = absolute(path).split(separator: "/").dropLast().map { "/\($0)" }.joined()
        let descriptor = open(directory.isEmpty ? "/" : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("cannot lock", directory) }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw failure("cannot lock", directory) }
        }
        return try work()
    }

    /// Whether something has this path.
    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Makes the directory unless it is there.
    public static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws {
        if mkdir(path, mode) == 0 { return }
        var found = stat()
        guard errno == EEXIST, stat(path, &found) == 0, found.st_mode & S_IFMT == S_IFDIR else {
            throw failure("cannot make the directory", path)
        }
    }

    /// Makes a directory in /tmp that only this user can look into.
    /// - Parameter name: the beginning of its name.
    public static func makeTemporaryDirectory(_ name: String) throws -> String {
        var template = Array("/tmp/\(name)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw failure("cannot make a directory in", "/tmp") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The path from the root, for a path from here.
    public static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        guard let here = getcwd(nil, 0) else { return path }
        defer { free(here) }
        return String(cString: here) + "/" + path
    }

    /// The first executable of this name in PATH or the places Debian puts servers.
    public static func executable(_ name: String) throws -> String {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        for directory in path.split(separator: ":") + ["/usr/sbin", "/usr/bin", "/sbin"] {
            let candidate = "\(directory)/\(name)"
            if access(candidate, X_OK) == 0 { return candidate }
        }
        throw CommandFailure("PROGRAM_MISSING", "\(name) is not installed (deploy/quickstart installs what is missing)")
    }

    /// The path of this very program.
    public static func ownExecutable() throws -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { raw in
            raw.withMemoryRebound(to: CChar.self) { readlink("/proc/self/exe", $0.baseAddress!, $0.count) }
        }
        guard count > 0 else { throw failure("cannot read", "/proc/self/exe") }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// The file that a path leads to behind its links; the path itself when nothing is there.
    public static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    static func failure(_ what: String, _ path: String) -> CommandFailure {
        CommandFailure("FILE_ERROR", "\(what) \(path): \(String(cString: strerror(errno)))")
    }
}
