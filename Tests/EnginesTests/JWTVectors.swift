/// Tokens of another implementation (PyJWT 2 with its `cryptography`), one for each algorithm, all with
/// these claims:
///
///     {"iss":"https://issuer.example","aud":["vault","other"],"sub":"deploy","iat":1795387300,
///      "exp":1795387996,"team":"core","groups":["ops","dev"],"nested":{"a/b":["x"]}}
enum JWTVectors {
    struct Token: Sendable {
        let algorithm: String
        /// SubjectPublicKeyInfo in base64.
        let key: String
        let text: String

        var pem: String { "-----BEGIN PUBLIC KEY-----\n\(key)\n-----END PUBLIC KEY-----\n" }
    }

    static let tokens = [
        Token(
            algorithm: "RS256",
            key: "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuUkg5Z1k/mLVtjpppaXFQCfWEayd5vvv"
                + "6lSXTnMnH4UulnthdtD/DTMV3wzWIzELVebrvOlxmCj8U8gAcF95CgQ8OTEIUMw2z5uhwx124XVu"
                + "Ko9suYnF6eY422F+QqUvOnqOG4C0ftGHgd9jFxeDB40w96eTQvTNSJjRLKu2cdMaLoiVJmWokG+O"
                + "1Xp41/fFSoCGtSKPlFPmQOYoIZePBhPVaApFqQk9O41tjnnbHQDTJLJeyYf57Lu+LY5YcCJpxIp4"
                + "eAp5bK/4IHj+KfwrdstMIB3noTLH16/493UmH1KdFjYL/kjq4K3GOmz7V5fCmHWVHt6Vihcc6U6Q"
                + "Un9f9wIDAQAB",
            text: "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGx"
                + "lIiwiYXVkIjpbInZhdWx0Iiwib3RoZXIiXSwic3ViIjoiZGVwbG95IiwiaWF0IjoxNzk1Mzg3MzA"
                + "wLCJleHAiOjE3OTUzODc5OTYsInRlYW0iOiJjb3JlIiwiZ3JvdXBzIjpbIm9wcyIsImRldiJdLCJ"
                + "uZXN0ZWQiOnsiYS9iIjpbIngiXX19.owHDU-vuEJAXd3Fb4YIsNAAgolBQ9c_RNgtXUpnf_U4adt"
                + "8YyZmdbRCq65ruB2GnphdvMghOTHgocEvNSIp8afu0kvSwejP58MHYFGkHqcbmTY_bTVzUl-nFHC"
                + "zWPMAyHGOyTzWM--efQSOcoP8Z4tIArpeXOC__fI3kf8elWEiQKkZtSG7gH42uCWLo3gXj2uEd9P"
                + "0EYm6GzLryiphuGl3eemw-xRl9eJCD9qoBk1OSCpBEyzrkj8_s8X4fvx9lJB3DCMR683wJkR_rdw"
                + "Fqyb9TFKEffLhgFABAt-sHgtqk6FdGanSFuBHi0cwtdLyJhtQV4pSRSCRT_n4_Urd_KA"
        ),
        Token(
            algorithm: "RS384",
            key: "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuUkg5Z1k/mLVtjpppaXFQCfWEayd5vvv"
                + "6lSXTnMnH4UulnthdtD/DTMV3wzWIzELVebrvOlxmCj8U8gAcF95CgQ8OTEIUMw2z5uhwx124XVu"
                + "Ko9suYnF6eY422F+QqUvOnqOG4C0ftGHgd9jFxeDB40w96eTQvTNSJjRLKu2cdMaLoiVJmWokG+O"
                + "1Xp41/fFSoCGtSKPlFPmQOYoIZePBhPVaApFqQk9O41tjnnbHQDTJLJeyYf57Lu+LY5YcCJpxIp4"
                + "eAp5bK/4IHj+KfwrdstMIB3noTLH16/493UmH1KdFjYL/kjq4K3GOmz7V5fCmHWVHt6Vihcc6U6Q"
                + "Un9f9wIDAQAB",
            text: "eyJhbGciOiJSUzM4NCIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGx"
                + "lIiwiYXVkIjpbInZhdWx0Iiwib3RoZXIiXSwic3ViIjoiZGVwbG95IiwiaWF0IjoxNzk1Mzg3MzA"
                + "wLCJleHAiOjE3OTUzODc5OTYsInRlYW0iOiJjb3JlIiwiZ3JvdXBzIjpbIm9wcyIsImRldiJdLCJ"
                + "uZXN0ZWQiOnsiYS9iIjpbIngiXX19.iGpdzcK91ZZ6SQjMSdQtoMHBFaryhOvoiGT8k98zX38z1c"
                + "UtWkuddKjo49qDn7EEl8Sad30N6IeYVGus8QnIbOGf4m0Ksd8Zv-iw2L0SU_igT4vca713K_b1os"
                + "bkIpigQqPPkHsCT5-Uf6NppyO6Zqt_YP-zZEb7awcqYUAOG40ETSUs63o3zJeiXWpCyNiqzDHuj1"
                + "CjmHUe3vlRMkKzPqR7l-wmqcEHFYWF126qSh7W-ZQXPh73wZnUTWm1Q1PHRh2VRvnMVOmyoLyEhK"
                + "-iBfrzo6pwljpzv1xWcYcchEpzlBKaZUZnc0OTrulPyc-5aV95godaruYWBUgsLV4CNg"
        ),
        Token(
            algorithm: "RS512",
            key: "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuUkg5Z1k/mLVtjpppaXFQCfWEayd5vvv"
                + "6lSXTnMnH4UulnthdtD/DTMV3wzWIzELVebrvOlxmCj8U8gAcF95CgQ8OTEIUMw2z5uhwx124XVu"
                + "Ko9suYnF6eY422F+QqUvOnqOG4C0ftGHgd9jFxeDB40w96eTQvTNSJjRLKu2cdMaLoiVJmWokG+O"
                + "1Xp41/fFSoCGtSKPlFPmQOYoIZePBhPVaApFqQk9O41tjnnbHQDTJLJeyYf57Lu+LY5YcCJpxIp4"
                + "eAp5bK/4IHj+KfwrdstMIB3noTLH16/493UmH1KdFjYL/kjq4K3GOmz7V5fCmHWVHt6Vihcc6U6Q"
                + "Un9f9wIDAQAB",
            text: "eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGx"
                + "lIiwiYXVkIjpbInZhdWx0Iiwib3RoZXIiXSwic3ViIjoiZGVwbG95IiwiaWF0IjoxNzk1Mzg3MzA"
                + "wLCJleHAiOjE3OTUzODc5OTYsInRlYW0iOiJjb3JlIiwiZ3JvdXBzIjpbIm9wcyIsImRldiJdLCJ"
                + "uZXN0ZWQiOnsiYS9iIjpbIngiXX19.HkiJXqmZUCLJxEQX0or1pVU_c6xyYdg5vXW_mL-GzWo93S"
                + "YpaFBbrS2mUJM8TrDluLtYNHBIJtvtfDDkORfF7IG3L3Y0pIUF-ID7aqv-ocPtpCYfJqF0bKkwyp"
                + "PFYS1LednqJBMMzVtaPhhuQZ7-VlrDKGKfKIorHw2IThR3xT3KNz_BjVWywL9IOIImxh1Z_NHehY"
                + "a1MMMiXZspvkpAgkU-ibq9Q3PTqmr8TcN5LN9W9xA2zy7Eeore6-Zqcg8vlOmQRRV5_J9tmA9c3D"
                + "ASacUsMBAeX0hKnRN6KezxWbjAOPn_6it3v0cHjDoY7lta--DCLhh3ADapikHZ9ppt7w"
        ),
        Token(
            algorithm: "PS256",
            key: "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuUkg5Z1k/mLVtjpppaXFQCfWEayd5vvv"
                + "6lSXTnMnH4UulnthdtD/DTMV3wzWIzELVebrvOlxmCj8U8gAcF95CgQ8OTEIUMw2z5uhwx124XVu"
                + "Ko9suYnF6eY422F+QqUvOnqOG4C0ftGHgd9jFxeDB40w96eTQvTNSJjRLKu2cdMaLoiVJmWokG+O"
                + "1Xp41/fFSoCGtSKPlFPmQOYoIZePBhPVaApFqQk9O41tjnnbHQDTJLJeyYf57Lu+LY5YcCJpxIp4"
                + "eAp5bK/4IHj+KfwrdstMIB3noTLH16/493UmH1KdFjYL/kjq4K3GOmz7V5fCmHWVHt6Vihcc6U6Q"
                + "Un9f9wIDAQAB",
            text: "eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGx"
                + "lIiwiYXVkIjpbInZhdWx0Iiwib3RoZXIiXSwic3ViIjoiZGVwbG95IiwiaWF0IjoxNzk1Mzg3MzA"
                + "wLCJleHAiOjE3OTUzODc5OTYsInRlYW0iOiJjb3JlIiwiZ3JvdXBzIjpbIm9wcyIsImRldiJdLCJ"
                + "uZXN0ZWQiOnsiYS9iIjpbIngiXX19.QeT6VPrnXgt1EPqDC0SIbkg8XZOzLf6kWEm90HOC5Z7ktb"
                + "hAn4lh8w59rYXlAORho8tfr6-VEDxWOKchNmOK9uPA4Vja0okWxKcLAwAUt-wrcpBZO5zW4iYwDb"
                + "Akgu-Ft_CSRFOO_4Us9wQ_ai7jRhlb7sGLwK5poXykWWB2jo74DNHVs_Oz6vTxpUftcwSJdNZjXX"
                + "6rg6cbRS4H10cJS3-6pS1XVVRAbyKX5sAu0Ksff7drSMupKoTKzbX1phAQTqfSLph6eJhQBgKY5w"
                + "K0lrCO1fZb7WAU2Uno_5b4yusoN0WFH_x7xoQxGeeUwevb140LuapHgoYREAaswYcRfw"
        ),
        Token(
            algorithm: "PS384",
            key: "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuUkg5Z1k/mLVtjpppaXFQCfWEayd5vvv"
                + "6lSXTnMnH4UulnthdtD/DTMV3wzWIzELVebrvOlxmCj8U8gAcF95CgQ8OTEIUMw2z5uhwx124XVu"
                + "Ko9suYnF6eY422F+QqUvOnqOG4C0ftGHgd9jFxeDB40w96eTQvTNSJjRLKu2cdMaLoiVJmWokG+O"
                + "1Xp41/fFSoCGtSKPlFPmQOYoIZePBhPVaApFqQk9O41tjnnbHQDTJLJeyYf57Lu+LY5YcCJpxIp4"
                + "eAp5bK/4IHj+KfwrdstMIB3noTLH16/493UmH1KdFjYL/kjq4K3GOmz7V5fCmHWVHt6Vihcc6U6Q"
                + "Un9f9wIDAQAB",
            text: "eyJhbGciOiJQUzM4NCIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGx"
                + "lIiwiYXVkIjpbInZhdWx0Iiwib3RoZXIiXSwic3ViIjoiZGVwbG95IiwiaWF0IjoxNzk1Mzg3MzA"
                + "wLCJleHAiOjE3OTUzODc5OTYsInRlYW0iOiJjb3JlIiwiZ3JvdXBzIjpbIm9wcyIsImRldiJdLCJ"
                + "uZXN0ZWQiOnsiYS9iIjpbIngiXX19.JAKe4hXogK8DLzOZFSOIbkWuxL-T3z6w2wcgp0rd4iFNf3"
                + "pzQFhl1QAsyrhw1CBipUMLHKqlTgyx5gw4L4Enq2AdGt3TSq5mEg5u2X_2ITXLDSYoqsn7hgqDmP"
                + "R9FrP7uaY1Pq-tOwhnR-h-K20JyYERxQxzcSuTWokBz6180jjb5vqONQDpYecmg6CA7vDhlfGkgL"
                + "jFH0uYFyUsgGJ83FKAIZJfNTWjMLhJSa46xQIaA3lmhQh7FZnZBbSza4KYXmk4TUp_NWK5jCYjvW"
                + "ZMkKeEzcLUmyKvJfM3blEAEKO3-5bcaSm3ZNWHy2DvHVJ-T6iKwG-YwEFYDYL_tmkVZA"
        ),
        Token(
            algorithm: "PS512",
            key: "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuUkg5Z1k/mLVtjpppaXFQCfWEayd5vvv"
                + "6lSXTnMnH4UulnthdtD/DTMV3wzWIzELVebrvOlxmCj8U8gAcF95CgQ8OTEIUMw2z5uhwx124XVu"
                + "Ko9suYnF6eY422F+QqUvOnqOG4C0ftGHgd9jFxeDB40w96eTQvTNSJjRLKu2cdMaLoiVJmWokG+O"
                + "1Xp41/fFSoCGtSKPlFPmQOYoIZePBhPVaApFqQk9O41tjnnbHQDTJLJeyYf57Lu+LY5YcCJpxIp4"
                + "eAp5bK/4IHj+KfwrdstMIB3noTLH16/493UmH1KdFjYL/kjq4K3GOmz7V5fCmHWVHt6Vihcc6U6Q"
                + "Un9f9wIDAQAB",
            text: "eyJhbGciOiJQUzUxMiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGx"
                + "lIiwiYXVkIjpbInZhdWx0Iiwib3RoZXIiXSwic3ViIjoiZGVwbG95IiwiaWF0IjoxNzk1Mzg3MzA"
                + "wLCJleHAiOjE3OTUzODc5OTYsInRlYW0iOiJjb3JlIiwiZ3JvdXBzIjpbIm9wcyIsImRldiJdLCJ"
                + "uZXN0ZWQiOnsiYS9iIjpbIngiXX19.m3WYsMCxt0oFnnNx4MAkSCbD_RYglpv_iwVfKUtf2Rkeab"
                + "fT_stpihfPgo_sCmhg0GPYzJnbz7s_C4IEHZK9CK_W3htyIeT3Cs8VqZRKNPgWThK3YmcozNFPJm"
                + "yJHLJwkSmhT5r6xg45nUbrxpjI5yWpqZAnwQBwE7EF7-lNOk1j5OJmzbr9p7wa4fs9yUXrSEtJwH"
                + "spXQl4QwcTxGP0KkxryE3VZX5Te1lWE_qvqenLNtL69haCYN64vbTUqaxDeL5HfWWkdFsvVbGuUe"
                + "ULN2QwIddg9Asr6NK-_DPE0ZGtYpH9u58SJi1r_mynGDhfEJOg2264i8m9dQ3EezPTiA"
        ),
        Token(
            algorithm: "ES256",
            key: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEq5GBNUVagh8Pwlr6+1i+PZYXrJTDVif7x8/k0UNP"
                + "mBrn1ctz5qOCIQdeYxluuT2GGjHtrJ2EY0/l/e9hJrfZdg==",
            text: "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGx"
                + "lIiwiYXVkIjpbInZhdWx0Iiwib3RoZXIiXSwic3ViIjoiZGVwbG95IiwiaWF0IjoxNzk1Mzg3MzA"
                + "wLCJleHAiOjE3OTUzODc5OTYsInRlYW0iOiJjb3JlIiwiZ3JvdXBzIjpbIm9wcyIsImRldiJdLCJ"
                + "uZXN0ZWQiOnsiYS9iIjpbIngiXX19.ZuL3Uqexx35g2DLqG60cIjpEY9HsTDQDQ1GHYTpu9pUNu9"
                + "15hBo5h-9fuJEqbPN1xkrSQLnJS8z5gLP4Kpmt8A"
        ),
        Token(
            algorithm: "ES384",
            key: "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEWXH6ud54rCeruZ/EugjXY4j/GKR2xIfbiC7Cc1TRbuww"
                + "C3EN7bqA1Wp8tAgKajcEjpdRSpajjO6GVIRwwaYcr8QDw2iru66yp4hH3rkv8Fby4B60r/QB7inH"
                + "Bm/ncJEM",
            text: "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGx"
                + "lIiwiYXVkIjpbInZhdWx0Iiwib3RoZXIiXSwic3ViIjoiZGVwbG95IiwiaWF0IjoxNzk1Mzg3MzA"
                + "wLCJleHAiOjE3OTUzODc5OTYsInRlYW0iOiJjb3JlIiwiZ3JvdXBzIjpbIm9wcyIsImRldiJdLCJ"
                + "uZXN0ZWQiOnsiYS9iIjpbIngiXX19.NI8_GEs9HKDh62tyr3_AqzKyiXpILo3Oe1BHGqqD4p3QSY"
                + "g_5IyPfHaGc1GZsfHT8-haWVCJNpJ6sjeFa1_6AYhV8V7H9RzNX3liwe-_XSG2cS7B0FC_9Ww-2M"
                + "1o8BwM"
        ),
        Token(
            algorithm: "ES512",
            key: "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQB+/TWO084nCXPZffktPjo1X4nBrI5hL3VrErN/lKN"
                + "KiPz7CV55BxHL047P/qL71UZ9N8yoIGQJMUPJHvOiU5++hEB52nJK/NYp+pwwuS1xr7jGJp3KZTc"
                + "mzCM2x9TxDoYho3lP2c8CtImXtqL7Kcy3cqYYudzebIziXYjpHtWbHmVRBE=",
            text: "eyJhbGciOiJFUzUxMiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGx"
                + "lIiwiYXVkIjpbInZhdWx0Iiwib3RoZXIiXSwic3ViIjoiZGVwbG95IiwiaWF0IjoxNzk1Mzg3MzA"
                + "wLCJleHAiOjE3OTUzODc5OTYsInRlYW0iOiJjb3JlIiwiZ3JvdXBzIjpbIm9wcyIsImRldiJdLCJ"
                + "uZXN0ZWQiOnsiYS9iIjpbIngiXX19.AbEMdGTxHKopDFdiKpXqZi_YVPJI6XsQ1SpGqEL1Ct7y9-"
                + "59x5tD6pwbCPjZbMZXYiJV0DQgne7E8sitCZVSuv-yAB1Pk1TmEOXOYHnzla3ZoLJmhpXiSu_tYe"
                + "cS9wmBBAlBXAs42VkZByHidT81-xKTG0ZURyA9IvB5VMlg4uuC5VFE"
        ),
        Token(
            algorithm: "EdDSA",
            key: "MCowBQYDK2VwAyEAR6RrfxF213OkNsXf78zYuwz+A+vKbDPO8jqrA/zXFNA=",
            text: "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGx"
                + "lIiwiYXVkIjpbInZhdWx0Iiwib3RoZXIiXSwic3ViIjoiZGVwbG95IiwiaWF0IjoxNzk1Mzg3MzA"
                + "wLCJleHAiOjE3OTUzODc5OTYsInRlYW0iOiJjb3JlIiwiZ3JvdXBzIjpbIm9wcyIsImRldiJdLCJ"
                + "uZXN0ZWQiOnsiYS9iIjpbIngiXX19.DFgKV9aa8rJTLifNicOzEL3vNryKjhrI9LJGDCag9k3sGb"
                + "evBZxrxDxF9XIPd-8ShuQO2BiRNqqxTtHS_xSFAg"
        ),
    ]
}
