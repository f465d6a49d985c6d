// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

/// A typed look at a JSON object: fields read and write through to it, and what the view does not know is kept.
public protocol KubeView: Sendable, Hashable {
    var json: JSONObject { get set }
    init(json: JSONObject)
}

/// A view of an object that has a collection of its own.
public protocol KubeObject: KubeView {
    static var resource: ResourceID { get }
}
