// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import Processes
import Testing

@Suite(.enabled(if: RuntimeUnderTest.isRoot, "needs root")) struct IsolationTests {
    @Test func `namespaces are the container's own`() throws {
        let bundle = try TestBundle()
        let text = try bundle.shell(
            "hostname; echo $$; for i in pid net ipc uts mnt cgroup; do readlink /proc/self/ns/$i; done")
        var lines = text.split(separator: "\n").map(String.init)
        #expect(lines.removeFirst() == "inside")
        #expect(lines.removeFirst() == "1")
        for (kind, inside) in zip(["pid", "net", "ipc", "uts", "mnt", "cgroup"], lines) {
            #expect(try Files.readLink("/proc/self/ns/\(kind)") != inside)
        }
    }

    @Test func `namespaces are joined by path`() throws {
        let holder = try Child.spawn(
            executable: "/usr/bin/unshare", arguments: ["unshare", "-n", "-i", "-u", "sleep", "60"],
            environment: ["PATH=/bin"])
        let own = try Files.readLink("/proc/self/ns/net")
        for _ in 0..<500 where try Files.readLink("/proc/\(holder.pid)/ns/uts") == Files.readLink("/proc/self/ns/uts") {
            usleep(10_000)
        }
        usleep(50_000)
        let bundle = try TestBundle()
        bundle.config["hostname"] = nil
        bundle.set(
            ["linux", "namespaces"],
            [
                ["type": "mount"], ["type": "pid"], ["type": "network", "path": .string("/proc/\(holder.pid)/ns/net")],
                ["type": "uts", "path": .string("/proc/\(holder.pid)/ns/uts")],
            ])
        let text = try bundle.shell("readlink /proc/self/ns/net; readlink /proc/self/ns/uts")
        let wanted = try ["net", "uts"].map { try Files.readLink("/proc/\(holder.pid)/ns/\($0)") }
        #expect(wanted[0] != own)
        #expect(text == wanted.map { $0 + "\n" }.joined())
    }

    @Test func `a user namespace maps the users given`() throws {
        let bundle = try TestBundle()
        bundle.add(to: ["linux", "namespaces"], ["type": "user"])
        let map: JSONValue = [["containerID": 0, "hostID": 100_000, "size": 65536]]
        bundle.set(["linux", "uidMappings"], map)
        bundle.set(["linux", "gidMappings"], map)
        let text = try bundle.shell("id -u; cat /proc/self/uid_map; echo x > /dev/null && echo device")
        let words = text.split(whereSeparator: { $0 == " " || $0 == "\n" })
        #expect(words == ["0", "0", "100000", "65536", "device"], "\(text)")
    }

    @Test func `a bind mount is read-only when asked, files and directories`() throws {
        let bundle = try TestBundle()
        try Files.makeDirectories(bundle.directory + "/data")
        try Files.replace(bundle.directory + "/data/file", with: Array("content\n".utf8))
        for (destination, source, options) in [
            ("/mnt/ro", "data", ["bind", "ro"]), ("/mnt/rw", "data", ["rbind", "rw"]),
            ("/mnt/f", "data/file", ["bind", "ro"]),
        ] {
            bundle.add(
                to: ["mounts"],
                [
                    "destination": .string(destination), "type": "bind",
                    "source": .string("\(bundle.directory)/\(source)"),
                    "options": .array(options.map { .string($0) }),
                ])
        }
        let text = try bundle.shell(
            "cat /mnt/f; touch /mnt/ro/x 2>/dev/null || echo refused; touch /mnt/rw/y && echo made; echo z 2>/dev/null >/mnt/f || echo kept"
        )
        #expect(text == "content\nrefused\nmade\nkept\n")
        #expect(Files.exists(bundle.directory + "/data/y"))
    }

    @Test func `a link in the image cannot lead a mount outside`() throws {
        let bundle = try TestBundle()
        let outside = bundle.directory + "/outside"
        try Files.makeDirectory(outside)
        try Files.symlink(outside, at: bundle.rootfs + "/link")
        try Files.symlink("../../../../../../.." + outside, at: bundle.rootfs + "/up")
        for destination in ["/link/a", "/up/b"] {
            bundle.add(
                to: ["mounts"],
                ["destination": .string(destination), "type": "tmpfs", "source": "tmpfs", "options": ["nosuid"]])
        }
        let outcome = try bundle.run()
        #expect(try Files.list(outside).isEmpty, "\(outcome)")
    }

    @Test(.enabled(if: RuntimeUnderTest.kind != "crun", "crun 1.8 follows the link inside the root"))
    func `procfs is not mounted through a link of the image`() throws {
        let bundle = try TestBundle()
        try Files.remove(bundle.rootfs + "/proc")
        try Files.symlink("/tmp", at: bundle.rootfs + "/proc")
        #expect(try bundle.run().code != 0)
    }

    @Test func `masked paths are empty and read-only paths cannot be written`() throws {
        let bundle = try TestBundle()
        bundle.set(["linux", "maskedPaths"], ["/proc/keys", "/sys/firmware", "/proc/nothing"])
        bundle.set(["linux", "readonlyPaths"], ["/proc/sys", "/proc/none"])
        let text = try bundle.shell(
            "cat /proc/keys; ls /sys/firmware; echo x 2>/dev/null > /proc/sys/kernel/domainname || echo refused")
        #expect(text == "refused\n")
    }

    @Test func `a read-only root refuses writes and dev stays usable`() throws {
        let bundle = try TestBundle()
        bundle.set(["root", "readonly"], true)
        let text = try bundle.shell("touch /x 2>/dev/null || echo refused; echo a > /dev/null && echo fine")
        #expect(text == "refused\nfine\n")
    }

    /// CVE-2025-52881: a write that is to go to procfs must not go where an image leads it.
    @Test(.enabled(if: RuntimeUnderTest.isOwn, "others mount a procfs themselves, or write there"))
    func `sysctls go to a procfs and nowhere else`() throws {
        let bundle = try TestBundle(["/bin/echo", "started"])
        let victim = bundle.directory + "/victim"
        try Files.write(victim, Array("untouched".utf8), flags: O_WRONLY | O_CREAT)
        bundle.set(["linux", "sysctl"], ["net.ipv4.ip_forward": "1"])
        let mounts = bundle.config["mounts"]?.array ?? []
        bundle.config["mounts"] = .array(mounts.filter { $0["destination"]?.string != "/proc" })
        let directory = bundle.rootfs + "/proc/sys/net/ipv4"
        try Files.makeDirectories(directory)
        for kind in ["file", "link", "directory link"] {
            try Files.removeTree(directory + "/ip_forward")
            switch kind {
            case "file": try Files.write(directory + "/ip_forward", [], flags: O_WRONLY | O_CREAT)
            case "link": try Files.symlink(victim, at: directory + "/ip_forward")
            default:
                try Files.removeTree(bundle.rootfs + "/proc")
                try Files.symlink(bundle.directory, at: bundle.rootfs + "/proc")
            }
            let outcome = try bundle.run()
            #expect(outcome.code != 0 && !outcome.output.contains("started"), "\(kind): \(outcome)")
        }
        #expect(try Files.readText(victim) == "untouched")
    }

    @Test func `sysctls of its namespaces are set`() throws {
        let bundle = try TestBundle()
        bundle.set(["linux", "sysctl"], ["net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1"])
        #expect(try bundle.shell("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced") == "1\n1\n")
    }

    @Test(.enabled(if: RuntimeUnderTest.isOwn, "others need more rights than this for their device program"))
    func `a device that is not allowed cannot be opened`() throws {
        let bundle = try TestBundle()
        let text = try bundle.shell(
            "mknod /tmp/kmsg c 1 11 && head -c 1 /tmp/kmsg >/dev/null 2>&1 || echo refused; head -c 1 /dev/zero >/dev/null && echo fine"
        )
        #expect(text == "refused\nfine\n")
        bundle.add(
            to: ["linux", "devices"], ["path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "fileMode": 0o600])
        #expect(try bundle.shell("stat -c '%a %t %T' /dev/mine") == "600 1 5\n")
    }

    @Test(.enabled(if: RuntimeUnderTest.hasCgroups, "its cgroups are disabled here"))
    func `the container is in its cgroup and sees it as the root`() throws {
        let bundle = try TestBundle(["/bin/sleep", "60"])
        #expect(try bundle.create().code == 0)
        let pid = try #require(bundle.state()["pid"]?.integer)
        if RuntimeUnderTest.isOwn {
            #expect(try Files.readText("/proc/\(pid)/cgroup").contains("0::\(bundle.cgroup)\n"))
        }
        #expect(try bundle.runtime("start", bundle.id).code == 0)
        let seen = try bundle.runtime("exec", bundle.id, "/bin/grep", "0::", "/proc/self/cgroup")
        #expect(seen.output == "0::/\n")
    }

    @Test func `the image cannot write the runtime through its own program`() throws {
        let bundle = try TestBundle(["/script"])
        try Files.write(
            bundle.rootfs + "/script", Array("#!/proc/self/exe --version\n".utf8), flags: O_WRONLY | O_CREAT,
            mode: 0o755)
        let before = try Files.status(RuntimeUnderTest.path)
        _ = try bundle.run()
        // A program that keeps the runtime's file open for writing would find it so here.
        let script = "exec 3<>/proc/1/exe 2>/dev/null && echo open || echo refused"
        bundle.set(["process", "args"], ["/bin/sh", "-c", .string(script)])
        _ = try bundle.run()
        let after = try Files.status(RuntimeUnderTest.path)
        #expect(before.modified == after.modified && before.size == after.size)
    }
}
