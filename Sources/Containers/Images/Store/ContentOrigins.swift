// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import TLS

/// Which repositories have given which blobs. A blob is kept once, whoever has it; but a registry that only names one
/// which is here has not shown that it has it, and whoever chose that registry has no part in it. So a pull takes
/// what is here only where its repository gave it before, or some registry gave it to somebody without credentials,
/// and fetches it otherwise.
///
/// `origins/<algorithm>-<digest>/<SHA-256 of the repository>`, empty files: each is there or not, also after a power
/// cut.
struct ContentOrigins: Sendable {
    let root: String

    /// Repositories that are remembered of one blob. With more it is fetched again.
    static let most = 1000

    private static let everybody = "everybody"

    init(root: String) throws(ImageError) {
        self.root = root
        do throws(Errno) { try Files.makeDirectories("\(root)/origins", mode: 0o700) } catch {
            throw .system("open the image store \(root)", error)
        }
    }

    /// Whether `repository`, or any registry to anybody, has given the blob.
    func has(_ blob: ImageDigest, from repository: String) -> Bool {
        [Self.everybody, name(of: repository)].contains { access("\(place(blob))/\($0)", F_OK) == 0 }
    }

    /// `repository` has given the blob, whole and verified.
    ///
    /// - Parameter isEverybodys: Without credentials.
    func note(_ blob: ImageDigest, from repository: String, isEverybodys: Bool) throws(ImageError) {
        let directory = place(blob)
        let file = "\(directory)/\(isEverybodys ? Self.everybody : name(of: repository))"
        guard access(file, F_OK) != 0 else { return }
        do throws(Errno) {
            if Files.exists(directory), try Files.list(directory).count >= Self.most {
                try Files.removeTree(directory)
            }
            // A collection that removes the directory in between has found that nobody needs the blob.
            for attempt in 0... {
                try Files.makeDirectories(directory, mode: 0o700)
                do throws(Errno) {
                    try Files.write(file, [], flags: O_WRONLY | O_CREAT)
                    return
                } catch {
                    guard error.isNotFound, attempt < 3 else { throw error }
                }
            }
        } catch { throw .system("note where \(blob) is from", error) }
    }

    /// Forgets all blobs but `kept`.
    func forget(except kept: Set<ImageDigest>) throws(ImageError) {
        let names = Set(kept.map { "\($0.algorithm.rawValue)-\($0.hex)" })
        do throws(Errno) {
            for entry in try Files.list("\(root)/origins") where !names.contains(entry.name) {
                try Files.removeTree("\(root)/origins/\(entry.name)")
            }
        } catch { throw .system("forget where removed blobs are from", error) }
    }

    private func place(_ blob: ImageDigest) -> String { "\(root)/origins/\(blob.algorithm.rawValue)-\(blob.hex)" }

    private func name(of repository: String) -> String { Hex.encode(Digest.hash(Array(repository.utf8))) }
}
