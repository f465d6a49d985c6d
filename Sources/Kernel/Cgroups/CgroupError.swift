// SPDX-License-Identifier: Apache-2.0

public import Linux

/// A cgroup operation that failed: what, on which cgroup, why.
public struct CgroupError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Cause: Sendable, Hashable {
        /// The kernel or the parent cgroups do not offer this controller here. Callers may go on without.
        case missingController(String)
        case noHierarchy
        case kernel(Errno)
        case invalid(String)
        /// Processes were still in it after the time given.
        case busy
    }

    public var operation: String
    public var cgroup: String
    public var cause: Cause

    public init(_ operation: String, _ cgroup: String, _ cause: Cause) {
        self.operation = operation
        self.cgroup = cgroup
        self.cause = cause
    }

    public var isMissingController: Bool { if case .missingController = cause { true } else { false } }

    public var description: String {
        let reason =
            switch cause {
            case .missingController(let name): "the controller \(name) is not available"
            case .noHierarchy: "no cgroup2 filesystem is mounted"
            case .kernel(let error): error.reason
            case .invalid(let text): text
            case .busy: "processes are still running in it"
            }
        return "cgroup \(cgroup): \(operation): \(reason)"
    }
}
