import Testing

/// The keys of ``JWTVectors`` as JSON web keys, written by another implementation.
enum JWKVectors {
    struct Key: Sendable, CustomTestStringConvertible {
        /// The algorithms of the tokens that it signed.
        let algorithms: [String]
        /// Its members, without braces.
        let members: String

        var testDescription: String { algorithms.joined(separator: " ") }
    }

    static let keys = [
        Key(
            algorithms: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
            members: #""kty":"RSA","n":"uUkg5Z1k_mLVtjpppaXFQCfWEayd5vvv6lSXTnMnH4UulnthdtD_DTM"#
                + #"V3wzWIzELVebrvOlxmCj8U8gAcF95CgQ8OTEIUMw2z5uhwx124XVuKo9suYnF6eY422F-QqU"#
                + #"vOnqOG4C0ftGHgd9jFxeDB40w96eTQvTNSJjRLKu2cdMaLoiVJmWokG-O1Xp41_fFSoCGtSK"#
                + #"PlFPmQOYoIZePBhPVaApFqQk9O41tjnnbHQDTJLJeyYf57Lu-LY5YcCJpxIp4eAp5bK_4IHj"#
                + #"-KfwrdstMIB3noTLH16_493UmH1KdFjYL_kjq4K3GOmz7V5fCmHWVHt6Vihcc6U6QUn9f9w""#
                + #","e":"AQAB""#
        ),
        Key(
            algorithms: ["ES256"],
            members: #""kty":"EC","crv":"P-256","x":"q5GBNUVagh8Pwlr6-1i-PZYXrJTDVif7x8_k0UNPmB"#
                + #"o","y":"59XLc-ajgiEHXmMZbrk9hhox7aydhGNP5f3vYSa32XY""#
        ),
        Key(
            algorithms: ["ES384"],
            members: #""kty":"EC","crv":"P-384","x":"WXH6ud54rCeruZ_EugjXY4j_GKR2xIfbiC7Cc1TRbu"#
                + #"wwC3EN7bqA1Wp8tAgKajcE","y":"jpdRSpajjO6GVIRwwaYcr8QDw2iru66yp4hH3rkv8Fb"#
                + #"y4B60r_QB7inHBm_ncJEM""#
        ),
        Key(
            algorithms: ["ES512"],
            members: #""kty":"EC","crv":"P-521","x":"Afv01jtPOJwlz2X35LT46NV-JwayOYS91axKzf5SjS"#
                + #"oj8-wleeQcRy9OOz_6i-9VGfTfMqCBkCTFDyR7zolOfvoR","y":"AedpySvzWKfqcMLktca"#
                + #"-4xiadymU3JswjNsfU8Q6GIaN5T9nPArSJl7ai-ynMt3KmGLnc3myM4l2I6R7Vmx5lUQR""#
        ),
        Key(
            algorithms: ["EdDSA"],
            members: #""kty":"OKP","crv":"Ed25519","x":"R6RrfxF213OkNsXf78zYuwz-A-vKbDPO8jqrA_z"#
                + #"XFNA""#
        ),
    ]
}
