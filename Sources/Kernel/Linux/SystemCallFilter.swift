// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// A system call as a filter sees it: `struct seccomp_data` of seccomp(2).
public struct SystemCall: Sendable, Hashable {
    public var number: UInt32
    /// AUDIT_ARCH_* of the call's convention; one process may use several.
    public var architecture: UInt32
    /// At most six.
    public var arguments: [UInt64]

    public init(_ number: Int32, architecture: UInt32 = SystemCall.nativeArchitecture, _ arguments: [UInt64] = []) {
        self.number = UInt32(bitPattern: number)
        self.architecture = architecture
        self.arguments = arguments
    }

    /// AUDIT_ARCH_* of this machine's own calls.
    public static let nativeArchitecture = UInt32(CLINUX_AUDIT_ARCH) | 0x8000_0000

    /// The 32-bit word at `offset` of the structure; nil outside of it.
    func word(at offset: UInt32) -> UInt32? {
        switch offset {
        case 0: return number
        case 4: return architecture
        case 8, 12: return 0  // the instruction's address: no filter of ours looks at it
        case 16..<64 where offset % 4 == 0:
            let index = Int(offset - 16) / 8
            let value = index < arguments.count ? arguments[index] : 0
            return UInt32(truncatingIfNeeded: offset % 8 == 0 ? value : value >> 32)
        default: return nil
        }
    }
}

/// A filter of system calls: a program of the classic BPF that seccomp(2) runs at every call.
public struct SystemCallFilter: Sendable, Hashable {
    /// `struct sock_filter` each, as it lies in memory.
    public let instructions: [UInt64]

    /// What a filter answers, `SECCOMP_RET_*`.
    public enum Answer {
        public static let allow: UInt32 = 0x7fff_0000
        public static let killProcess: UInt32 = 0x8000_0000
        public static func error(_ code: Int32) -> UInt32 { 0x0005_0000 | UInt32(code) & 0xffff }
    }

    public init(_ instructions: [UInt64]) { self.instructions = instructions }

    /// Eight bytes an instruction; nil when they are no whole number, or none, or more than the kernel takes.
    public init?(bytes: [UInt8]) {
        guard bytes.count % 8 == 0, (1...4096).contains(bytes.count / 8) else { return nil }
        instructions = stride(from: 0, to: bytes.count, by: 8).map { start in
            (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
        }
    }

    /// As `init(bytes:)` takes it.
    public var bytes: [UInt8] {
        instructions.flatMap { instruction in (0..<8).map { UInt8(truncatingIfNeeded: instruction >> UInt64(8 * $0)) } }
    }

    /// Allows the machine's own system calls `numbers`. All others fail with EPERM, of any convention.
    public static func allowing(_ numbers: [Int32]) -> SystemCallFilter {
        let refuse = numbers.count + 3
        var program = [
            instruction(Code.load, 4),
            instruction(Code.jumpIfEqual, SystemCall.nativeArchitecture, 0, UInt8(refuse - 2)),
            instruction(Code.load, 0),
        ]
        for (index, number) in numbers.enumerated() {
            program.append(
                instruction(Code.jumpIfEqual, UInt32(bitPattern: number), UInt8(numbers.count - index), 0))
        }
        program.append(instruction(Code.answer, Answer.error(EPERM)))
        program.append(instruction(Code.answer, Answer.allow))
        return SystemCallFilter(program)
    }

    /// This filter behind others that answer ENOSYS to calls beyond `highest[convention]`, which the writer of the
    /// filter cannot have known: a program then does without them, as on an older kernel.
    public func refusingNewer(than highest: [(architecture: UInt32, number: UInt32)]) -> SystemCallFilter {
        guard !highest.isEmpty, instructions.count + 1 + highest.count * 5 <= 4096 else { return self }
        var program = [Self.instruction(Code.load, 4)]
        for (architecture, number) in highest {
            program += [
                Self.instruction(Code.jumpIfEqual, architecture, 0, 4),
                Self.instruction(Code.load, 0),
                Self.instruction(Code.jumpIfGreater, number, 0, 2),
                // Not the ranges of their own that ARM's private calls and those of x32 have.
                Self.instruction(Code.jumpIfGreater, 0xe_ffff, 1, 0),
                Self.instruction(Code.answer, Answer.error(ENOSYS)),
            ]
            // What gets past holds a call's number by now, which is no architecture's.
        }
        return SystemCallFilter(program + instructions)
    }

    /// Puts it in force for the calling thread and all that it becomes or makes. Needs no_new_privs or CAP_SYS_ADMIN.
    public func load() throws(Errno) {
        let count = UInt16(clamping: instructions.count)
        try kernelCall("seccomp") {
            unsafe instructions.withUnsafeBufferPointer { unsafe clinux_seccomp_load($0.baseAddress, count) }
        }
    }

    // MARK: - What it says

    /// The filter's answer to a call, as the kernel would compute it. A program that goes wrong kills, as there.
    public func answer(to call: SystemCall) -> UInt32 {
        var accumulator: UInt32 = 0
        var next = 0
        while next < instructions.count {
            let instruction = instructions[next]
            let value = UInt32(truncatingIfNeeded: instruction >> 32)
            func jump(_ condition: Bool) -> Int {
                Int(UInt8(truncatingIfNeeded: condition ? instruction >> 16 : instruction >> 24))
            }
            next += 1
            switch UInt16(truncatingIfNeeded: instruction) {
            case Code.load:
                guard let word = call.word(at: value) else { return Answer.killProcess }
                accumulator = word
            case Code.jump: next += Int(value)
            case Code.jumpIfEqual: next += jump(accumulator == value)
            case Code.jumpIfGreater: next += jump(accumulator > value)
            case Code.jumpIfAtLeast: next += jump(accumulator >= value)
            case Code.jumpIfSet: next += jump(accumulator & value != 0)
            case Code.and: accumulator &= value
            case Code.answer: return value
            default: return Answer.killProcess
            }
        }
        return Answer.killProcess
    }

    public func allows(_ call: SystemCall) -> Bool { answer(to: call) == Answer.allow }

    /// Operation codes of linux/filter.h, those that filters of system calls use.
    private enum Code {
        static let load: UInt16 = 0x20
        static let jump: UInt16 = 0x05
        static let jumpIfEqual: UInt16 = 0x15
        static let jumpIfGreater: UInt16 = 0x25
        static let jumpIfAtLeast: UInt16 = 0x35
        static let jumpIfSet: UInt16 = 0x45
        static let and: UInt16 = 0x54
        static let answer: UInt16 = 0x06
    }

    private static func instruction(_ code: UInt16, _ value: UInt32, _ yes: UInt8 = 0, _ no: UInt8 = 0) -> UInt64 {
        UInt64(code) | UInt64(yes) << 16 | UInt64(no) << 24 | UInt64(value) << 32
    }
}
