// SPDX-License-Identifier: Apache-2.0

internal import CSeccomp
internal import Glibc
public import Linux
public import OCI

/// A profile that could not be made a filter, or a filter that could not be loaded.
public struct SeccompError: Error, Sendable, Hashable, CustomStringConvertible {
    public var operation: String
    public var reason: String

    init(_ operation: String, _ reason: String) {
        self.operation = operation
        self.reason = reason
    }

    init(_ operation: String, code: Int32) { self.init(operation, Errno(-code, operation).reason) }

    public var description: String { "seccomp: \(operation): \(reason)" }
}

/// A filter of libseccomp.
@safe public struct SeccompFilter: ~Copyable {
    // A libseccomp context, freed by deinit.
    private let context: scmp_filter_ctx

    /// Compiles a profile. System calls that this libseccomp does not know are left out, as every runtime does: the
    /// default action holds for them.
    public static func compile(_ profile: SeccompSpec) throws(SeccompError) -> SeccompFilter {
        let defaultAction = try Self.action(profile.defaultAction, errno: profile.defaultErrno)
        guard let context = unsafe seccomp_init(defaultAction) else {
            throw SeccompError("init", "out of memory")
        }
        let filter = unsafe SeccompFilter(context)
        try filter.configure(profile, defaultAction: defaultAction)
        return filter
    }

    private init(_ context: scmp_filter_ctx) { unsafe self.context = unsafe context }

    private func configure(_ profile: SeccompSpec, defaultAction: UInt32) throws(SeccompError) {
        if profile.rules.contains(where: { $0.action == "SCMP_ACT_NOTIFY" }) {
            throw SeccompError("SCMP_ACT_NOTIFY", "notification to a listener is not supported")
        }
        for name in profile.architectures {
            guard let architecture = Self.architectures[name] else {
                throw SeccompError("architecture \(name)", "unknown")
            }
            let code = unsafe seccomp_arch_add(context, architecture)
            if code != 0, code != -EEXIST { throw SeccompError("add architecture \(name)", code: code) }
        }
        try setAttributes(profile)
        for rule in profile.rules { try add(rule, defaultAction: defaultAction) }
    }

    deinit { unsafe seccomp_release(context) }

    private func setAttributes(_ profile: SeccompSpec) throws(SeccompError) {
        // The process decides about no_new_privs itself.
        _ = unsafe seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0)
        // Binary tree: a call costs the logarithm of the number of rules. Old libraries lack it; then it is a list.
        _ = unsafe seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2)
        for flag in profile.flags {
            switch flag {
            case "SECCOMP_FILTER_FLAG_TSYNC": break  // one thread: nothing to synchronise
            case "SECCOMP_FILTER_FLAG_LOG": _ = unsafe seccomp_attr_set(context, SCMP_FLTATR_CTL_LOG, 1)
            case "SECCOMP_FILTER_FLAG_SPEC_ALLOW": _ = unsafe seccomp_attr_set(context, SCMP_FLTATR_CTL_SSB, 1)
            default: throw SeccompError("flag \(flag)", "not supported")
            }
        }
    }

    private func add(_ rule: SeccompSpec.Rule, defaultAction: UInt32) throws(SeccompError) {
        let action = try Self.action(rule.action, errno: rule.errno)
        if action == defaultAction { return }  // says what holds already; libseccomp refuses it
        for name in rule.names {
            let number = unsafe seccomp_syscall_resolve_name(name)
            if number == -1 { continue }  // __NR_SCMP_ERROR
            try add(action, number, name, rule.arguments)
        }
    }

    private func add(
        _ action: UInt32, _ number: Int32, _ name: String, _ arguments: [SeccompSpec.Argument]
    ) throws(SeccompError) {
        var comparisons: [scmp_arg_cmp] = []
        for argument in arguments {
            guard let operation = Self.comparisons[argument.comparison] else {
                throw SeccompError("rule for \(name)", "unknown comparison \(argument.comparison)")
            }
            comparisons.append(
                scmp_arg_cmp(
                    arg: argument.index, op: operation, datum_a: argument.value, datum_b: argument.valueTwo))
        }
        // A rule that tests one argument twice is several rules, joined by "or": the specification's custom.
        let indexes = Set(arguments.map(\.index))
        let groups = indexes.count == comparisons.count ? [comparisons] : comparisons.map { [$0] }
        for group in groups {
            let code = unsafe seccomp_rule_add_array(context, action, number, UInt32(group.count), group)
            // EDOM: the call does not exist on one of the architectures.
            if code != 0, code != -EEXIST, code != -EDOM { throw SeccompError("rule for \(name)", code: code) }
        }
    }

    /// The filter as the kernel's program.
    public func program() throws -> SystemCallFilter {
        let file = try FileDescriptor.memoryFile("seccomp")
        let code = unsafe seccomp_export_bpf(context, file.raw)
        if code != 0 { throw SeccompError("export the filter", code: code) }
        try file.seek(to: 0)
        guard let filter = SystemCallFilter(bytes: try file.readAll()) else {
            throw SeccompError("export the filter", "it is longer than the kernel takes")
        }
        return filter
    }

    /// A profile as the kernel's program. Where it refuses what it does not name, calls newer than all it names fail with
    /// ENOSYS: libraries then use the older ones, which EPERM would keep them from.
    public static func program(_ profile: SeccompSpec) throws -> SystemCallFilter {
        let filter = try compile(profile).program()
        let allowing = ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"]
        if allowing.contains(profile.defaultAction) { return filter }
        let names = profile.rules.flatMap(\.names)
        var highest: [(architecture: UInt32, number: UInt32)] = []
        let native = profile.architectures.isEmpty ? [SystemCall.nativeArchitecture] : []
        for architecture in native + profile.architectures.compactMap({ Self.architectures[$0] }) {
            // The calls of x32 come under the number of x86_64, in a range of their own.
            if architecture == Self.architectures["SCMP_ARCH_X32"] { continue }
            let numbers = names.map { unsafe seccomp_syscall_resolve_name_arch(architecture, $0) }
            // Negative: unknown to the library, or not a call of this architecture.
            if let last = numbers.max(), last >= 0 { highest.append((architecture, UInt32(last))) }
        }
        return filter.refusingNewer(than: highest)
    }

    /// The version of libseccomp: `2.5.4`.
    public static var libraryVersion: String {
        guard let version = unsafe seccomp_version() else { return "unknown" }
        return unsafe "\(version.pointee.major).\(version.pointee.minor).\(version.pointee.micro)"
    }

    // MARK: Names

    static func action(_ name: String, errno code: UInt32?) throws(SeccompError) -> UInt32 {
        switch name {
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": return 0
        case "SCMP_ACT_KILL_PROCESS": return 0x8000_0000
        case "SCMP_ACT_TRAP": return 0x0003_0000
        case "SCMP_ACT_ERRNO": return 0x0005_0000 | (code ?? UInt32(EPERM)) & 0xffff
        case "SCMP_ACT_TRACE": return 0x7ff0_0000 | (code ?? UInt32(EPERM)) & 0xffff
        case "SCMP_ACT_LOG": return 0x7ffc_0000
        case "SCMP_ACT_ALLOW": return 0x7fff_0000
        case "SCMP_ACT_NOTIFY": return 0x7fc0_0000
        default: throw SeccompError("action \(name)", "unknown")
        }
    }

    public static let actions = [
        "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO",
        "SCMP_ACT_TRACE", "SCMP_ACT_LOG", "SCMP_ACT_ALLOW",
    ]

    static let comparisons: [String: scmp_compare] = [
        "SCMP_CMP_NE": SCMP_CMP_NE, "SCMP_CMP_LT": SCMP_CMP_LT, "SCMP_CMP_LE": SCMP_CMP_LE,
        "SCMP_CMP_EQ": SCMP_CMP_EQ, "SCMP_CMP_GE": SCMP_CMP_GE, "SCMP_CMP_GT": SCMP_CMP_GT,
        "SCMP_CMP_MASKED_EQ": SCMP_CMP_MASKED_EQ,
    ]
    public static var comparisonNames: [String] { comparisons.keys.sorted() }

    /// The tokens of libseccomp: an AUDIT_ARCH_* each.
    static let architectures: [String: UInt32] = [
        "SCMP_ARCH_X86": 0x4000_0003, "SCMP_ARCH_X86_64": 0xc000_003e, "SCMP_ARCH_X32": 0x4000_003e,
        "SCMP_ARCH_ARM": 0x4000_0028, "SCMP_ARCH_AARCH64": 0xc000_00b7, "SCMP_ARCH_RISCV64": 0xc000_00f3,
        "SCMP_ARCH_PPC64LE": 0xc000_0015, "SCMP_ARCH_S390X": 0x8000_0016,
    ]
    public static var architectureNames: [String] { architectures.keys.sorted() }
}
