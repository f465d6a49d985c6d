// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import Processes
import Testing

/// Mounts that would cover what the runtime and the kernel go by, and images that lead masks elsewhere.
@Suite(.enabled(if: RuntimeUnderTest.isRoot, "needs root")) struct MountPlaceTests {
    private func bind(_ bundle: TestBundle, _ source: String, on destination: String) {
        bundle.add(
            to: ["mounts"],
            [
                "destination": .string(destination), "type": "bind", "source": .string(source),
                "options": ["rbind", "rw"],
            ])
    }

    @Test(
        .enabled(if: RuntimeUnderTest.kind != "crun", "crun 1.8 mounts there"),
        arguments: [
            "/proc/thread-self/attr", "/proc/self/attr", "/proc/sys/kernel", "/proc", "/proc/../proc/bus",
            "/link/kernel",
            "/deep/link", "/proc/1/root/tmp", "//proc//sys",
        ])
    func `a directory is not mounted over procfs or inside it`(destination: String) throws {
        let bundle = try TestBundle(["/bin/echo", "started"])
        try Files.makeDirectories(bundle.directory + "/volume")
        try Files.makeDirectories(bundle.rootfs + "/deep")
        try Files.symlink("/proc/sys", at: bundle.rootfs + "/link")
        try Files.symlink("../../proc/self/attr", at: bundle.rootfs + "/deep/link")
        bind(bundle, bundle.directory + "/volume", on: destination)
        let outcome = try bundle.run()
        #expect(outcome.code != 0 && !outcome.output.contains("started"), "\(outcome)")
        if RuntimeUnderTest.isOwn, !destination.contains("root") {
            #expect(outcome.errors.contains("/proc") && outcome.errors.contains("can be mounted"), "\(outcome)")
        }
        #expect(try Files.list(bundle.directory + "/volume").isEmpty)
    }

    @Test(.enabled(if: RuntimeUnderTest.kind != "crun", "crun 1.8 mounts there"), arguments: ["tmpfs", "sysfs"])
    func `nothing but procfs is mounted on proc`(type: String) throws {
        let bundle = try TestBundle(["/bin/echo", "started"])
        bundle.add(to: ["mounts"], ["destination": "/proc", "type": .string(type), "source": .string(type)])
        #expect(try bundle.run().output == "")
    }

    @Test(.enabled(if: RuntimeUnderTest.isOwn, "others put it over the root, where nothing sees it"))
    func `nothing is mounted over the root`() throws {
        let bundle = try TestBundle(["/bin/echo", "started"])
        try Files.makeDirectories(bundle.directory + "/volume")
        bind(bundle, bundle.directory + "/volume", on: "/")
        let outcome = try bundle.run()
        #expect(outcome.errors.contains("nothing can be mounted over the container's root"), "\(outcome)")
    }

    @Test func `a file of numbers may be emulated`() throws {
        let bundle = try TestBundle()
        try Files.replace(bundle.directory + "/meminfo", with: Array("MemTotal: 7 kB\n".utf8))
        bind(bundle, bundle.directory + "/meminfo", on: "/proc/meminfo")
        #expect(try bundle.shell("cat /proc/meminfo") == "MemTotal: 7 kB\n")
    }

    @Test func `the host's procfs may be mounted elsewhere`() throws {
        let bundle = try TestBundle()
        bind(bundle, "/proc", on: "/host/proc")
        #expect(try bundle.shell("echo $$; ls -d /host/proc/1") == "1\n/host/proc/1\n")
    }

    /// CVE-2025-31133: what is shown under a masked name would be the link's target.
    @Test(
        .enabled(if: RuntimeUnderTest.isOwn, "crun 1.8 and runc before 1.2.8 follow the link"),
        arguments: ["/proc/sys/kernel/core_pattern", "/dev/zero", "/nowhere"])
    func `a volume at dev cannot give another null device for masks`(target: String) throws {
        let bundle = try TestBundle(["/bin/echo", "started"])
        let volume = bundle.directory + "/volume"
        for name in ["pts", "shm", "mqueue"] { try Files.makeDirectories("\(volume)/\(name)") }
        try Files.symlink(target, at: volume + "/null")
        bind(bundle, volume, on: "/dev")
        bundle.set(["linux", "maskedPaths"], ["/proc/keys"])
        let before = try Files.readText("/proc/sys/kernel/core_pattern")
        let outcome = try bundle.run()
        #expect(outcome.code != 0 && outcome.output.isEmpty, "\(outcome)")
        #expect(outcome.errors.contains("mask /proc/keys: /dev/null: is not the null device"), "\(outcome)")
        #expect(try Files.readText("/proc/sys/kernel/core_pattern") == before)
    }

    @Test(.enabled(if: RuntimeUnderTest.isOwn, "others follow the link inside the root"))
    func `a mask is not led elsewhere by a link`() throws {
        let bundle = try TestBundle(["/bin/echo", "started"])
        try Files.makeDirectories(bundle.rootfs + "/victim")
        try Files.symlink("/victim", at: bundle.rootfs + "/secret")
        for list in ["maskedPaths", "readonlyPaths"] {
            for path in ["/secret", "/secret/../victim"] {
                bundle.set(["linux", "maskedPaths"], [])
                bundle.set(["linux", "readonlyPaths"], [])
                bundle.set(["linux", list], [.string(path)])
                let outcome = try bundle.run()
                #expect(outcome.errors.contains("is a link, or behind one") || path.contains(".."), "\(outcome)")
            }
        }
    }

    @Test(.enabled(if: RuntimeUnderTest.isOwn, "others wait for it"))
    func `an image with a fifo for its users is no reason to wait`() throws {
        let bundle = try TestBundle()
        try Files.makeFifo(bundle.rootfs + "/etc/passwd", mode: 0o644)
        #expect(try bundle.shell("echo $HOME") == "/\n")
    }

    @Test func `the home is that of the image's users`() throws {
        let bundle = try TestBundle()
        try Files.replace(bundle.rootfs + "/etc/passwd", with: Array("a:x:0:0::/home/a:/bin/sh\n".utf8))
        #expect(try bundle.shell("echo $HOME") == "/home/a\n")
    }

    /// For the kernel, -1 leaves an id as it is (CVE-2024-40635).
    @Test(
        .enabled(if: RuntimeUnderTest.isOwn, "others run it as root, or refuse it with another text"),
        arguments: ["uid", "gid"])
    func `the id that means no change is refused`(field: String) throws {
        let bundle = try TestBundle(["/bin/echo", "started"])
        bundle.set(["process", "user", field], 4_294_967_295)
        let outcome = try bundle.run()
        #expect(outcome.code != 0 && outcome.output.isEmpty, "\(outcome)")
    }
}
