// SPDX-License-Identifier: Apache-2.0

import Linux
import OCI
import Seccomp
import Testing

@Suite struct SeccompTests {
    @Test(arguments: [[], ["CAP_SYS_ADMIN"], ["CAP_SYS_PTRACE", "CAP_SYS_TIME"]] as [Set<String>])
    func `the default profile compiles`(capabilities: Set<String>) throws {
        let filter = try SeccompFilter.program(RuntimeDefaultProfile.profile(capabilities: capabilities))
        #expect(filter.instructions.count > 300)
        #expect(filter.instructions.count < 4096, "the kernel's limit of a filter")
    }

    #if arch(x86_64)
        /// Architectures' numbers of calls: of x86_64, of its 32-bit pointers (x32), of i386.
        static let (native, wide, small): (UInt32, UInt32, UInt32) = (0xc000_003e, 0x4000_0000, 0x4000_0003)

        @Test func `the default profile answers alike by every convention`() throws {
            let filter = try SeccompFilter.program(RuntimeDefaultProfile.profile())
            func answer(_ number: UInt32, _ architecture: UInt32, _ arguments: UInt64...) -> UInt32 {
                filter.answer(to: SystemCall(Int32(bitPattern: number), architecture: architecture, arguments))
            }
            let (refused, missing) = (SystemCallFilter.Answer.error(1), SystemCallFilter.Answer.error(38))
            let allow = SystemCallFilter.Answer.allow
            // socket(2): families but AF_VSOCK. Its old form of i386 cannot be looked into.
            for (number, architecture) in [(41, Self.native), (41 | Self.wide, Self.native), (359, Self.small)] {
                #expect(answer(number, architecture, 2, 1, 0) == allow)
                #expect(answer(number, architecture, 16, 3, 0) == allow)
                #expect(answer(number, architecture, 40, 1, 0) == refused)
                // The kernel takes 32 bits of the family.
                #expect(answer(number, architecture, 1 << 32 | 40, 1, 0) == refused, "\(number) \(architecture)")
            }
            #expect(answer(102, Self.small, 1) == missing)
            // clone(2) without new namespaces; clone3(2) hides its flags.
            for (number, architecture) in [(56, Self.native), (56 | Self.wide, Self.native), (120, Self.small)] {
                #expect(answer(number, architecture, 0x11) == allow)
                #expect(answer(number, architecture, 0x8011) == allow)
                for flag: UInt64 in [0x20000, 0x0200_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000] {
                    #expect(answer(number, architecture, flag | 0x11) == refused)
                }
            }
            for (number, architecture) in [(435, Self.native), (435 | Self.wide, Self.native), (435, Self.small)] {
                #expect(answer(number, architecture) == missing)
            }
            // keyctl, bpf, userfaultfd, io_uring_setup, ptrace, unshare, setns, mount, open_tree, add_key, kexec_load,
            // perf_event_open, open_by_handle_at, pivot_root, process_vm_writev.
            for number: UInt32 in [250, 321, 323, 425, 101, 272, 308, 165, 428, 248, 246, 298, 304, 155, 311] {
                #expect(answer(number, Self.native) == refused, "\(number)")
            }
            for number: UInt32 in [288, 357, 374, 425, 26, 310, 346, 21, 428, 286, 283, 336, 342, 217, 348] {
                #expect(answer(number, Self.small) == refused, "i386 \(number)")
            }
            for number: UInt32 in [250, 321, 323, 425, 521, 272, 308, 165, 428, 248, 528, 298, 304, 155, 540] {
                #expect(answer(number | Self.wide, Self.native) == refused, "x32 \(number)")
            }
            // A convention that is none of the machine's.
            #expect(answer(0, 0xc000_00b7) != allow)
        }

        @Test func `calls newer than the profile are missing, not forbidden`() throws {
            let filter = try SeccompFilter.program(RuntimeDefaultProfile.profile())
            for architecture in [Self.native, Self.small] {
                let answer = filter.answer(to: SystemCall(600, architecture: architecture))
                #expect(answer == SystemCallFilter.Answer.error(38))
            }
            let open = try SeccompFilter.program(SeccompSpec(defaultAction: "SCMP_ACT_ALLOW", rules: []))
            #expect(open.answer(to: SystemCall(600)) == SystemCallFilter.Answer.allow)
        }
    #endif

    @Test func `a filter of numbers allows those`() throws {
        let filter = SystemCallFilter.allowing([1, 60, 231])
        #expect(filter.allows(SystemCall(1)) && filter.allows(SystemCall(60)) && filter.allows(SystemCall(231)))
        for number: Int32 in [0, 2, 59, 61, 232, -1] { #expect(!filter.allows(SystemCall(number)), "\(number)") }
        #expect(!filter.allows(SystemCall(1, architecture: 0x4000_0003)))
    }

    @Test func `a program that goes wrong kills`() {
        for program: [UInt64] in [[], [0x20 | 70 << 32], [0x20 | 2 << 32], [0xffff], [0x05 | 9 << 32]] {
            #expect(SystemCallFilter(program).answer(to: SystemCall(0)) == SystemCallFilter.Answer.killProcess)
        }
    }

    @Test func `the default profile follows the capabilities`() {
        func allows(_ name: String, _ capabilities: Set<String>) -> Bool {
            RuntimeDefaultProfile.profile(capabilities: capabilities).rules.contains {
                $0.names.contains(name) && $0.action == "SCMP_ACT_ALLOW"
            }
        }
        #expect(!allows("mount", []))
        #expect(allows("mount", ["CAP_SYS_ADMIN"]))
        #expect(!allows("reboot", ["CAP_SYS_ADMIN"]))
        #expect(allows("openat", []))
        #expect(!allows("bpf", []))
        #expect(!allows("keyctl", []))
    }

    @Test(arguments: [
        ("SCMP_ACT_X", "action SCMP_ACT_X: unknown"),
        ("SCMP_ACT_NOTIFY", "SCMP_ACT_NOTIFY: notification to a listener is not supported"),
    ])
    func `what is not supported is refused by name`(action: String, text: String) {
        let profile = SeccompSpec(
            defaultAction: "SCMP_ACT_ALLOW", rules: [.init(names: ["mkdir"], action: action)])
        var message = ""
        do { _ = try SeccompFilter.compile(profile) } catch { message = "\(error)" }
        #expect(message == "seccomp: \(text)")
    }
}
