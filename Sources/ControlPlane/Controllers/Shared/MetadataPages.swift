// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

extension KubeClient {
    /// Only metadata is looked at: whatever objects hold is not sent about.
    static let metadataOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json"

    /// Goes over the metadata of all objects of a resource as the server has them now, some hundred at a time.
    ///
    /// - Parameter namespace: Empty for all namespaces, and for what is in none.
    func forEachMetadata(_ id: ResourceID, namespace: String, _ body: (JSONObject) -> Void) async throws {
        var token = ""
        repeat {
            var query: [(name: String, value: String)] = [("limit", "500")]
            if !token.isEmpty { query.append(("continue", token)) }
            let page = try await request(
                "GET", KubeClient.path(id, namespace: namespace.isEmpty ? nil : namespace), query: query,
                accept: Self.metadataOnly)
            for object in (page["items"]?.array ?? []).compactMap(\.object) { body(object) }
            token = page["metadata"]?["continue"]?.string ?? ""
        } while !token.isEmpty
    }
}
