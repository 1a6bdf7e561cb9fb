import Shamir
import Testing

/// Shares made once by `shamir-mnemonic` 0.3.0, the reference implementation of SLIP-0039, with an
/// empty passphrase, extendable, iteration exponent 0.
struct ReferenceSet: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let groupThreshold: Int
    let groups: [GroupSpec]
    let secret: String
    /// By group, then by member.
    let shares: [String]
}

extension ReferenceSet {
    static let all = [flat, single, grouped]

    static let flat = ReferenceSet(
        testDescription: "3 of 5",
        groupThreshold: 1,
        groups: [
            GroupSpec(threshold: 3, count: 5)
        ],
        secret: "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f",
        shares: [
            "echo manual academic acne airport organize acid welcome custody oral "
                + "penalty repeat much taught exercise angel manual bulb bracelet taught "
                + "excuse sugar paper emission belong profile salt paid edge mason agency "
                + "obesity crush",
            "echo manual academic agree aluminum thumb network typical scramble "
                + "describe graduate grasp width biology public duration raspy emphasis "
                + "depict petition tension photo guest regret beyond clock deadline "
                + "fiction swing vegan true river large",
            "echo manual academic amazing already being eraser dream trouble "
                + "terminal desire welfare dynamic typical belong trust threaten dough "
                + "desktop identify task numerous visitor grill fiscal reunion lying "
                + "forget lend together inherit overall pregnant",
            "echo manual academic arcade ancestor headset source crazy adorn estate "
                + "victim clay extend brave typical talent tactics grant axle desktop hush "
                + "ticket early obesity flavor dilemma grief military capital news oasis "
                + "require yield",
            "echo manual academic axle acid client animal capacity remove slow "
                + "quantity humidity moment yelp cubic unhappy walnut painting tofu junior "
                + "escape client force rival vampire fancy example course fumes mild "
                + "beyond raisin ceramic",
        ]
    )

    static let single = ReferenceSet(
        testDescription: "1 of 1",
        groupThreshold: 1,
        groups: [
            GroupSpec(threshold: 1, count: 1)
        ],
        secret: "0000000000000000000000000000000000000000000000000000000000000001",
        shares: [
            "expect again academic academic amount trust teacher payment task guest "
                + "smear inform idle upgrade browser club declare scout ladle prevent "
                + "orange already withdraw fantasy radar punish alpha wolf forward garden "
                + "lobe fishing percent"
        ]
    )

    static let grouped = ReferenceSet(
        testDescription: "2 of (3 of 5, 3 of 5, 2 of 3)",
        groupThreshold: 2,
        groups: [
            GroupSpec(threshold: 3, count: 5),
            GroupSpec(threshold: 3, count: 5),
            GroupSpec(threshold: 2, count: 3),
        ],
        secret: "ffffffffffffffffffffffffffffffff5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
        shares: [
            "switch manual acrobat learn agree ancient mental member rival arcade "
                + "carve wisdom various shame busy forward aspect guest either repeat "
                + "epidemic flash scroll medal echo benefit counter axle duration ceiling "
                + "beyond dining carbon",
            "switch manual acrobat lips angry health duration enjoy pile warmth pile "
                + "single trouble mobile retailer gums diet hairy lift flash wealthy "
                + "alcohol aircraft voice reaction density fancy desktop vampire failure "
                + "curious acrobat both",
            "switch manual acrobat luxury artist luxury render hospital float "
                + "diploma elephant transfer judicial ordinary fatal pulse raspy average "
                + "percent profile luxury depict knife fatigue multiple mixture western "
                + "finance early friar knit smoking marathon",
            "switch manual acrobat march afraid treat answer pharmacy either satisfy "
                + "window step genius script venture level meaning aspect grocery elder "
                + "dish glad rich crazy gasoline quarter leaves idea upgrade cultural "
                + "elevator tofu living",
            "switch manual acrobat method alarm bedroom slow that indicate tricycle "
                + "justice quiet justice climate source promise unfair remember glasses "
                + "both owner ruler depict license either learn avoid index liquid wisdom "
                + "equation roster pacific",
            "switch manual beard learn alcohol formal tenant center flip railroad "
                + "numb ultimate webcam broken seafood violence response ancient impact "
                + "forget carve imply carpet fraction laundry obtain burden medal type "
                + "debris invasion arena deal",
            "switch manual beard lips avoid length check alto intend cinema veteran "
                + "wildlife filter maiden estate remind island glen toxic spider retreat "
                + "unfold dominant angel body garbage advance news family black edge "
                + "discuss smith",
            "switch manual beard luxury ancestor drug username repeat exotic paid "
                + "shadow educate library numerous soldier promise threaten boundary "
                + "fridge promise huge upgrade relate damage unfair edge easel carbon fact "
                + "warn engage cluster fiber",
            "switch manual beard march adult thunder depart ordinary gather always "
                + "phantom firm deadline amount froth theory database lamp shaft charity "
                + "single helpful ordinary lawsuit lilac living coastal amuse unknown "
                + "surprise idle behavior prayer",
            "switch manual beard method adapt exchange science teammate equation "
                + "describe change slap island smoking recover emphasis lilac much fiction "
                + "sympathy emperor muscle swing together simple clay advocate equip "
                + "station ladle client soul finger",
            "switch manual ceramic leaf activity climate hawk ajar traveler package "
                + "satoshi spill scramble subject fraction helpful mule industry detect "
                + "black counter square radar usual cluster item adjust welcome mason "
                + "bracelet meaning apart actress",
            "switch manual ceramic lily adequate entrance angel eyebrow ending ruin "
                + "float wrist animal work carpet fluff hush rescue work lobe damage "
                + "thunder slush numerous capital season hamster emphasis species elegant "
                + "coding station estimate",
            "switch manual ceramic lungs alto require pleasure process phrase "
                + "testify unhappy treat webcam believe speak alarm formal trip rhythm "
                + "focus mortgage visitor eclipse ceiling endless leader spend leaves mild "
                + "ladle script clay dramatic",
        ]
    )
}

/// Correct shares of kinds that a vault does not make, by the same program.
enum ForeignShare {
    static let of128Bits =
        "teacher dramatic academic academic axis eclipse inside mild briefing "
        + "artwork both literary jewelry wildlife sweater early building pencil "
        + "bolt loan"
    static let of512Bits =
        "math type academic academic acquire holiday ruler away hour envelope "
        + "jury island grasp glimpse idle transfer budget much picture pecan "
        + "arcade husky check climate client broken frequent drift gather column "
        + "scene biology wireless born fridge standard eclipse trip very grant "
        + "spelling coal display pumps manager drink thorn bracelet island coding "
        + "system sprinkle wireless evoke strategy gray pink prevent dance"
    static let notExtendable =
        "remind prospect academic academic answer breathe screw group bracelet "
        + "inform capital moisture decision best easy username activity smirk "
        + "gesture wrap mortgage salary deploy military quarter garbage shaped "
        + "smear elevator system marvel luxury soul"
    static let exponentOne =
        "lizard marathon academic academic august olympic negative elevator "
        + "stadium sled dive voter ladle wrap iris cowboy fumes order olympic "
        + "sugar unhappy grill geology square says prize debut device axis "
        + "humidity shelter club priority"
}
