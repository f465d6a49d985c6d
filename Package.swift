// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// MARK: - The tiers, bottom up. A module may import what is named beside it and nothing else.

/// One module: a folder `Sources/<tier>/<name>` (or `Tests/<name>`), and the modules it may import.
struct Module {
    var name: String
    var tier: String
    var dependencies: [String]
    var linked: [LinkerSetting] = []
}

/// A Debian library behind a module map in `Sources/C/<name>`.
struct Library {
    var name: String
    var pkgConfig: String
    var debian: [String]
}

let libraries = [
    Library(name: "COpenSSL", pkgConfig: "openssl", debian: ["libssl-dev"]),
    Library(name: "CSQLite", pkgConfig: "sqlite3", debian: ["libsqlite3-dev"]),
    Library(name: "CNGHTTP2", pkgConfig: "libnghttp2", debian: ["libnghttp2-dev"]),
    Library(name: "CArchive", pkgConfig: "libarchive", debian: ["libarchive-dev"]),
    Library(name: "CYAML", pkgConfig: "yaml-0.1", debian: ["libyaml-dev"]),
    Library(name: "CSeccomp", pkgConfig: "libseccomp", debian: ["libseccomp-dev"]),
    Library(name: "CMNL", pkgConfig: "libmnl", debian: ["libmnl-dev"]),
    Library(name: "CZlib", pkgConfig: "zlib", debian: ["zlib1g-dev"]),
    Library(name: "CLDNS", pkgConfig: "ldns", debian: ["libldns-dev"]),
    Library(name: "CNFTNL", pkgConfig: "libnftnl", debian: ["libnftnl-dev"]),
]

let modules = [
    // Values: no kernel, no I/O.
    Module(name: "Text", tier: "Values", dependencies: []),
    Module(name: "JSON", tier: "Values", dependencies: ["Text"]),
    Module(name: "YAML", tier: "Values", dependencies: ["JSON", "CYAML"]),
    Module(name: "Arguments", tier: "Values", dependencies: []),
    Module(name: "Telemetry", tier: "Values", dependencies: []),
    Module(name: "Numbers", tier: "Values", dependencies: []),
    Module(name: "OCI", tier: "Values", dependencies: ["JSON", "Numbers", "Text"]),

    // Kernel: synchronous, one module a kernel subsystem.
    Module(name: "Linux", tier: "Kernel", dependencies: ["CLinux", "Text"]),
    Module(name: "Processes", tier: "Kernel", dependencies: ["CLinux", "Linux"]),
    Module(name: "Namespaces", tier: "Kernel", dependencies: ["CLinux", "Linux", "Processes"]),
    Module(name: "Mounts", tier: "Kernel", dependencies: ["CLinux", "Linux"]),
    Module(name: "Cgroups", tier: "Kernel", dependencies: ["CLinux", "Linux", "Text"]),
    Module(name: "Seccomp", tier: "Kernel", dependencies: ["CSeccomp", "Linux", "OCI"]),
    Module(name: "Netlink", tier: "Kernel", dependencies: ["CLinux", "CMNL", "Linux", "Text"]),
    Module(name: "NFTables", tier: "Kernel", dependencies: ["CLinux", "CMNL", "CNFTNL", "Linux", "Netlink"]),

    // Transport: where `async` starts.
    Module(name: "AsyncIO", tier: "Transport", dependencies: ["CLinux", "Linux"]),
    Module(name: "TLS", tier: "Transport", dependencies: ["AsyncIO", "COpenSSL", "JSON", "Linux"]),
    Module(
        name: "HTTP", tier: "Transport",
        dependencies: ["AsyncIO", "CNGHTTP2", "CZlib", "Linux", "Telemetry", "Text", "TLS"]),

    // API: the tables of Kubernetes' kinds and what reads them.
    Module(name: "Schema", tier: "API", dependencies: ["JSON", "Numbers", "Text"]),
    Module(name: "KubeAPI", tier: "API", dependencies: ["JSON", "Numbers", "Schema", "Text"]),
    Module(
        name: "KubeClient", tier: "API",
        dependencies: [
            "AsyncIO", "HTTP", "JSON", "KubeAPI", "Linux", "Numbers", "Schema", "Telemetry", "Text", "TLS", "YAML",
        ]),

    // Containers.
    Module(
        name: "ContainerRuntime", tier: "Containers",
        dependencies: [
            "Cgroups", "CLinux", "JSON", "Linux", "Mounts", "Namespaces", "Numbers", "OCI", "Processes", "Seccomp",
            "Text",
        ]),
    Module(
        name: "Shim", tier: "Containers",
        dependencies: ["Cgroups", "CLinux", "JSON", "Linux", "Mounts", "Namespaces", "OCI", "Processes", "Text"]),
    Module(
        name: "Images", tier: "Containers",
        dependencies: [
            "AsyncIO", "CArchive", "CLinux", "HTTP", "JSON", "Linux", "Mounts", "Numbers", "OCI", "Telemetry", "Text",
            "TLS",
        ]),

    // Node.
    Module(
        name: "PodNetwork", tier: "Node",
        dependencies: ["CLinux", "JSON", "Linux", "NFTables", "Namespaces", "Netlink", "Telemetry"]),
    Module(
        name: "Volumes", tier: "Node",
        dependencies: ["AsyncIO", "CLinux", "JSON", "KubeAPI", "Linux", "Mounts", "Numbers", "Telemetry", "Text"]),
    Module(
        name: "KubeProxy", tier: "Node",
        dependencies: [
            "AsyncIO", "CLinux", "HTTP", "JSON", "KubeAPI", "KubeClient", "Linux", "Netlink", "NFTables", "Numbers",
            "Telemetry", "YAML",
        ]),
    Module(
        name: "Kubelet", tier: "Node",
        dependencies: [
            "AsyncIO", "Cgroups", "CLinux", "HTTP", "Images", "JSON", "KubeAPI", "KubeClient", "Linux", "Mounts",
            "Namespaces", "Netlink", "Numbers", "OCI", "PodNetwork", "Processes", "Schema", "Shim", "Telemetry", "Text",
            "TLS", "Volumes", "YAML",
        ]),

    Module(
        name: "ClusterDNS", tier: "Node",
        dependencies: [
            "AsyncIO", "CLDNS", "HTTP", "JSON", "KubeAPI", "KubeClient", "Linux", "Netlink", "Schema", "Telemetry",
        ]),

    // ControlPlane: never imports Node or Containers.
    Module(name: "Store", tier: "ControlPlane", dependencies: ["CSQLite", "Linux", "Text"]),
    Module(
        name: "APIServer", tier: "ControlPlane",
        dependencies: [
            "AsyncIO", "HTTP", "JSON", "KubeAPI", "KubeClient", "Linux", "Numbers", "Schema", "Store", "Telemetry",
            "Text", "TLS", "YAML",
        ]),
    Module(
        name: "Scheduler", tier: "ControlPlane",
        dependencies: ["AsyncIO", "HTTP", "JSON", "KubeAPI", "KubeClient", "Numbers", "Schema", "Telemetry", "Text"]),
    Module(
        name: "Controllers", tier: "ControlPlane",
        dependencies: [
            "AsyncIO", "HTTP", "JSON", "KubeAPI", "KubeClient", "Linux", "Numbers", "Schema", "Telemetry", "Text",
            "TLS",
        ]),
]

let programs = [
    Module(
        name: "swiftlet", tier: "Programs",
        dependencies: [
            "APIServer", "Arguments", "AsyncIO", "Cgroups", "CLinux", "ClusterDNS", "Controllers", "HTTP", "Images",
            "JSON", "KubeAPI", "KubeClient", "Kubelet", "KubeProxy", "Linux", "Mounts", "Namespaces", "Netlink",
            "NFTables", "Numbers", "OCI", "PodNetwork", "Processes", "Scheduler", "Schema", "Store", "Telemetry", "TLS",
            "YAML",
        ]),
    Module(
        name: "swiftlet-oci", tier: "Programs",
        dependencies: ["Arguments", "ContainerRuntime", "CProtectedStart", "JSON", "Linux", "Numbers", "OCI"],
        linked: [
            .unsafeFlags([
                "-static-executable", "-use-ld=lld", "-Xlinker", "-e", "-Xlinker", "swiftlet_protected_start",
            ])
        ]),
    Module(
        name: "swiftlet-shim", tier: "Programs",
        dependencies: ["Arguments", "Linux", "Shim"],
        linked: [.unsafeFlags(["-static-executable"])]),
]

/// What several test targets share.
let testing = [
    Module(name: "NetworkTesting", tier: "Tests", dependencies: ["Linux", "Netlink"])
]

/// The parsers of outside bytes, each a subject of libFuzzer.
let fuzzing = Module(
    name: "Fuzzing", tier: "Tests",
    dependencies: [
        "APIServer", "ClusterDNS", "HTTP", "Images", "JSON", "KubeAPI", "Linux", "Netlink", "OCI", "Schema", "YAML",
    ])

let tests = [
    Module(name: "ImagesTests", tier: "Tests", dependencies: ["HTTP", "Images", "JSON", "Linux"]),
    Module(
        name: "KubeletTests", tier: "Tests",
        dependencies: [
            "AsyncIO", "Cgroups", "HTTP", "JSON", "KubeAPI", "KubeClient", "Kubelet", "Linux", "Netlink", "Numbers",
            "Schema", "Shim", "Telemetry", "TLS", "Volumes",
        ]),
    Module(name: "VolumesTests", tier: "Tests", dependencies: ["CLinux", "JSON", "KubeAPI", "Linux", "Volumes"]),
    Module(name: "ShimTests", tier: "Tests", dependencies: ["CLinux", "JSON", "Linux", "Shim"]),
    Module(name: "TextTests", tier: "Tests", dependencies: ["Text"]),
    Module(name: "JSONTests", tier: "Tests", dependencies: ["JSON", "YAML"]),
    Module(name: "NumbersTests", tier: "Tests", dependencies: ["Numbers"]),
    Module(name: "OCITests", tier: "Tests", dependencies: ["JSON", "Numbers", "OCI"]),
    Module(name: "ArgumentsTests", tier: "Tests", dependencies: ["Arguments"]),
    Module(name: "TelemetryTests", tier: "Tests", dependencies: ["Telemetry"]),
    Module(name: "SchemaTests", tier: "Tests", dependencies: ["JSON", "Schema"]),
    Module(name: "KubeAPITests", tier: "Tests", dependencies: ["JSON", "KubeAPI", "Schema"]),
    Module(name: "AsyncIOTests", tier: "Tests", dependencies: ["AsyncIO", "CLinux", "Linux"]),
    Module(name: "TLSTests", tier: "Tests", dependencies: ["AsyncIO", "JSON", "TLS"]),
    Module(name: "HTTPTests", tier: "Tests", dependencies: ["AsyncIO", "HTTP", "Linux", "TLS"]),
    Module(name: "NetlinkTests", tier: "Tests", dependencies: ["CLinux", "Linux", "Netlink"]),
    Module(
        name: "NFTablesTests", tier: "Tests",
        dependencies: ["CLinux", "Linux", "NFTables", "Netlink", "NetworkTesting"]),
    Module(
        name: "PodNetworkTests", tier: "Tests",
        dependencies: [
            "AsyncIO", "CLinux", "Linux", "NFTables", "Netlink", "NetworkTesting", "PodNetwork", "Telemetry",
        ]),
    Module(
        name: "KubeProxyTests", tier: "Tests",
        dependencies: [
            "CLinux", "HTTP", "JSON", "KubeAPI", "KubeClient", "KubeProxy", "Linux", "NFTables", "Netlink",
            "NetworkTesting", "Telemetry",
        ]),
    Module(
        name: "ClusterDNSTests", tier: "Tests",
        dependencies: [
            "AsyncIO", "CLDNS", "ClusterDNS", "HTTP", "JSON", "KubeAPI", "KubeClient", "Linux", "Netlink", "Telemetry",
        ]),
    Module(
        name: "KernelTests", tier: "Tests",
        dependencies: ["CLinux", "Cgroups", "Linux", "Mounts", "Namespaces", "OCI", "Processes", "Seccomp"]),
    Module(name: "RuntimeTests", tier: "Tests", dependencies: ["JSON", "Linux", "OCI", "Processes"]),
    Module(name: "StoreTests", tier: "Tests", dependencies: ["CSQLite", "Linux", "Store"]),
    Module(name: "KubeClientTests", tier: "Tests", dependencies: ["HTTP", "JSON", "KubeAPI", "KubeClient", "Schema"]),
    Module(
        name: "ControllersTests", tier: "Tests",
        dependencies: [
            "APIServer", "Controllers", "HTTP", "JSON", "KubeAPI", "KubeClient", "Kubelet", "Linux", "Scheduler",
            "Schema", "Telemetry", "TLS",
        ]),
    Module(name: "SchedulerTests", tier: "Tests", dependencies: ["JSON", "KubeAPI", "KubeClient", "Scheduler"]),
    Module(
        name: "APIServerTests", tier: "Tests",
        dependencies: [
            "APIServer", "AsyncIO", "CZlib", "HTTP", "JSON", "KubeAPI", "Linux", "Schema", "Store", "Telemetry", "TLS",
            "YAML",
        ]),
]

// MARK: - Settings, the same for every module.

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// `SWIFTLET_ONLY=JSONTests,HTTP` narrows the package to those targets and what they depend on: a quick inner loop.
func selected() -> Set<String>? {
    guard let only = Context.environment["SWIFTLET_ONLY"], !only.isEmpty else { return nil }
    let byName = Dictionary(
        uniqueKeysWithValues: (modules + programs + testing + tests).map { ($0.name, $0.dependencies) })
    var wanted: Set<String> = []
    var queue = only.split(separator: ",").map(String.init)
    while let name = queue.popLast() {
        guard wanted.insert(name).inserted else { continue }
        queue += byName[name] ?? []
    }
    return wanted
}

let only = selected()
func isWanted(_ name: String) -> Bool { only?.contains(name) ?? true }

func dependencies(_ module: Module) -> [Target.Dependency] { module.dependencies.map { .byName(name: $0) } }

var targets: [Target] = []
for (name, flags) in [("CLinux", []), ("CProtectedStart", ["-O1", "-fno-builtin", "-fno-stack-protector"])]
where isWanted(name) {
    targets.append(
        .target(
            name: name, path: "Sources/C/\(name)",
            cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"] + flags)]))
}
for library in libraries where isWanted(library.name) {
    targets.append(
        .systemLibrary(
            name: library.name, path: "Sources/C/\(library.name)", pkgConfig: library.pkgConfig,
            providers: [.apt(library.debian)]))
}
for module in modules where isWanted(module.name) {
    let memorySafety: [SwiftSetting] = module.tier == "Kernel" ? [.strictMemorySafety()] : []
    // A request goes through a dozen calls there, which mostly wait for nothing and need not ask where they run. Not where
    // `withTaskExecutorPreference` is used: optimized, what it calls would stay where it was called.
    let calls: [SwiftSetting] =
        module.tier == "Transport" ? [.enableUpcomingFeature("NonisolatedNonsendingByDefault")] : []
    targets.append(
        .target(
            name: module.name, dependencies: dependencies(module), path: "Sources/\(module.tier)/\(module.name)",
            swiftSettings: strict + memorySafety + calls))
}
for program in programs where isWanted(program.name) {
    targets.append(
        .executableTarget(
            name: program.name, dependencies: dependencies(program), path: "Sources/Programs/\(program.name)",
            swiftSettings: strict,
            // Symbols are two thirds of a release binary, and every start maps and touches part of them.
            linkerSettings: program.linked + [.unsafeFlags(["-Xlinker", "-s"], .when(configuration: .release))]))
}
for module in testing where isWanted(module.name) {
    targets.append(
        .target(
            name: module.name, dependencies: dependencies(module), path: "Tests/\(module.name)", swiftSettings: strict))
}
for test in tests where isWanted(test.name) {
    targets.append(
        .testTarget(
            name: test.name, dependencies: dependencies(test), path: "Tests/\(test.name)", swiftSettings: strict))
}

// The fuzzers link only with `--sanitize fuzzer`, which brings libFuzzer: `Tests/Fuzzing/run` asks for them.
if Context.environment["SWIFTLET_FUZZ"] != nil {
    targets.append(
        .executableTarget(
            name: fuzzing.name, dependencies: dependencies(fuzzing), path: "Tests/Fuzzing", exclude: ["run", "corpus"],
            swiftSettings: strict))
}

let package = Package(name: "swiftlet", targets: targets, swiftLanguageModes: [.v6])
