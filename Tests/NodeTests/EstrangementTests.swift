import Replica
import Testing
import Transport

@testable import Node

/// When a node says that the cluster has gone on without it.
@Suite("estrangement")
struct EstrangementTests {
    private let begin = Moment.now
    private var estrangement = Estrangement(patience: .seconds(10), pause: .seconds(600))

    /// Whether it is told, after signs at these seconds, at the last of them.
    private func told(_ seconds: [Int], inTouch: [Int] = []) -> [Int] {
        var estrangement = estrangement
        return seconds.filter { second in
            estrangement.seen(
                at: begin + .seconds(second),
                isInTouch: inTouch.contains(second)
            )
        }
    }

    @Test("it is told after a while of signs without a member in touch, and not too often")
    func patience() {
        #expect(told(Array(0...9)) == [])
        #expect(told(Array(0...609)) == [10])
        #expect(told(Array(0...611)) == [10, 610])
    }

    @Test("a member in touch begins the wait anew")
    func inTouch() {
        #expect(told(Array(0...18), inTouch: [8]) == [])
        #expect(told(Array(0...19), inTouch: [8]) == [19])
    }

    @Test("signs long ago say nothing of today")
    func old() {
        #expect(told([0, 5, 500, 505, 509]) == [])
        #expect(told([0, 5, 500, 505, 510]) == [510])
    }

    @Test("what is said names this node, its folder and each command")
    func text() {
        for key in [UnknownKey.caller, .own] {
            let (summary, remedy) = Estrangement.text(key, node: "eu-1", data: "/var/hf")
            #expect(summary.contains("eu-1"))
            for command in [
                "holdfast cluster remove eu-1", "holdfast cluster join-token",
                "mv /var/hf /var/hf.old", "holdfast cluster join --config FILE",
                "holdfast server --config FILE",
            ] {
                #expect(remedy.contains(command), "\(command)")
            }
        }
    }
}
