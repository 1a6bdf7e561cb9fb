extension Transcripts {
    /// `sys/tools`.
    static let tools = #"""
        > GET sys/tools
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET sys/tools/hash
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > POST sys/tools/hash/ {}
        < 400 {"errors":["cannot write to a path ending in '/'"]}
        > POST sys/tools/hash {}
        < 200 ENV{"data":{"sum":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}
        > POST sys/tools/hash {"input":"zz!"}
        < 400 {"errors":["unable to decode input as base64: illegal base64 data at input byte 2"]}
        > POST sys/tools/hash {"input":"aGk=","algorithm":"md5"}
        < 400 {"errors":["unsupported algorithm md5"]}
        > POST sys/tools/hash/a/b {"input":"aGk="}
        < 400 {"errors":["unsupported algorithm a/b"]}
        > POST sys/tools/hash {"input":"aGk=","format":"zz"}
        < 400 {"errors":["unsupported encoding format zz; must be \"hex\" or \"base64\""]}
        > POST sys/tools/hash/sha2-512 {"input":"aGk=","format":"base64","algorithm":"sha2-224"}
        < 200 ENV{"data":{"sum":"FQoU7VvqbMcxz4bEFWasQnqNtI7xuf1iZmSzv7uZBx+kySLzPd44cZuMg\#
        1Tit6udd+Dmf8EoQ5IKcS5z1Vjhlw=="}}
        > POST sys/tools/hash/sha2-224 {"input":"aGk="}
        < 200 ENV{"data":{"sum":"1a15bca3e4ed3ab82367c6c434f86c41040bdac577fa1c2de62c3be0"}}
        > POST sys/tools/hash/sha2-256 {"input":"aGk="}
        < 200 ENV{"data":{"sum":"8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"}}
        > POST sys/tools/hash/sha2-384 {"input":"aGk="}
        < 200 ENV{"data":{"sum":"0791006df8128477244f53d0fdce210db81f55757510e26acee35c18a\#
        6bceaa28dcdbbfd6dc041b9b4dc7b1b54e37f52"}}
        > POST sys/tools/hash/sha2-512 {"input":"aGk="}
        < 200 ENV{"data":{"sum":"150a14ed5bea6cc731cf86c41566ac427a8db48ef1b9fd626664b3bfb\#
        b99071fa4c922f33dde38719b8c8354e2b7ab9d77e0e67fc12843920a712e73d558e197"}}
        > POST sys/tools/hash/sha3-224 {"input":"aGk="}
        < 200 ENV{"data":{"sum":"4538aacc6ccae167eb462bd2d6ced3537edf6f8d88af709be7b130c0"}}
        > POST sys/tools/hash/sha3-256 {"input":"aGk="}
        < 200 ENV{"data":{"sum":"b39c14c8da3b23811f6415b7e0b33526d7e07a46f2cf0484179435767e4a8804"}}
        > POST sys/tools/hash/sha3-384 {"input":"aGk="}
        < 200 ENV{"data":{"sum":"1a3f82224ae3c0933d97c7e2e5d48b73f93eadf91057a1b54d4ebdd9e\#
        c37bd4d73c8fb9b96515dabfc6fa0a33791f3d4"}}
        > POST sys/tools/hash/sha3-512 {"input":"aGk="}
        < 200 ENV{"data":{"sum":"154013cb8140c753f0ac358da6110fe237481b26c75c3ddc1b59eaf9d\#
        d7b46a0a3aeb2cef164b3c82d65b38a4e26ea9930b7b2cb3c01da4ba331c95e62ccb9c3"}}
        > POST sys/tools/hash {"input":"aGk=","foo":1}
        < 200 ENV{"data":{"sum":"<any>"},"warnings":["Endpoint ignored these unrecognized\#
         parameters: [foo]"]}
        > GET sys/tools/random
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > POST sys/tools/random {"bytes":0}
        < 400 {"errors":["'bytes' cannot be less than 1"]}
        > POST sys/tools/random {"bytes":-1}
        < 400 {"errors":["'bytes' cannot be less than 1"]}
        > POST sys/tools/random {"bytes":131073}
        < 400 {"errors":["'bytes' should be less than 131072"]}
        > POST sys/tools/random {"format":"zz"}
        < 400 {"errors":["unsupported encoding format \"zz\"; must be \"hex\" or \"base64\""]}
        > POST sys/tools/random/bogus/4 {}
        < 400 {"errors":["unsupported entropy source \"bogus\"; must be \"platform\" or\#
         \"seal\", or \"all\""]}
        > POST sys/tools/random/abc {"bytes":2}
        < 400 {"errors":["error parsing url-set byte count: strconv.Atoi: parsing \"abc\": invalid\#
         syntax"]}
        > POST sys/tools/random/platform/4/5 {}
        < 400 {"errors":["error parsing url-set byte count: strconv.Atoi: parsing \"4/5\": invalid\#
         syntax"]}
        > POST sys/tools/random/seal {"bytes":3}
        < 200 ENV{"data":{"random_bytes":"<any>"},"warnings":["no seal/entropy augmentation\#
         available, using platform entropy source"]}
        > POST sys/tools/random {"source":"bogus"}
        < 200 ENV{"data":{"random_bytes":"<any>"},"warnings":["Endpoint replaced the value of\#
         these parameters with the values captured from the endpoint's path: [source]"]}
        """#
}
