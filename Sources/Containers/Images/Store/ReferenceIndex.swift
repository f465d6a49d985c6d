// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Linux

/// The names in a store: which manifest each one means. One small JSON file, replaced whole and durably, under a file
/// lock, since the daemon and `swiftlet image` change it side by side.
struct ReferenceIndex: Sendable {
    /// What a name means.
    struct Target: Hashable, Sendable {
        /// What the registry serves under the name: an index, or the manifest itself.
        var digest: ImageDigest
        /// The manifest for this machine.
        var manifest: ImageDigest
    }

    private let path: String
    private let lockPath: String

    init(root: String) {
        path = "\(root)/references.json"
        lockPath = "\(root)/references.lock"
    }

    /// The names as they are now.
    func load() throws(ImageError) -> [String: Target] {
        let bytes: [UInt8]
        do throws(Errno) { bytes = try Files.read(path) } catch {
            if error.isNotFound { return [:] }
            throw .system("read \(path)", error)
        }
        let json = try parseObject(bytes, what: path)
        var result: [String: Target] = [:]
        for (name, value) in json["references"]?.object ?? [:] {
            guard let digest = ImageDigest(value["digest"]?.string ?? ""),
                let manifest = ImageDigest(value["manifest"]?.string ?? "")
            else { throw .malformed(what: path, reason: "\(name) names no digest") }
            result[name] = Target(digest: digest, manifest: manifest)
        }
        return result
    }

    /// Changes the names by `change`, alone among processes; what it returns is on disk when this returns.
    func update<Result: Sendable>(
        _ change: (inout [String: Target]) throws(ImageError) -> Result
    ) throws(ImageError) -> Result {
        let lock: FileLock
        do throws(Errno) { lock = try FileLock.acquire(lockPath) } catch { throw .system("lock \(lockPath)", error) }
        var references = try load()
        let before = references
        let result = try change(&references)
        if references != before { try store(references) }
        lock.release()
        return result
    }

    private func store(_ references: [String: Target]) throws(ImageError) {
        var object: JSONObject = [:]
        for (name, target) in references.sorted(by: { $0.key < $1.key }) {
            object[name] = .object([
                "digest": .string("\(target.digest)"), "manifest": .string("\(target.manifest)"),
            ])
        }
        let json: JSONValue = .object(["references": .object(object)])
        do throws(Errno) {
            try Files.replace(path, with: json.encoded(), mode: 0o600)
        } catch { throw .system("write \(path)", error) }
    }
}
