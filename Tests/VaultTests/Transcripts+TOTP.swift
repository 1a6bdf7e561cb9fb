extension Transcripts {
    /// One-time passwords.
    static let oneTimePasswords = #"""
        > POST sys/mounts/tt {"type":"totp"}
        < 204 (empty)
        > POST tt/keys/a {}
        < 400 {"errors":["the key value is required"]}
        > POST tt/keys/a {"generate":true}
        < 400 {"errors":["the account_name value is required for generated keys"]}
        > POST tt/keys/a {"generate":true,"issuer":"I"}
        < 400 {"errors":["the account_name value is required for generated keys"]}
        > POST tt/keys/a {"generate":true,"account_name":"a@b"}
        < 400 {"errors":["the issuer value is required for generated keys"]}
        > POST tt/keys/a {"generate":true,"issuer":"I","account_name":"a@b","qr_size":0}
        < 200 ENV{"data":{"url":"<any>"}}
        > GET tt/keys/a
        < 200 ENV{"data":{"account_name":"a@b","algorithm":"SHA1","digits":6,"issuer":"I","period"\#
        :30}}
        > POST tt/keys/b {"generate":true,"issuer":"I","account_name":"a@b","exported":false}
        < 204 (empty)
        > POST tt/keys/b {"generate":true,"issuer":"I","account_name":"a@b","exported":false,"foo"\#
        :1}
        < 204 (empty)
        > POST tt/keys/b {"generate":true,"issuer":"I","account_name":"a@b","qr_size":0,"foo":1}
        < 200 ENV{"data":{"url":"<any>"},"warnings":["Endpoint ignored these unrecognized \#
        parameters: [foo]"]}
        > POST tt/keys/b {"generate":true,"issuer":"I","account_name":"a@b","qr_size":-1}
        < 400 {"errors":["the qr_size value must be greater than or equal to zero"]}
        > POST tt/keys/b {"generate":true,"issuer":"I","account_name":"a@b","key_size":0}
        < 400 {"errors":["the key_size value must be greater than zero"]}
        > POST tt/keys/b {"generate":true,"issuer":"I","account_name":"a@b","digits":7}
        < 400 {"errors":["the digits value can only be 6 or 8"]}
        > POST tt/keys/b {"generate":true,"issuer":"I","account_name":"a@b","skew":2}
        < 400 {"errors":["the skew value must be 0 or 1"]}
        > POST tt/keys/b {"generate":true,"issuer":"I","account_name":"a@b","period":0}
        < 400 {"errors":["the period value must be greater than zero"]}
        > POST tt/keys/b {"generate":true,"issuer":"I","account_name":"a@b","period":-1}
        < 400 {"errors":["Field validation failed: error converting input for field \"period\": ca\#
        nnot provide negative value '-1'"]}
        > POST tt/keys/b {"generate":true,"issuer":"I","account_name":"a@b","algorithm":"MD5"}
        < 400 {"errors":["the algorithm value is not valid"]}
        > POST tt/keys/b {"generate":true,"issuer":"I","account_name":"a@b","algorithm":"sha256","\#
        qr_size":0}
        < 400 {"errors":["the algorithm value is not valid"]}
        > POST tt/keys/b {"generate":true,"issuer":"I","account_name":"a@b","algorithm":"SHA512","\#
        digits":"8","period":"1m","key_size":32,"qr_size":0}
        < 200 ENV{"data":{"url":"<any>"}}
        > GET tt/keys/b
        < 200 ENV{"data":{"account_name":"a@b","algorithm":"SHA512","digits":8,"issuer":"I","perio\#
        d":60}}
        > POST tt/keys/b {"generate":true,"issuer":"I","account_name":"a@b","url":"otpauth://totp/\#
        x"}
        < 400 {"errors":["a url should not be passed if generate is true"]}
        > POST tt/keys/b {"generate":true,"issuer":"I","account_name":"a@b","key":"JBSWY3DPEHPK3PX\#
        P"}
        < 400 {"errors":["a key should not be passed if generate is true"]}
        > POST tt/keys/c {"key":"JBSWY3DPEHPK3PXP"}
        < 204 (empty)
        > GET tt/keys/c
        < 200 ENV{"data":{"account_name":"","algorithm":"SHA1","digits":6,"issuer":"","period":30}\#
        }
        > POST tt/keys/c {"key":"JBSWY3DPEHPK3PXP","issuer":"X","account_name":"y","exported":true\#
        ,"qr_size":100}
        < 204 (empty)
        > POST tt/keys/c {"key":"not base32!"}
        < 400 {"errors":["invalid key value: illegal base32 data at input byte 3"]}
        > POST tt/keys/c {"key":"jbswy3dpehpk3pxp"}
        < 204 (empty)
        > POST tt/keys/c {"key":"JBSWY3DP EHPK3PXP"}
        < 400 {"errors":["invalid key value: illegal base32 data at input byte 8"]}
        > POST tt/keys/d {"url":"otpauth://totp/Google:test@gmail.com?secret=JBSWY3DPEHPK3PXP&issu\#
        er=Google"}
        < 204 (empty)
        > GET tt/keys/d
        < 200 ENV{"data":{"account_name":"test@gmail.com","algorithm":"SHA1","digits":6,"issuer":"\#
        Google","period":30}}
        > POST tt/keys/d {"url":"otpauth://totp/test@gmail.com?secret=JBSWY3DPEHPK3PXP&period=60&d\#
        igits=8&algorithm=SHA256"}
        < 204 (empty)
        > GET tt/keys/d
        < 200 ENV{"data":{"account_name":"test@gmail.com","algorithm":"SHA256","digits":8,"issuer"\#
        :"","period":60}}
        > POST tt/keys/d {"url":"otpauth://totp/My%20Co:test%40gmail.com?secret=JBSWY3DPEHPK3PXP&p\#
        eriod=x"}
        < 400 {"errors":["an error occurred while parsing period value in url"]}
        > POST tt/keys/d {"url":"otpauth://totp/My%20Co:test%40gmail.com?secret=JBSWY3DPEHPK3PXP&d\#
        igits=x"}
        < 400 {"errors":["an error occurred while parsing digits value in url"]}
        > POST tt/keys/d {"url":"otpauth://totp/My%20Co:test%40gmail.com?secret=JBSWY3DPEHPK3PXP&d\#
        igits=7"}
        < 400 {"errors":["the digits value can only be 6 or 8"]}
        > POST tt/keys/d {"url":"otpauth://totp/My%20Co:test%40gmail.com?secret=JBSWY3DPEHPK3PXP&a\#
        lgorithm=MD5"}
        < 400 {"errors":["the algorithm value is not valid"]}
        > POST tt/keys/d {"url":"otpauth://totp/My%20Co:test%40gmail.com"}
        < 400 {"errors":["the key value is required"]}
        > POST tt/keys/d {"url":"otpauth://totp/My%20Co:test%40gmail.com?secret=JBSWY3DPEHPK3PXP&i\#
        ssuer=Other"}
        < 204 (empty)
        > GET tt/keys/d
        < 200 ENV{"data":{"account_name":"test@gmail.com","algorithm":"SHA1","digits":6,"issuer":"\#
        Other","period":30}}
        > POST tt/keys/d {"url":"::bad"}
        < 400 {"errors":["an error occurred while parsing url string"]}
        > POST tt/keys/d {"url":"otpauth://totp/A%20Co?secret=JBSWY3DPEHPK3PXP","key":"JBSWY3DPEHP\#
        K3PXP","issuer":"Z"}
        < 204 (empty)
        > GET tt/keys/d
        < 200 ENV{"data":{"account_name":"A Co","algorithm":"SHA1","digits":6,"issuer":"Z","period\#
        ":30}}
        > POST tt/keys/d {"key":"JBSW","name":"x","foo":1}
        < 204 (empty)
        > LIST tt/keys
        < 200 ENV{"data":{"keys":["a","b","c","d"]}}
        > LIST tt/keys?limit=1&after=a
        < 200 ENV{"data":{"keys":["b"]}}
        > LIST tt/keys?after=d
        < 404 {"errors":[]}
        > LIST tt/code
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET tt/keys/zz
        < 404 {"errors":[]}
        > GET tt/code/zz
        < 400 {"errors":["unknown key: zz"]}
        > POST tt/code/zz {"code":"123456"}
        < 400 {"errors":["unknown key: zz"]}
        > POST tt/code/a {}
        < 400 {"errors":["the code value is required"]}
        > POST tt/code/a {"code":"123"}
        < 400 {"errors":["invalid number of digits for the code"]}
        > POST tt/code/a {"code":"abcdef"}
        < 200 ENV{"data":{"valid":false}}
        > DELETE tt/keys/zz
        < 204 (empty)
        > DELETE tt/keys/a
        < 204 (empty)
        > POST tt/code/a {"code":"123456"}
        < 400 {"errors":["unknown key: a"]}
        > GET tt/
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > GET tt/keys
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > POST tt/keys/x/y {}
        < 404 {"errors":["1 error occurred:\n\t* unsupported path\n\n"]}
        > DELETE tt/code/b
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > PATCH tt/keys/b {}   [Content-Type: application/merge-patch+json]
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > SCAN tt/keys
        < 405 {"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}
        > POST tt/keys/c {"key":""}
        < 400 {"errors":["the key value is required"]}
        > POST tt/keys/c {"generate":false}
        < 400 {"errors":["the key value is required"]}
        > POST tt/keys/c {"generate":true,"issuer":"","account_name":"x"}
        < 400 {"errors":["the issuer value is required for generated keys"]}
        > POST sys/mounts/tt/tune {"options":{"version":"7"}}
        < 400 {"errors":["invalid version provided: 7"]}
        """#
}
