// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Linux

/// One rule about devices, in the order of the OCI specification: the last that fits decides.
public struct DeviceRule: Sendable, Hashable {
    public enum Kind: Sendable, Hashable { case all, block, character }
    public var allow: Bool
    public var kind: Kind
    /// Nil: any.
    public var major: UInt32?
    public var minor: UInt32?
    public var read: Bool
    public var write: Bool
    public var make: Bool

    public init(
        allow: Bool, kind: Kind = .all, major: UInt32? = nil, minor: UInt32? = nil, access: String = "rwm"
    ) {
        self.allow = allow
        self.kind = kind
        self.major = major
        self.minor = minor
        read = access.contains("r")
        write = access.contains("w")
        make = access.contains("m")
    }

    /// The bits of BPF_DEVCG_ACC_*.
    var accessBits: UInt32 { (make ? 1 : 0) | (read ? 2 : 0) | (write ? 4 : 0) }
}

/// A program of type BPF_PROG_TYPE_CGROUP_DEVICE built from rules: version 2's replacement for devices.allow.
public struct DeviceProgram: Sendable, Hashable {
    /// Eight bytes each, as the kernel takes them.
    public let instructions: [UInt64]

    /// The rules are tried from the last to the first; what none fits is denied. A denying rule that covers only a part
    /// of the access asked denies the whole; an allowing one must cover all of it.
    public init(_ rules: [DeviceRule]) {
        var code: [UInt64] = [
            // struct bpf_cgroup_dev_ctx: u32 access_type (access << 16 | type), u32 major, u32 minor, in r1.
            Self.instruction(0x61, 2, 1, 0, 0),  // r2 = access_type
            Self.instruction(0xbc, 3, 2, 0, 0),  // w3 = w2
            Self.instruction(0x54, 2, 0, 0, 0xffff),  // w2 &= 0xffff: the type
            Self.instruction(0x74, 3, 0, 0, 16),  // w3 >>= 16: the access
            Self.instruction(0x61, 4, 1, 4, 0),  // r4 = major
            Self.instruction(0x61, 5, 1, 8, 0),  // r5 = minor
        ]
        for rule in rules.reversed() {
            var block: [UInt64] = []
            // Each test jumps past the block when it does not fit; offsets are filled below.
            switch rule.kind {
            case .all: break
            case .block: block.append(Self.instruction(0x55, 2, 0, 0, 1))
            case .character: block.append(Self.instruction(0x55, 2, 0, 0, 2))
            }
            let testsAccess = rule.accessBits != 7
            if testsAccess {
                block.append(Self.instruction(0xbc, 1, 3, 0, 0))  // w1 = w3
                if rule.allow {
                    block.append(Self.instruction(0x54, 1, 0, 0, rule.accessBits ^ 7))  // asked beyond the rule
                    block.append(Self.instruction(0x55, 1, 0, 0, 0))
                } else {
                    block.append(Self.instruction(0x54, 1, 0, 0, rule.accessBits))  // asked within the rule
                    block.append(Self.instruction(0x15, 1, 0, 0, 0))
                }
            }
            if let major = rule.major { block.append(Self.instruction(0x55, 4, 0, 0, major)) }
            if let minor = rule.minor { block.append(Self.instruction(0x55, 5, 0, 0, minor)) }
            block.append(Self.instruction(0xb7, 0, 0, 0, rule.allow ? 1 : 0))
            block.append(Self.exit)
            for (index, word) in block.enumerated() {
                let opcode = UInt8(truncatingIfNeeded: word)
                guard opcode == 0x55 || opcode == 0x15 else { continue }
                block[index] = word | UInt64(UInt16(block.count - index - 1)) << 16
            }
            code += block
            // The verifier refuses code that cannot be reached: nothing follows a rule that fits everything.
            if block.count == 2 {
                instructions = code
                return
            }
        }
        code += [Self.instruction(0xb7, 0, 0, 0, 0), Self.exit]
        instructions = code
    }

    private static let exit: UInt64 = 0x95

    private static func instruction(
        _ opcode: UInt8, _ destination: UInt8, _ source: UInt8, _ offset: UInt16, _ immediate: UInt32
    ) -> UInt64 {
        UInt64(opcode) | UInt64(destination | source << 4) << 8 | UInt64(offset) << 16 | UInt64(immediate) << 32
    }
}

extension Cgroup {
    /// Puts `program` in force for all processes here and below, in the place of those that were attached here.
    public func apply(_ program: DeviceProgram) throws(CgroupError) {
        let directory = try open()
        let (group, count) = (directory.raw, UInt32(program.instructions.count))
        do throws(Errno) {
            var ids = [UInt32](repeating: 0, count: 64)
            let attached = try kernelCall("bpf BPF_PROG_QUERY") { unsafe clinux_bpf_query_device(group, &ids, 64) }
            let loaded = FileDescriptor(
                owning: try kernelCall("bpf BPF_PROG_LOAD") {
                    unsafe clinux_bpf_load_device(program.instructions, count, nil, 0)
                })
            let number = loaded.raw
            try kernelCall("bpf BPF_PROG_ATTACH") { clinux_bpf_attach_device(group, number, -1) }
            // Several programs must all allow: the old ones go after the new one holds, never a moment without any.
            for id in ids.prefix(Int(attached)) {
                let old = FileDescriptor(owning: try kernelCall("bpf open program \(id)") { clinux_bpf_open(id) })
                let oldNumber = old.raw
                try kernelCall("bpf BPF_PROG_DETACH") { clinux_bpf_detach_device(group, oldNumber) }
            }
        } catch { throw failing("restrict devices: \(error.call)", error) }
    }
}
