// SPDX-License-Identifier: Apache-2.0

public import Synchronization

/// A value on its way into the store.
public struct NewValue: Sendable {
    /// The bytes to keep.
    public var bytes: [UInt8]
    /// Where in `bytes` the store writes the decimal digits of the revision that it gives the value, if anywhere.
    public var revisionOffset: Int?
    /// Whether whoever made the bytes vouches for them.
    public var isKnownSound = false
    /// What room there is for it when there is none for everybody.
    public var claim = SpaceClaim.none
    /// What is kept with the stored object from the beginning (`StoredObject.memo`).
    public var memo: (any AnyObject & Sendable)?
    /// The object that this one may only be written beside, as it was found: at this revision.
    public var beside: StoredObject?
    /// What it counts of the store's quota, once that is known.
    var counted: Int?

    /// A value whose revision goes to `revisionOffset`.
    public init(_ bytes: [UInt8], revisionOffset: Int? = nil) {
        self.bytes = bytes
        self.revisionOffset = revisionOffset
    }
}

/// What of a store's reserves a write may use (`StoreSpace`).
public enum SpaceClaim: Sendable, Equatable {
    case none
    /// A part of the first: of those there may be many, and each counts for himself.
    case part(of: String)
    /// The second.
    case components
    /// All of them, with a third that is for nobody else.
    case everything
}

/// One revision of one key. Immutable, shared by the live index, the recent history and every reader.
public final class StoredObject: Sendable {
    /// The key.
    public let key: String
    /// The revision that wrote this value.
    public let revision: Int64
    /// The revision that created the key.
    public let created: Int64
    /// The bytes, with the revision in place.
    public let bytes: [UInt8]
    /// Where the revision's digits are within `bytes`; empty when the value asked for none.
    public let revisionDigits: Range<Int>
    /// What the owner of the values derived from `bytes` (labels, for instance), kept with them.
    public let memo: Mutex<(any AnyObject & Sendable)?>
    /// What the owner of the values found out about `bytes`; a value just written says it itself, one from disk says nothing.
    public let soundness: Atomic<Soundness>

    private let countedOnce: Atomic<Int>

    /// What the value counts of the store's quota.
    func counted(by rule: (_ key: String, _ value: [UInt8]) -> Int) -> Int {
        let known = countedOnce.load(ordering: .relaxed)
        if known >= 0 { return known }
        let counted = rule(key, bytes)
        countedOnce.store(counted, ordering: .relaxed)
        return counted
    }

    /// Whether the owner of the values can read one.
    public enum Soundness: UInt8, AtomicRepresentable, Sendable {
        case unknown, sound, unsound
    }

    init(key: String, revision: Int64, created: Int64, value: NewValue) {
        self.key = key
        self.revision = revision
        self.created = created
        memo = Mutex(value.memo)
        soundness = Atomic(value.isKnownSound ? .sound : .unknown)
        countedOnce = Atomic(value.counted ?? -1)
        (bytes, revisionDigits) = Self.splice(value, revision)
    }

    /// The bytes with `revision` in place of their own: the last state of a deleted object carries the revision of the
    /// deletion.
    public func bytes(at revision: Int64) -> [UInt8] {
        guard !revisionDigits.isEmpty, revision != self.revision else { return bytes }
        var result = [UInt8]()
        result.reserveCapacity(bytes.count + 4)
        result += bytes[..<revisionDigits.lowerBound]
        result += String(revision).utf8
        result += bytes[revisionDigits.upperBound...]
        return result
    }

    /// The value as it was given, without the revision.
    var original: NewValue {
        guard !revisionDigits.isEmpty else { return NewValue(bytes) }
        return NewValue(
            Array(bytes[..<revisionDigits.lowerBound] + bytes[revisionDigits.upperBound...]),
            revisionOffset: revisionDigits.lowerBound)
    }

    private static func splice(_ value: NewValue, _ revision: Int64) -> ([UInt8], Range<Int>) {
        guard let offset = value.revisionOffset else { return (value.bytes, 0..<0) }
        precondition(offset >= 0 && offset <= value.bytes.count, "the revision goes inside the value")
        let digits = String(revision).utf8
        var result = [UInt8]()
        result.reserveCapacity(value.bytes.count + digits.count)
        result += value.bytes[..<offset]
        result += digits
        result += value.bytes[offset...]
        return (result, offset..<(offset + digits.count))
    }
}

/// One change of one key, in the order of revisions.
public struct StoreEvent: Sendable {
    /// The revision of the change.
    public let revision: Int64
    /// The key.
    public let key: String
    /// The value after the change; nil when the key was deleted.
    public let object: StoredObject?
    /// The value before the change; nil when the key was created.
    public let previous: StoredObject?
}

/// A page of a list, all of it as it was at `revision`.
public struct ListPage: Sendable {
    /// The objects in the order of their keys.
    public var objects: [StoredObject]
    /// The revision of the whole list.
    public var revision: Int64
    /// How many more objects follow the page.
    public var remaining: Int
}
