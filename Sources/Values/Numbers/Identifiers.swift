// SPDX-License-Identifier: Apache-2.0

/// A user's number, 0 to 4,294,967,294. The number above is `(uid_t)-1`, by which setresuid(2) and chown(2) mean "leave
/// it as it is": who asks for that user stays root. This type cannot hold it (the class of CVE-2024-40635).
public struct UserID: Sendable, Hashable {
    public let number: UInt32

    public static let root = UserID(checked: 0)

    private init(checked number: UInt32) { self.number = number }

    /// Nil for what is no user's number.
    public init?(_ number: some BinaryInteger) {
        guard let number = UInt32(number, in: IdentifierRange.all) else { return nil }
        self.init(checked: number)
    }

    /// Reads decimal digits; nil for what is no user's number.
    public init?(_ text: some StringProtocol) {
        guard let number = UInt32(text, in: IdentifierRange.all) else { return nil }
        self.init(checked: number)
    }

    /// Of a pod or an image: nil beyond `IdentifierRange.named`.
    public init?(named number: some BinaryInteger) {
        guard let number = UInt32(number, in: IdentifierRange.named) else { return nil }
        self.init(checked: number)
    }

    /// Of a pod or an image, in decimal digits.
    public init?(named text: some StringProtocol) {
        guard let number = UInt32(text, in: IdentifierRange.named) else { return nil }
        self.init(checked: number)
    }

    public var isRoot: Bool { number == 0 }
}

/// A group's number, 0 to 4,294,967,294: see `UserID`.
public struct GroupID: Sendable, Hashable {
    public let number: UInt32

    public static let root = GroupID(checked: 0)

    private init(checked number: UInt32) { self.number = number }

    /// Nil for what is no group's number.
    public init?(_ number: some BinaryInteger) {
        guard let number = UInt32(number, in: IdentifierRange.all) else { return nil }
        self.init(checked: number)
    }

    /// Reads decimal digits; nil for what is no group's number.
    public init?(_ text: some StringProtocol) {
        guard let number = UInt32(text, in: IdentifierRange.all) else { return nil }
        self.init(checked: number)
    }

    /// Of a pod or an image: nil beyond `IdentifierRange.named`.
    public init?(named number: some BinaryInteger) {
        guard let number = UInt32(number, in: IdentifierRange.named) else { return nil }
        self.init(checked: number)
    }

    /// Of a pod or an image, in decimal digits.
    public init?(named text: some StringProtocol) {
        guard let number = UInt32(text, in: IdentifierRange.named) else { return nil }
        self.init(checked: number)
    }
}

/// What the numbers of users and groups may be.
public enum IdentifierRange {
    /// What the kernel can tell from "no change".
    public static let all: ClosedRange<UInt32> = 0...(UInt32.max - 1)
    /// What pods and images may name: upstream's bound, that of a signed number.
    public static let named: ClosedRange<UInt32> = 0...UInt32(Int32.max)
}

extension UserID: CustomStringConvertible {
    public var description: String { "\(number)" }
}

extension GroupID: CustomStringConvertible {
    public var description: String { "\(number)" }
}
