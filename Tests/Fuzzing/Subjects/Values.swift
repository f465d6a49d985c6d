// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Schema
import YAML

extension Subject {
    /// Texts that people and programs write: documents, patches, quantities, selectors.
    static let values = [
        Subject(name: "json") { bytes in
            guard let value = try? JSONValue.parse(bytes) else { return }
            // A number may become another spelling of itself once: `-1e-999` is `-0`, and `-0` is `0`.
            guard let once = try? JSONValue.parse(value.encoded()), let twice = try? JSONValue.parse(once.encoded())
            else { fatalError("what was written cannot be read: \(value.encoded())") }
            require(once == twice, "a value changed on its way through text: \(once.encoded())")
        },
        Subject(name: "yaml") { bytes in
            for document in (try? YAML.parse(bytes)) ?? [] {
                let text = YAML.encode(document)
                guard let once = try? YAML.parseOne(Array(text.utf8)),
                    let twice = try? YAML.parseOne(Array(YAML.encode(once).utf8))
                else { fatalError("what was written cannot be read: \(text)") }
                require(once == twice, "a value changed on its way through text: \(text)")
            }
        },
        Subject(name: "json-patch") { bytes in
            let (document, patch) = halves(bytes)
            guard let document = try? JSONValue.parse(document), let patch = try? JSONValue.parse(patch) else { return }
            _ = try? JSONPatch.apply(patch, to: document)
            let merged = MergePatch.apply(patch, to: document)
            require(MergePatch.apply(patch, to: merged) == merged, "a merge patch applied twice changes more")
        },
        Subject(name: "quantity") { bytes in
            guard let text = String(validating: bytes, as: UTF8.self), let quantity = Quantity(text) else { return }
            let canonical = quantity.description
            guard let again = Quantity(canonical) else { fatalError("\(text) is written as \(canonical): no quantity") }
            require(again == quantity, "\(text) and \(canonical) are two quantities")
            let settled = again.description
            if quantity.format == .binarySI {
                // 2000.5Ki is 2048512, which is read as decimal from then on: in other digits it may be shorter.
                require(Quantity(settled)?.description == settled, "\(settled) of \(text) is not canonical")
            } else {
                require(settled == canonical, "\(canonical) is not canonical")
            }
            _ = quantity + quantity
            _ = quantity < again
        },
        Subject(name: "selectors") { bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else { return }
            if let selector = try? LabelSelector(parsing: text) { _ = selector.matches(["app": "web", "tier": ""]) }
            if let selector = try? FieldSelector(parsing: text) { _ = "\(selector)" }
        },
        Subject(name: "patterns") { bytes in
            let (pattern, subject) = halves(bytes)
            guard let pattern = String(validating: pattern, as: UTF8.self),
                let subject = String(validating: subject, as: UTF8.self),
                let expression = try? RegularExpression(pattern)
            else { return }
            _ = expression.matches(subject)
        },
    ]
}
