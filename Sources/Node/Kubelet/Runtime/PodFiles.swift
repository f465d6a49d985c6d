// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import KubeAPI
internal import Linux

/// The files the kubelet writes for a pod's containers: hosts, hostname, resolv.conf, and the pod's shared memory.
struct PodFiles {
    let services: PodServices
    let pod: Pod
    let addresses: [String]

    private var directory: String { services.settings.podDirectory(pod.uid) }

    func mounts(for container: Container, excluding taken: Set<String>) throws -> [ContainerMount] {
        var mounts: [ContainerMount] = []
        func add(_ name: String, _ destination: String, _ text: String) throws {
            guard !taken.contains(destination) else { return }
            let path = "\(directory)/\(name)"
            try Self.write(path, Array(text.utf8))
            let readOnly = container.securityContext?.readOnlyRootFilesystem == true
            mounts.append(ContainerMount(source: path, destination: destination, isReadOnly: readOnly))
        }
        try add("etc-hosts", "/etc/hosts", try hosts())
        try add("hostname", "/etc/hostname", Sandbox(services: services, pod: pod).hostname + "\n")
        try add("resolv.conf", "/etc/resolv.conf", try resolver())
        return mounts
    }

    /// In place: a container that was started before has this very file mounted. It may hold a lease on it, for which an
    /// open would wait; so it is only opened for writing when it says something else, and then without waiting.
    private static func write(_ path: String, _ bytes: [UInt8]) throws(Errno) {
        if let present = try? Files.readRegular(path, limit: bytes.count), present == bytes { return }
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOFOLLOW, mode: 0o644)
        try file.setPermissions(0o644)
        try file.truncate(to: 0)
        try file.writeAll(bytes)
    }

    func hosts() throws -> String {
        var text: String
        if pod.spec.hostNetwork == true {
            text = "# Kubernetes-managed hosts file (host network).\n" + (try Files.readText("/etc/hosts"))
        } else {
            text = """
                # Kubernetes-managed hosts file.
                127.0.0.1\tlocalhost
                ::1\tlocalhost ip6-localhost ip6-loopback
                fe00::0\tip6-localnet
                fe00::0\tip6-mcastprefix
                fe00::1\tip6-allnodes
                fe00::2\tip6-allrouters

                """
            let name = Sandbox(services: services, pod: pod).hostname
            for address in addresses {
                if let domain = pod.spec.subdomain, !domain.isEmpty {
                    let short = name.split(separator: ".").first.map(String.init) ?? name
                    let full =
                        "\(short).\(domain).\(pod.metadata.namespace ?? "").svc.\(services.configuration.clusterDomain)"
                    text += "\(address)\t\(full)\t\(short)\n"
                } else {
                    text += "\(address)\t\(name)\n"
                }
            }
        }
        guard !pod.spec.hostAliases.isEmpty else { return text }
        text += "\n# Entries added by HostAliases.\n"
        for alias in pod.spec.hostAliases { text += "\(alias.ip)\t\(alias.hostnames.joined(separator: "\t"))\n" }
        return text
    }

    func resolver() throws -> String {
        let policy = pod.spec.dnsPolicy ?? "ClusterFirst"
        var config = ResolverConfiguration()
        let isCluster =
            policy == "ClusterFirstWithHostNet" || (policy == "ClusterFirst" && pod.spec.hostNetwork != true)
        if isCluster, !services.configuration.clusterDNS.isEmpty {
            let domain = services.configuration.clusterDomain
            config.nameservers = services.configuration.clusterDNS
            config.searches = ["\(pod.metadata.namespace ?? "").svc.\(domain)", "svc.\(domain)", domain]
            config.searches += host().searches
            config.options = ["ndots:5"]
        } else if policy != "None" {
            config = host()
        }
        if let extra = pod.spec.dnsConfig {
            config.nameservers += extra.nameservers
            config.searches += extra.searches
            for option in extra.options {
                guard let name = option.name else { continue }
                config.options.removeAll { $0 == name || $0.hasPrefix(name + ":") }
                config.options.append(option.value.map { "\(name):\($0)" } ?? name)
            }
        }
        return config.text
    }

    private func host() -> ResolverConfiguration {
        // A machine without a resolver's file has none to hand on.
        guard let text = try? Files.readText(services.configuration.resolverConfiguration) else {
            return ResolverConfiguration()
        }
        return ResolverConfiguration(text: text)
    }
}

/// The three lists of resolv.conf(5).
struct ResolverConfiguration: Hashable, Sendable {
    var nameservers: [String] = []
    var searches: [String] = []
    var options: [String] = []

    init() {}

    init(text: String) {
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            switch words.first {
            case "nameserver": nameservers += words.dropFirst().prefix(1)
            case "search":
                searches = words.dropFirst().map { $0 == "." ? "." : $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
            case "options": options = Array(words.dropFirst())
            default: continue
            }
        }
    }

    /// As the file has it: each name once, and no more servers than the C library reads.
    var text: String {
        func unique(_ words: [String]) -> [String] {
            var seen: Set<String> = []
            return words.filter { seen.insert($0).inserted }
        }
        var text = ""
        let searches = unique(searches)
        if !searches.isEmpty { text += "search \(searches.prefix(32).joined(separator: " "))\n" }
        for server in unique(nameservers).prefix(3) { text += "nameserver \(server)\n" }
        if !options.isEmpty { text += "options \(options.joined(separator: " "))\n" }
        return text
    }
}
