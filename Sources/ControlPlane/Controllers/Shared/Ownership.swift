// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// One row of `metadata.ownerReferences`.
struct OwnerReference: Sendable, Hashable {
    var apiVersion: String
    var kind: String
    var name: String
    var uid: String
    var isController: Bool
    var blocksDeletion: Bool

    init(_ json: JSONValue) {
        apiVersion = json["apiVersion"]?.string ?? ""
        kind = json["kind"]?.string ?? ""
        name = json["name"]?.string ?? ""
        uid = json["uid"]?.string ?? ""
        isController = json["controller"]?.bool ?? false
        blocksDeletion = json["blockOwnerDeletion"]?.bool ?? false
    }

    /// The reference by which `owner` controls an object.
    init(controller owner: JSONObject, resource: ResourceID) {
        apiVersion = resource.apiVersion
        kind = resource.kind
        name = owner.objectName
        uid = owner.objectUID
        isController = true
        blocksDeletion = true
    }

    var json: JSONValue {
        [
            "apiVersion": .string(apiVersion), "kind": .string(kind), "name": .string(name), "uid": .string(uid),
            "controller": .bool(isController), "blockOwnerDeletion": .bool(blocksDeletion),
        ]
    }
}

extension JSONObject {
    var ownerReferences: [OwnerReference] { array("metadata", "ownerReferences").map(OwnerReference.init) }

    /// The owner that controls the object; there is one at most.
    var controllerReference: OwnerReference? {
        for reference in array("metadata", "ownerReferences") where reference["controller"]?.bool == true {
            return OwnerReference(reference)
        }
        return nil
    }

    func isControlled(by owner: JSONObject) -> Bool {
        controllerReference?.uid == owner.objectUID && objectNamespace == owner.objectNamespace
    }
}

/// What a controller does about an object that it controls or could.
enum Claim: Equatable {
    case keep
    case adopt
    case release
    case ignore

    /// Decides by selector and present controller, as upstream's reference manager does.
    ///
    /// - Parameter ownerIsDeleted: An owner being deleted neither adopts nor releases.
    static func decide(
        _ object: JSONObject, owner: JSONObject, matches: Bool, ownerIsDeleted: Bool
    ) -> Claim {
        // What another namespace says of its owners is no owner's concern.
        guard object.objectNamespace == owner.objectNamespace else { return .ignore }
        if let reference = object.controllerReference {
            guard reference.uid == owner.objectUID else { return .ignore }
            if matches { return .keep }
            return ownerIsDeleted ? .ignore : .release
        }
        if ownerIsDeleted || !matches || object.objectIsBeingDeleted { return .ignore }
        return .adopt
    }
}

/// Adopts and releases objects for an owner.
struct ClaimManager: Sendable {
    var client: KubeClient
    var owner: JSONObject
    var ownerResource: ResourceID
    var resource: ResourceID
    /// Put on adopted objects besides the reference: the finalizer of Jobs.
    var finalizer: String?

    /// The objects that are the owner's, after adopting orphans that match and releasing those that no longer do.
    func claim(_ objects: [JSONObject], matching: (JSONObject) -> Bool) async throws -> [JSONObject] {
        var claimed: [JSONObject] = []
        var checked = false
        for object in objects {
            switch Claim.decide(
                object, owner: owner, matches: matching(object), ownerIsDeleted: owner.objectIsBeingDeleted)
            {
            case .ignore: continue
            case .keep: claimed.append(object)
            case .adopt:
                if !checked {
                    // The cache may be behind: an owner already deleted must not adopt what is to be collected.
                    let fresh = try await client.get(
                        ownerResource, namespace: owner.objectNamespace, name: owner.objectName)
                    guard fresh.objectUID == owner.objectUID, !fresh.objectIsBeingDeleted else { return claimed }
                    checked = true
                }
                if let adopted = try await adopt(object) { claimed.append(adopted) }
            case .release: try await release(object)
            }
        }
        return claimed
    }

    private func adopt(_ object: JSONObject) async throws -> JSONObject? {
        var metadata: JSONObject = [
            "ownerReferences": [OwnerReference(controller: owner, resource: ownerResource).json],
            "uid": .string(object.objectUID),
        ]
        if let finalizer { metadata["finalizers"] = [.string(finalizer)] }
        do {
            return try await client.patch(
                resource, namespace: object.objectNamespace, name: object.objectName,
                body: ["metadata": .object(metadata)])
        } catch  where error.isNotFound {
            return nil
        } catch let error as StatusError where error.isConflict || error.isInvalid {
            // Another controller was faster, or the object was made anew.
            return nil
        }
    }

    private func release(_ object: JSONObject) async throws {
        var metadata: JSONObject = [
            "ownerReferences": [["$patch": "delete", "uid": .string(owner.objectUID)]],
            "uid": .string(object.objectUID),
        ]
        if let finalizer { metadata["$deleteFromPrimitiveList/finalizers"] = [.string(finalizer)] }
        do {
            _ = try await client.patch(
                resource, namespace: object.objectNamespace, name: object.objectName,
                body: ["metadata": .object(metadata)])
        } catch let error as StatusError where error.isNotFound || error.isConflict || error.isInvalid {
            // Gone, or no longer the object that was meant: nothing is left to release.
        }
    }
}

extension InformerChange<DynamicObject> {
    /// Whether an object without an owner may have become somebody's with this change: who selects it goes by its labels.
    var mayBeAdopted: Bool {
        switch self {
        case .added: true
        case .updated(let old, let new):
            ["labels", "ownerReferences"].contains {
                old.json.value("metadata", $0) != new.json.value("metadata", $0)
            }
        case .deleted: false
        }
    }
}
