// SPDX-License-Identifier: Apache-2.0

import OCI
import Seccomp
import Testing

@Suite struct SeccompTests {
    @Test(arguments: [[], ["CAP_SYS_ADMIN"], ["CAP_SYS_PTRACE", "CAP_SYS_TIME"]] as [Set<String>])
    func `the default profile compiles`(capabilities: Set<String>) throws {
        let program = try SeccompFilter.compile(RuntimeDefaultProfile.profile(capabilities: capabilities)).program()
        #expect(program.count % 8 == 0)
        #expect(program.count > 800)
        #expect(program.count < 4096 * 8, "the kernel's limit of a filter")
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
