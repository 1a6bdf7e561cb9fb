extension Transcripts {
    /// `sys/policies/password`.
    static let passwords = #"""
        > LIST sys/policies/password
        < 404 {"errors":[]}
        > GET sys/policies/password
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > POST sys/policies/password/a {"policy":"length = 8\nrule \"charset\" { charset = \"b\" }"}
        < 204 (empty)
        > GET sys/policies/password/a
        < 200 ENV{"data":{"policy":"length = 8\nrule \"charset\" { charset = \"b\" }"}}
        > GET sys/policies/password/a/generate
        < 200 ENV{"data":{"password":"bbbbbbbb"}}
        > POST sys/policies/password/a/generate {}
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > LIST sys/policies/password/a
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > GET sys/policies/password/A
        < 404 {"errors":["1 error occurred:\n\t* policy does not exist\n\n"]}
        > GET sys/policies/password/none/generate
        < 404 {"errors":["1 error occurred:\n\t* policy does not exist\n\n"]}
        > POST sys/policies/password/x {}
        < 400 {"errors":["1 error occurred:\n\t* missing policy\n\n"]}
        > POST sys/policies/password/x {"policy":"length = 0"}
        < 400 {"errors":["1 error occurred:\n\t* invalid password policy: 2 errors occurred:\n\t*\#
         length must be > 0\n\t* no charset specified\n\n\n\n"]}
        > POST sys/policies/password/x {"policy":"length = 3\nrule \"charset\" { charset = \"b\" }"}
        < 400 {"errors":["1 error occurred:\n\t* passwords must be between 4 and 100\#
         characters\n\n"]}
        > POST sys/policies/password/x {"policy":"length = 8\nrule \"charset\" { charset =\#
         [\"a\"] }"}   # in its own words
        < 400 {"errors":["1 error occurred:\n\t* invalid password policy: line 2: `charset` needs a\#
         text\n\n"]}
        > POST sys/policies/password/x {"policy":"length = 40\nrule \"charset\" { charset = \"a\"\#
         min-chars = 40 }\nrule \"charset\" { charset = \"bcdefghijk\" }"}   # OpenBao writes it
        < 400 {"errors":["1 error occurred:\n\t* no password was found in 1000 draws: are the rules\#
         impossible?\n\n"]}
        > POST sys/policies/password/w {"policy":"length = 8\nfoo = 1\nrule \"charset\" { charset\#
         = \"b\" min_chars = 1 }"}   # 204 there
        < 200 ENV{"warnings":["these mean nothing in a password policy and were ignored: [foo\#
         min_chars]"]}
        > POST sys/policies/password/d%2Fe {"policy":"bGVuZ3RoID0gOApydWxlICJjaGFyc2V0IiB7IGNoYXJz\#
        ZXQgPSAiYWIiIH0="}
        < 204 (empty)
        > GET sys/policies/password/d/e
        < 200 ENV{"data":{"policy":"length = 8\nrule \"charset\" { charset = \"ab\" }"}}
        > LIST sys/policies/password
        < 200 ENV{"data":{"keys":["a","d/e","w"]}}
        > DELETE sys/policies/password/a
        < 204 (empty)
        > DELETE sys/policies/password/a
        < 204 (empty)
        > GET sys/policies/password/a
        < 404 {"errors":["1 error occurred:\n\t* policy does not exist\n\n"]}
        """#
}
