// SPDX-License-Identifier: Apache-2.0

/// Which of its addresses a Node has by more than its own word, as the API server notes it in an annotation of the object:
/// the node asked from them, or somebody who is no node wrote them down.
public enum ProvenAddresses {
    /// The annotation; its value is a list of addresses with commas between. A node cannot write it.
    public static let annotation = "swiftlet.internal/proven-addresses"

    /// The addresses in an object's annotations, as they are written there.
    public static func texts(_ annotations: [String: String]) -> [String] { texts(annotations[annotation] ?? "") }

    /// The addresses in the annotation's value.
    public static func texts(_ value: String) -> [String] {
        value.split(separator: ",").map { text in String(text.drop { $0 == " " }) }.filter { !$0.isEmpty }
    }
}

/// From where a Node was made, as the API server notes it in an annotation of the object: the address a node asked from
/// when it made its own. Nodes that somebody else made have none, nor has one beside the API server in one process.
public enum NodeOrigin {
    /// The annotation. A node cannot write it; who may write Nodes takes it away from one that is to count for itself.
    public static let annotation = "swiftlet.internal/joined-from"
}

/// With which client certificate a Node was made, as the API server notes it in an annotation of the object. A name that
/// is free may have been given to several machines, one after the other: of their certificates only the one that made the
/// Node counts for it, and what it has had issued since. Nodes that an administrator made have none, and every certificate
/// of their names counts.
public enum NodeMaker {
    /// The annotation: the SHA-256 of the certificate in hexadecimal. Nobody writes or takes it away but the API server.
    public static let annotation = "swiftlet.internal/joined-with"
    /// What stands there where a node beside the API server in one process made its Node: it needs no certificate.
    public static let noCertificate = "none"
    /// For how many seconds after a Node says it was made nothing that was asked for or issued counts as later: a Node is
    /// there a moment after its time, and a request was let in a moment before its own.
    public static let settling: Int64 = 10
}
