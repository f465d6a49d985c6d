// SPDX-License-Identifier: Apache-2.0

public import Linux

/// Which descriptor of this process becomes which number of a child. What is not named here is closed in the child;
/// 0, 1 and 2 are /dev/null unless named.
public struct DescriptorMap: Sendable, ExpressibleByDictionaryLiteral {
    /// Child's number to this process's number. The numbers are borrowed: keep the owners alive until `spawn` returns.
    var numbers: [Int32: Int32]

    public init() { numbers = [:] }

    public init(dictionaryLiteral elements: (Int32, Int32)...) {
        numbers = Dictionary(elements, uniquingKeysWith: { _, last in last })
    }

    public init(_ numbers: [Int32: Int32]) { self.numbers = numbers }

    /// The child's `number` is a copy of `file`.
    public mutating func map(_ file: borrowing FileDescriptor, to number: Int32) { numbers[number] = file.raw }

    /// The child's `number` is this process's `number`.
    public mutating func inherit(_ number: Int32) { numbers[number] = number }

    /// 0, 1 and 2 of this process.
    public static var standard: DescriptorMap { [0: 0, 1: 1, 2: 2] }
}

/// What a child may differ in from its parent, beside its program.
public struct SpawnOptions: Sendable {
    public var workingDirectory: String?
    /// The number of a descriptor of a cgroup v2 directory: the child starts there (CLONE_INTO_CGROUP).
    public var cgroup: Int32?
    /// Numbers of namespace descriptors the child joins, in this order, before anything else.
    public var joinNamespaces: [Int32] = []
    /// CLONE_NEW* bits: namespaces the child starts in new.
    public var newNamespaces: UInt64 = 0
    /// setsid(2).
    public var newSession = false
    /// setpgid(0, this): 0 makes a group of its own.
    public var processGroup: Int32?
    /// The child's descriptor that becomes its controlling terminal; needs `newSession`.
    public var controllingTerminal: Int32?
    /// PR_SET_PDEATHSIG: sent when the spawning thread (not process) ends.
    public var parentDeathSignal: Int32?
    /// The user and group to become, with no supplementary groups.
    public var identity: Identity?

    public struct Identity: Sendable, Hashable {
        public var user: UInt32
        public var group: UInt32
        public init(user: UInt32, group: UInt32) {
            self.user = user
            self.group = group
        }
    }

    public init() {}
}

/// A program that could not be started: what, at which step, why.
public struct SpawnError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Step: Int32, Sendable, Hashable {
        case clone, joinNamespace, newSession, processGroup, controllingTerminal, descriptors, workingDirectory
        case parentDeathSignal, identity, execute

        var words: String {
            switch self {
            case .clone: "clone3"
            case .joinNamespace: "join namespace"
            case .newSession: "setsid"
            case .processGroup: "setpgid"
            case .controllingTerminal: "set controlling terminal"
            case .descriptors: "place descriptors"
            case .workingDirectory: "chdir"
            case .parentDeathSignal: "prctl PR_SET_PDEATHSIG"
            case .identity: "set user and group"
            case .execute: "execve"
            }
        }
    }

    public var executable: String
    public var step: Step
    public var cause: Errno

    public var description: String { "start \(executable): \(step.words): \(cause.reason)" }
}
