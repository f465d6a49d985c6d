// SPDX-License-Identifier: Apache-2.0

internal import Linux

/// A size of huge pages: a resource to Kubernetes, a file of the cgroup to the kernel.
struct HugePageSize: Sendable, Hashable {
    var kilobytes: Int64

    /// From a directory's name in /sys/kernel/mm/hugepages: `hugepages-2048kB`.
    init?(directory name: String) {
        guard name.hasPrefix("hugepages-"), name.hasSuffix("kB"), let kilobytes = Int64(name.dropFirst(10).dropLast(2)),
            kilobytes > 0
        else { return nil }
        self.kilobytes = kilobytes
    }

    /// The sizes this machine has; none without huge pages in its kernel.
    static func offered() -> [HugePageSize] {
        ((try? Files.list(root)) ?? []).compactMap { HugePageSize(directory: $0.name) }
            .sorted { $0.kilobytes < $1.kilobytes }
    }

    /// Bytes of the machine's memory that are set aside in pages of this size.
    var reserved: Int64 {
        // Gone since it was listed: then nothing is set aside.
        let count = (try? Files.readText("\(Self.root)/hugepages-\(kilobytes)kB/nr_hugepages"))
            .flatMap { Int64($0.split(separator: "\n").first ?? "") }
        return (count ?? 0) * kilobytes * 1024
    }

    /// `hugepages-2Mi`.
    var resource: String { "hugepages-\(scaled("Ki", "Mi", "Gi"))" }

    /// `2MB`, as in `hugetlb.2MB.max`.
    var cgroupName: String { scaled("KB", "MB", "GB") }

    private func scaled(_ kilo: String, _ mega: String, _ giga: String) -> String {
        if kilobytes >= 1 << 20 { return "\(kilobytes >> 20)\(giga)" }
        return kilobytes >= 1 << 10 ? "\(kilobytes >> 10)\(mega)" : "\(kilobytes)\(kilo)"
    }

    private static let root = "/sys/kernel/mm/hugepages"
}
