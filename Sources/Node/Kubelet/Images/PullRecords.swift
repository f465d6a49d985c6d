// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSON
internal import Linux
internal import Synchronization
internal import TLS
internal import Telemetry

/// Which images this kubelet has fetched, and with whose credentials: what is on the node is not for every pod of it
/// (KEP-2535). Kept on disk, so that a restart gives nothing away: an intent before a pull, a record after it.
///
/// Every call reads or writes files, one at a time.
final class PullRecords: Sendable {
    private let verification: ImageVerification
    private let directory: String
    private let logger: Logger
    /// Pulls under way, by name.
    private let underWay = Mutex<[String: Int]>([:])

    init(_ verification: ImageVerification, directory: String, logger: Logger) {
        self.verification = verification
        self.logger = logger
        self.directory = directory
    }

    /// Whether a pod with these credentials must ask the registry for an image that is here. A record that cannot be read
    /// is none: the registry is asked.
    func mustPull(_ image: String, _ imageRef: String, secrets: [PullSecret]) -> Bool {
        underWay.withLock { underWay in
            let record: PullRecord?
            let isPulled: Bool
            do {
                record = try read(imageRef)
                isPulled =
                    try record != nil || underWay[image] != nil || Files.statusIfPresent(intentPath(image)) != nil
            } catch {
                return verification.isRequired(for: image, pulled: true)
            }
            guard verification.isRequired(for: image, pulled: isPulled) else { return false }
            return record?.admits(secrets, to: ImageVerification.repository(of: image)) != true
        }
    }

    /// Before a pull: whatever becomes of it, the image was not brought for everybody.
    func willPull(_ image: String) throws {
        let intent: JSONValue = [
            "kind": "ImagePullIntent", "apiVersion": .string(PullRecord.version), "image": .string(image),
        ]
        try underWay.withLock { underWay in
            try Files.makeDirectories(directory + "/pulling", mode: 0o700)
            try Files.replace(intentPath(image), with: intent.encoded(), mode: 0o600)
            underWay[image, default: 0] += 1
        }
    }

    /// The registry has given the image: to the holder of a Secret, or, with none, to anybody. Where that cannot be
    /// written down the intent stays, and says from then on that credentials are to be looked at.
    func pulled(_ image: String, _ imageRef: String, with secret: PullSecret?, at time: String) throws {
        try underWay.withLock { underWay in
            do { try note(image, imageRef, with: secret, at: time) } catch {
                leave(image, &underWay)
                throw error
            }
            if leave(image, &underWay) { try Files.removeIfPresent(intentPath(image)) }
        }
    }

    /// It has not.
    func failed(_ image: String) throws {
        try underWay.withLock { underWay in
            if leave(image, &underWay) { try Files.removeIfPresent(intentPath(image)) }
        }
    }

    /// Whether it was the last one of its name.
    @discardableResult private func leave(_ image: String, _ underWay: inout [String: Int]) -> Bool {
        let count = (underWay[image] ?? 1) - 1
        underWay[image] = count > 0 ? count : nil
        return count <= 0
    }

    private func note(_ image: String, _ imageRef: String, with secret: PullSecret?, at time: String) throws {
        let known = try? read(imageRef)  // one that cannot be read is written anew
        var record = known ?? PullRecord(imageRef: imageRef, lastUpdated: time)
        record = record.adding(secret, to: ImageVerification.repository(of: image))
        // Also where nothing else is new: who found the image gone a moment ago is not to forget that it came again.
        record.lastUpdated = time
        try write(record)
    }

    /// After a restart: a pull that was cut short and has brought its image after all leaves a record of nobody's.
    func recover(_ present: [KubeletImage], at time: String) throws {
        try underWay.withLock { _ in
            for intent in try documents("pulling") {
                guard let image = intent["image"]?.string else { continue }
                for found in present where found.repoTags.contains(image) || found.repoDigests.contains(image) {
                    if try read(found.id) == nil {
                        try write(PullRecord(imageRef: found.id, lastUpdated: time))
                    }
                    try Files.removeIfPresent(intentPath(image))
                }
            }
        }
    }

    /// Forgets images that are gone: those without one in `present`, which was looked up at `time`.
    func prune(_ present: [KubeletImage], at time: String) throws {
        let identifiers = Set(present.map(\.id))
        try underWay.withLock { _ in
            for record in try documents("pulled").compactMap(PullRecord.init)
            where !identifiers.contains(record.imageRef) && record.lastUpdated < time {
                try Files.removeIfPresent(recordPath(record.imageRef))
            }
        }
    }

    // MARK: Files

    private func intentPath(_ image: String) -> String { path("pulling", image) }
    private func recordPath(_ imageRef: String) -> String { path("pulled", imageRef) }

    private func path(_ folder: String, _ name: String) -> String {
        "\(directory)/\(folder)/sha256-\(Hex.encode(Digest.hash(Array(name.utf8))))"
    }

    private func read(_ imageRef: String) throws -> PullRecord? {
        let bytes: [UInt8]
        do { bytes = try Files.readRegular(recordPath(imageRef), limit: 1 << 20) } catch {
            if error.isNotFound { return nil }
            throw error
        }
        guard let record = PullRecord(try JSONValue.parse(bytes)), record.imageRef == imageRef else {
            throw Errno(EINVAL, "read \(recordPath(imageRef)): it is no record of \(imageRef)")
        }
        return record
    }

    private func write(_ record: PullRecord) throws {
        try Files.makeDirectories(directory + "/pulled", mode: 0o700)
        try Files.replace(recordPath(record.imageRef), with: record.json.encoded(), mode: 0o600)
    }

    private func documents(_ folder: String) throws -> [JSONValue] {
        guard Files.exists("\(directory)/\(folder)") else { return [] }
        return try Files.list("\(directory)/\(folder)").filter { $0.name.hasPrefix("sha256-") }.compactMap { entry in
            let path = "\(directory)/\(folder)/\(entry.name)"
            do { return try JSONValue.parse(Files.readRegular(path, limit: 1 << 20)) } catch {
                // As if it were not there: whoever wants the image has the registry asked.
                logger.warning("read a note of a pull", ["file": path, "error": "\(error)"])
                return nil
            }
        }
    }
}
