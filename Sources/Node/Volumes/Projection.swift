// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Numbers

/// The files of a configMap, secret, downwardAPI or projected volume.
struct Projection: Sendable {
    let volume: Volume
    let pod: Pod
    let sources: any VolumeSources
    /// Keeps tokens between refreshes.
    let token: @Sendable (String, @escaping @Sendable () async throws -> PodToken) async throws -> PodToken

    private var namespace: String { pod.metadata.namespace ?? "" }

    func files(_ reads: inout VolumeReads) async throws -> [String: ProjectedFile] {
        if let source = volume.configMap {
            return try await configMap(
                source.name ?? "", source.items, mode: source.defaultMode, optional: source.optional == true, &reads)
        }
        if let source = volume.secret {
            return try await secret(
                source.secretName ?? "", source.items, mode: source.defaultMode, optional: source.optional == true,
                &reads)
        }
        if let source = volume.downwardAPI { return try await downward(source.items, mode: source.defaultMode) }
        guard let source = volume.projected else { return [:] }
        var all: [String: ProjectedFile] = [:]
        for part in source.sources {
            // A later source wins where two name one path.
            all.merge(try await files(of: part, mode: source.defaultMode, &reads)) { $1 }
        }
        return all
    }

    private func files(
        of part: VolumeProjection, mode: Int?, _ reads: inout VolumeReads
    ) async throws -> [String: ProjectedFile] {
        if let source = part.configMap {
            return try await configMap(
                source.name ?? "", source.items, mode: mode, optional: source.optional == true, &reads)
        }
        if let source = part.secret {
            return try await secret(
                source.name ?? "", source.items, mode: mode, optional: source.optional == true, &reads)
        }
        if let source = part.downwardAPI { return try await downward(source.items, mode: mode) }
        if let source = part.serviceAccountToken { return try await serviceAccountToken(source, mode: mode) }
        let kinds = part.json.keys.joined(separator: ", ")
        throw MountFailure(.refused, volume: volume.name, "this node cannot project a source of type \(kinds)")
    }

    private func serviceAccountToken(
        _ source: ServiceAccountTokenProjection, mode: Int?
    ) async throws -> [String: ProjectedFile] {
        let seconds = source.expirationSeconds ?? 3600
        // However many files hold it.
        let key = "\(source.audience ?? "")/\(seconds)"
        let (sources, pod) = (sources, pod)
        let made = try await token(key) {
            try await sources.token(for: pod, audience: source.audience, seconds: seconds)
        }
        // A non-root user that all containers share owns its token, and nobody else reads it; with a group, the group does.
        let users = Set(
            (pod.spec.containers + pod.spec.initContainers).map {
                $0.securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser
            })
        var permissions = UInt32(mode ?? 0o644, in: 0...0o777) ?? 0o644
        var owner: UserID?
        if pod.spec.securityContext?.fsGroup != nil {
            permissions = 0o640
        } else if users.count == 1, let user = users.first.flatMap({ $0 }) {
            permissions = 0o600
            guard let named = UserID(named: user) else {
                throw MountFailure(.refused, volume: volume.name, "runAsUser \(user) is no user")
            }
            owner = named
        }
        return [source.path: ProjectedFile(bytes: Array(made.token.utf8), mode: permissions, user: owner?.number)]
    }

    private func configMap(
        _ name: String, _ items: [KeyToPath], mode: Int?, optional: Bool, _ reads: inout VolumeReads
    ) async throws -> [String: ProjectedFile] {
        let content = try await reads.content(of: .init(isSecret: false, name: name)) {
            guard let object = try await sources.configMap(namespace: namespace, name: name) else { return nil }
            var content = object.binaryData
            for (key, text) in object.data { content[key] = Array(text.utf8) }
            return content
        }
        guard let content else {
            if optional { return [:] }
            throw MountFailure(volume: volume.name, "configmap \"\(name)\" not found")
        }
        return try select(content, items, mode, optional, "configmap \(namespace)/\(name)")
    }

    private func secret(
        _ name: String, _ items: [KeyToPath], mode: Int?, optional: Bool, _ reads: inout VolumeReads
    ) async throws -> [String: ProjectedFile] {
        let content = try await reads.content(of: .init(isSecret: true, name: name)) {
            try await sources.secret(namespace: namespace, name: name)?.data
        }
        guard let content else {
            if optional { return [:] }
            throw MountFailure(volume: volume.name, "secret \"\(name)\" not found")
        }
        return try select(content, items, mode, optional, "secret \(namespace)/\(name)")
    }

    /// All keys under their names, or those asked for under the paths given.
    private func select(
        _ content: [String: [UInt8]], _ items: [KeyToPath], _ mode: Int?, _ optional: Bool, _ what: String
    ) throws -> [String: ProjectedFile] {
        let usual = withGroup(mode ?? 0o644)
        guard !items.isEmpty else { return content.mapValues { ProjectedFile(bytes: $0, mode: usual) } }
        var files: [String: ProjectedFile] = [:]
        for item in items {
            guard let bytes = content[item.key] else {
                if optional { continue }
                throw MountFailure(volume: volume.name, "\(what) references non-existent key: \(item.key)")
            }
            files[item.path] = ProjectedFile(bytes: bytes, mode: item.mode.map { withGroup($0) } ?? usual)
        }
        return files
    }

    private func downward(_ items: [DownwardAPIVolumeFile], mode: Int?) async throws -> [String: ProjectedFile] {
        var files: [String: ProjectedFile] = [:]
        for item in items {
            let text =
                if let field = item.fieldRef {
                    try await sources.field(field.fieldPath, of: pod)
                } else if let resource = item.resourceFieldRef {
                    try await sources.resource(resource, of: pod)
                } else { "" }
            files[item.path] = ProjectedFile(bytes: Array(text.utf8), mode: withGroup(item.mode ?? mode ?? 0o644))
        }
        return files
    }

    /// With an fsGroup its members may read whatever the owner may.
    private func withGroup(_ mode: Int) -> UInt32 {
        // The API server lets no other pass.
        let mode = UInt32(mode, in: 0...0o777) ?? 0o644
        return pod.spec.securityContext?.fsGroup == nil ? mode : mode | 0o440
    }
}
