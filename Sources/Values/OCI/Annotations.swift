// SPDX-License-Identifier: Apache-2.0

/// Annotations of a configuration that the runtime knows.
public enum Annotations {
    /// The inode of the pid namespace that is to be joined. The path to it may name a process's number, which can be
    /// another's by the time it is opened: then the container is refused.
    public static let processNamespace = "dev.swiftlet.joined-pid-namespace"
}
