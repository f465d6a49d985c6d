// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeAPI
internal import KubeClient
internal import Linux
internal import Synchronization
internal import TLS
internal import Text

/// Who may use the kubelet's server: a verified client certificate or a token the API server vouches for, and then the
/// API server's word on `nodes/<subresource>` (kubelet authentication and authorization), as far as the configuration
/// asks for these.
final class KubeletAuthorization: Sendable {
    private struct Cache {
        var users: [String: (user: RequestUser?, until: ContinuousClock.Instant)] = [:]
        var verdicts: [Question: (allowed: Bool, until: ContinuousClock.Instant)] = [:]
    }

    /// What the API server is asked. By bytes, as it compares names itself: two spellings of one name are two users.
    struct Question: Hashable {
        var user: RequestUser
        var verb: String
        var subresource: String

        /// What of the user is told.
        private var texts: [String] { [user.name, user.uid] + user.groups }

        static func == (one: Question, other: Question) -> Bool {
            let (texts, others) = (one.texts, other.texts)
            return one.verb.isExactly(other.verb) && one.subresource.isExactly(other.subresource)
                && texts.count == others.count && zip(texts, others).allSatisfy { $0.isExactly($1) }
        }

        func hash(into hasher: inout Hasher) {
            for text in texts { text.hashBytes(into: &hasher) }
            verb.hashBytes(into: &hasher)
            subresource.hashBytes(into: &hasher)
        }
    }

    private let client: KubeClient?
    private let nodeName: String
    private let configuration: KubeletConfiguration
    private let cache = Mutex(Cache())

    /// Asks through `client`; without one (static pods only) the API server vouches for nobody and allows nothing.
    init(client: KubeClient?, nodeName: String, configuration: KubeletConfiguration) {
        self.client = client
        self.nodeName = nodeName
        self.configuration = configuration
    }

    /// Nil when the request may go on, else the refusal.
    func refusal(of request: HTTPRequest, for route: KubeletRoute) async -> HTTPResponse? {
        do {
            guard let user = try await authenticate(request) else {
                return .text("Unauthorized", status: 401)
            }
            if configuration.authorizationMode == "AlwaysAllow" {
                // That all whom the kubelet knows may do everything does not mean that nobody has to be known.
                if user == Self.anonymous, !route.isHealth { return .text("Unauthorized", status: 401) }
                vouch(for: user, request)
                return nil
            }
            for subresource in route.subresources
            where try await allows(Question(user: user, verb: route.verb, subresource: subresource)) {
                vouch(for: user, request)
                return nil
            }
            let wanted = route.subresources.map { "nodes/\($0)" }.joined(separator: " or ")
            return .text(
                "Forbidden (user=\(user.name), verb=\(route.verb), resource=\(wanted))", status: 403)
        } catch {
            // Without the API server's word nothing is allowed, and the client may come again.
            return .text("Internal Error: \(error)", status: 500)
        }
    }

    /// Whoever may do something here is no stranger; that he is somebody is not enough.
    private func vouch(for user: RequestUser, _ request: HTTPRequest) {
        if user != Self.anonymous { request.context.standing?.vouch(for: BudgetHolder(user)) }
    }

    // MARK: - Who

    private func authenticate(_ request: HTTPRequest) async throws -> RequestUser? {
        var isRefused = false
        // Without authorities to check it by, a certificate says nothing.
        if let certificate = request.context.clientCertificate, !configuration.clientCAFile.isEmpty {
            if certificate.isVerified, certificate.isValid(at: KernelClock.wall.now() / 1_000_000_000) {
                return RequestUser(
                    name: certificate.commonName, groups: certificate.organizations + ["system:authenticated"])
            }
            isRefused = true
        }
        if configuration.webhookAuthentication, let header = request.headers["Authorization"],
            header.hasPrefix("Bearer ")
        {
            if let user = try await review(token: String(header.dropFirst("Bearer ".count))) { return user }
            isRefused = true
        }
        // Whoever shows what does not count is not let in as nobody instead.
        guard configuration.anonymousAuthentication, !isRefused else { return nil }
        return Self.anonymous
    }

    private static let anonymous = RequestUser(name: "system:anonymous", groups: ["system:unauthenticated"])

    private func review(token: String) async throws -> RequestUser? {
        // The digest, not the token: a cache must not be a list of secrets.
        let key = Hex.encode(Digest.hash(Array(token.utf8)))
        if let known = cache.withLock({ $0.users[key] }), known.until > .now { return known.user }
        guard let client else { return nil }
        var review = TokenReview(json: [:])
        review.spec.token = token
        let status = try await client.create(review).status
        let user =
            status.authenticated == true
            ? RequestUser(
                name: status.user?.username ?? "", uid: status.user?.uid ?? "", groups: status.user?.groups ?? [])
            : nil
        cache.withLock { cache in
            Self.makeRoom(in: &cache.users) { $0.until }
            cache.users[key] = (user, .now + .seconds(user == nil ? 10 : 120))
        }
        return user
    }

    // MARK: - What

    private func allows(_ question: Question) async throws -> Bool {
        if let known = cache.withLock({ $0.verdicts[question] }), known.until > .now { return known.allowed }
        guard let client else { return false }
        let attributes: JSONObject = [
            "verb": .string(question.verb), "version": "v1", "resource": "nodes",
            "subresource": .string(question.subresource), "name": .string(nodeName),
        ]
        let review = SubjectAccessReview(json: [
            "spec": [
                "user": .string(question.user.name), "uid": .string(question.user.uid),
                "groups": .array(question.user.groups.map { .string($0) }), "resourceAttributes": .object(attributes),
            ]
        ])
        let allowed = try await client.create(review).status.allowed
        cache.withLock { cache in
            Self.makeRoom(in: &cache.verdicts) { $0.until }
            cache.verdicts[question] = (allowed, .now + .seconds(allowed ? 300 : 30))
        }
        return allowed
    }

    /// Forgets what is over, and everything when that is not enough: anybody may come with tokens without end.
    private static func makeRoom<Key, Value>(
        in entries: inout [Key: Value], until: (Value) -> ContinuousClock.Instant
    ) {
        guard entries.count >= 1000 else { return }
        entries = entries.filter { until($0.value) > .now }
        if entries.count >= 1000 { entries = [:] }
    }
}
