// SPDX-License-Identifier: Apache-2.0

import Glibc
public import JSON
import Linux
internal import Text
import YAML

/// Why a kubeconfig cannot be used.
public struct KubeconfigError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}

/// A kubeconfig file: clusters, users and contexts by name.
public struct Kubeconfig: Sendable, Hashable {
    public struct Cluster: Sendable, Hashable {
        public var server: String
        /// PEM, inline.
        public var certificateAuthorityData: [UInt8]?
        /// A path, relative to the file's folder.
        public var certificateAuthority: String?
        public var insecureSkipTLSVerify = false
        public var tlsServerName: String?

        public init(server: String, certificateAuthorityData: [UInt8]? = nil) {
            self.server = server
            self.certificateAuthorityData = certificateAuthorityData
        }
    }

    public struct User: Sendable, Hashable {
        public var clientCertificateData: [UInt8]?
        public var clientCertificate: String?
        public var clientKeyData: [UInt8]?
        public var clientKey: String?
        public var token: String?
        public var tokenFile: String?
        public var username: String?
        public var password: String?
        /// Names the plugin of an `exec` or `auth-provider` section: kept to refuse it by name.
        public var plugin: String?

        public init() {}
    }

    public struct Context: Sendable, Hashable {
        public var cluster: String
        public var user: String
        public var namespace: String?

        public init(cluster: String, user: String, namespace: String? = nil) {
            self.cluster = cluster
            self.user = user
            self.namespace = namespace
        }
    }

    public var clusters: [(name: String, cluster: Cluster)] = []
    public var users: [(name: String, user: User)] = []
    public var contexts: [(name: String, context: Context)] = []
    public var currentContext = ""
    /// Where relative paths start.
    public var folder = ""

    public init() {}

    /// A file with one context, as an installer writes it.
    public init(name: String, cluster: Cluster, user: String, credentials: User) {
        clusters = [(name, cluster)]
        users = [(user, credentials)]
        contexts = [(name, Context(cluster: name, user: user))]
        currentContext = name
    }

    public static func == (left: Kubeconfig, right: Kubeconfig) -> Bool { left.json == right.json }
    public func hash(into hasher: inout Hasher) { hasher.combine(json) }

    // MARK: Reading

    public init(path: String) throws {
        let bytes: [UInt8]
        do {
            bytes = try FileDescriptor.open(path, O_RDONLY).readAll()
        } catch {
            throw KubeconfigError("read the kubeconfig \(path): \(error)")
        }
        do {
            try self.init(yaml: bytes)
        } catch {
            throw KubeconfigError("read the kubeconfig \(path): \(error)")
        }
        if let slash = path.lastSlash { folder = String(path[..<slash]) }
    }

    public init(yaml: [UInt8]) throws {
        guard let document = try YAML.parse(yaml).first, let object = document.object else {
            throw KubeconfigError("the document is not a map")
        }
        if let kind = object["kind"]?.string, kind != "Config" {
            throw KubeconfigError("its kind is \(kind), not Config")
        }
        currentContext = object["current-context"]?.string ?? ""
        for entry in object["clusters"]?.array ?? [] {
            guard let name = entry["name"]?.string else { throw KubeconfigError("a cluster has no name") }
            clusters.append((name, try Cluster(json: entry["cluster"], name: name)))
        }
        for entry in object["users"]?.array ?? [] {
            guard let name = entry["name"]?.string else { throw KubeconfigError("a user has no name") }
            users.append((name, try User(json: entry["user"], name: name)))
        }
        for entry in object["contexts"]?.array ?? [] {
            guard let name = entry["name"]?.string else { throw KubeconfigError("a context has no name") }
            let context = entry["context"]
            contexts.append(
                (
                    name,
                    Context(
                        cluster: context?["cluster"]?.string ?? "", user: context?["user"]?.string ?? "",
                        namespace: context?["namespace"]?.string)
                ))
        }
    }

    /// The cluster, user and namespace of a context; of the current one when none is named.
    public func resolve(context name: String? = nil) throws -> (cluster: Cluster, user: User, namespace: String) {
        let name = name ?? currentContext
        guard !name.isEmpty else { throw KubeconfigError("the kubeconfig names no current context") }
        guard let context = contexts.first(where: { $0.name == name })?.context else {
            throw KubeconfigError("the kubeconfig has no context \"\(name)\"")
        }
        guard let cluster = clusters.first(where: { $0.name == context.cluster })?.cluster else {
            throw KubeconfigError("the context \"\(name)\" names the missing cluster \"\(context.cluster)\"")
        }
        let user = users.first { $0.name == context.user }?.user
        if user == nil, !context.user.isEmpty {
            throw KubeconfigError("the context \"\(name)\" names the missing user \"\(context.user)\"")
        }
        return (cluster, user ?? User(), context.namespace ?? "default")
    }

    /// A path of the file, made absolute.
    public func absolute(_ path: String) -> String {
        path.hasExactPrefix("/") || folder.isEmpty ? path : "\(folder)/\(path)"
    }

    // MARK: Writing

    public var json: JSONObject {
        var object: JSONObject = ["apiVersion": "v1", "kind": "Config"]
        object["clusters"] = .array(
            clusters.map { .object(["name": .string($0.name), "cluster": .object($0.cluster.json)]) })
        object["contexts"] = .array(
            contexts.map {
                var context: JSONObject = ["cluster": .string($0.context.cluster), "user": .string($0.context.user)]
                if let namespace = $0.context.namespace { context["namespace"] = .string(namespace) }
                return .object(["name": .string($0.name), "context": .object(context)])
            })
        object["users"] = .array(users.map { .object(["name": .string($0.name), "user": .object($0.user.json)]) })
        object["current-context"] = .string(currentContext)
        return object
    }

    /// The file's text.
    public var yaml: String { YAML.encode(.object(json)) }
}

extension Kubeconfig.Cluster {
    init(json: JSONValue?, name: String) throws {
        guard let server = json?["server"]?.string, !server.isEmpty else {
            throw KubeconfigError("the cluster \"\(name)\" has no server")
        }
        self.server = server
        certificateAuthorityData = try decodeData(
            json?["certificate-authority-data"], "the cluster \"\(name)\": certificate-authority-data")
        certificateAuthority = json?["certificate-authority"]?.string
        insecureSkipTLSVerify = json?["insecure-skip-tls-verify"]?.bool ?? false
        tlsServerName = json?["tls-server-name"]?.string
        if let proxy = json?["proxy-url"]?.string, !proxy.isEmpty {
            throw KubeconfigError("the cluster \"\(name)\" asks for the proxy \(proxy), which is not supported")
        }
    }

    var json: JSONObject {
        var object: JSONObject = ["server": .string(server)]
        if let data = certificateAuthorityData {
            object["certificate-authority-data"] = .string(Base64Text.encode(data))
        }
        if let certificateAuthority { object["certificate-authority"] = .string(certificateAuthority) }
        if insecureSkipTLSVerify { object["insecure-skip-tls-verify"] = .bool(true) }
        if let tlsServerName { object["tls-server-name"] = .string(tlsServerName) }
        return object
    }
}

extension Kubeconfig.User {
    init(json: JSONValue?, name: String) throws {
        self.init()
        let what = "the user \"\(name)\""
        clientCertificateData = try decodeData(
            json?["client-certificate-data"], "\(what): client-certificate-data")
        clientCertificate = json?["client-certificate"]?.string
        clientKeyData = try decodeData(json?["client-key-data"], "\(what): client-key-data")
        clientKey = json?["client-key"]?.string
        token = json?["token"]?.string
        tokenFile = json?["tokenFile"]?.string
        username = json?["username"]?.string
        password = json?["password"]?.string
        if let exec = json?["exec"]?.object {
            plugin = exec["command"]?.string ?? "exec"
        } else if let provider = json?["auth-provider"]?.object {
            plugin = provider["name"]?.string ?? "auth-provider"
        }
    }

    var json: JSONObject {
        var object = JSONObject()
        if let data = clientCertificateData { object["client-certificate-data"] = .string(Base64Text.encode(data)) }
        if let clientCertificate { object["client-certificate"] = .string(clientCertificate) }
        if let data = clientKeyData { object["client-key-data"] = .string(Base64Text.encode(data)) }
        if let clientKey { object["client-key"] = .string(clientKey) }
        if let token { object["token"] = .string(token) }
        if let tokenFile { object["tokenFile"] = .string(tokenFile) }
        if let username { object["username"] = .string(username) }
        if let password { object["password"] = .string(password) }
        return object
    }
}

private func decodeData(_ value: JSONValue?, _ what: String) throws -> [UInt8]? {
    guard let text = value?.string, !text.isEmpty else { return nil }
    guard let bytes = Base64Text.decode(text) else { throw KubeconfigError("\(what) is not base64") }
    return bytes
}
