/// Certificates that the openssl command made on 27 November 2026, in base64 of DER. They are good
/// for 98 years, but for `short`, which is good for a day. Their keys are gone.
///
/// `Tests/Acceptance/certificates.py` makes such ones anew for tests with real processes.
package enum CertificateVectors {
    /// All of them are valid now, but for `short`; seconds since 1970.
    package static let now: Int64 = 1_796_083_200

    /// An authority: `/O=Example/CN=root one`, serial number 1.
    package static let ca =
        "MIIBfDCCASOgAwIBAgIBATAKBggqhkjOPQQDAjAlMRAwDgYDVQQKDAdFeGFtcGxlMREwDwYDVQQDDAhy"
        + "b290IG9uZTAgFw0yNjExMjcwMTEyNTNaGA8yMTI1MDYyMTAxMTI1M1owJTEQMA4GA1UECgwHRXhhbXBs"
        + "ZTERMA8GA1UEAwwIcm9vdCBvbmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATdPHzq0vjiqXg+tr7U"
        + "wkopa0ahs7QPxYhNNgK6R1itDmWgLNxBDYPOlGOPCCGPRyaHjSOKVK1iE6K7nnt1uMTro0IwQDAPBgNV"
        + "HRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBhjAdBgNVHQ4EFgQUG4c+CVb+ct1t3rNuzaESGmB2h1Qw"
        + "CgYIKoZIzj0EAwIDRwAwRAIgIQjr2vfzOVMOrt4657QBcSjH1I/awEWOqVjGPy/aufICIACfDNB0vY3V"
        + "t2qS0nYkVdYobQVuC4okQGqlHVeXpy9s"

    /// Another one: `/O=Example/CN=root two`.
    package static let other =
        "MIIBfjCCASOgAwIBAgIBATAKBggqhkjOPQQDAjAlMRAwDgYDVQQKDAdFeGFtcGxlMREwDwYDVQQDDAhy"
        + "b290IHR3bzAgFw0yNjExMjcwMTEyNTNaGA8yMTI1MDYyMTAxMTI1M1owJTEQMA4GA1UECgwHRXhhbXBs"
        + "ZTERMA8GA1UEAwwIcm9vdCB0d28wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATfEY3zkm/YbxgnIGMY"
        + "XrMfdiL/z8jOLVN/pzyCNUHZPQ/QXWXnd7SczKCFVb7S4RdgEuTEMBKOdJ2h12aorMo5o0IwQDAPBgNV"
        + "HRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBhjAdBgNVHQ4EFgQUioWmOJ1TpTlheP8Sr1O1n6u99Psw"
        + "CgYIKoZIzj0EAwIDSQAwRgIhAN/OHuwfXdUXQoITl7K6g9B0pb+opxpEIpor2hLhqIGJAiEA4mej9FuF"
        + "EkSlIZ+2kzs2/jvdONW/uDJLZeg/XRS9C9o="

    /// One with the name of `ca` and another key.
    package static let twin =
        "MIIBfDCCASOgAwIBAgIBATAKBggqhkjOPQQDAjAlMRAwDgYDVQQKDAdFeGFtcGxlMREwDwYDVQQDDAhy"
        + "b290IG9uZTAgFw0yNjExMjcwMTEyNTNaGA8yMTI1MDYyMTAxMTI1M1owJTEQMA4GA1UECgwHRXhhbXBs"
        + "ZTERMA8GA1UEAwwIcm9vdCBvbmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASBZCgKp8Txr38DGflQ"
        + "njCL1RP4FSxaNMxpzvGJUuJDyfY7kbY1pVnGOEExGSKjSY+k/d97T/JPjI0GC62z8dxSo0IwQDAPBgNV"
        + "HRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBhjAdBgNVHQ4EFgQUiXr+F05O7cNz7q3eynQdq8i0Ssww"
        + "CgYIKoZIzj0EAwIDRwAwRAIgQ5rzYUP4extIcKOZHmRaE4P9ENprH+9+XzQo+jHJft0CIFiKOL6jpjB/"
        + "b19WTBtrTgLiOFggYKnzjQ69jdihZCcu"

    /// An authority below `ca`.
    package static let middle =
        "MIIBnDCCAUKgAwIBAgIBAjAKBggqhkjOPQQDAjAlMRAwDgYDVQQKDAdFeGFtcGxlMREwDwYDVQQDDAhy"
        + "b290IG9uZTAgFw0yNjExMjcwMTEyNTNaGA8yMTI1MDYyMTAxMTI1M1owIzEQMA4GA1UECgwHRXhhbXBs"
        + "ZTEPMA0GA1UEAwwGbWlkZGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEi3HHQeWmHrUmpOIrfkC4"
        + "7T4TY1w8qv11vwCoh2ecAsGWkUrzVeM0Ugjodmw5TiNFdPq6SXpd2UD2uHQH5C9MPKNjMGEwDwYDVR0T"
        + "AQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAYYwHQYDVR0OBBYEFIF3pfzzomY7IatM41hihJPH8/ksMB8G"
        + "A1UdIwQYMBaAFBuHPglW/nLdbd6zbs2hEhpgdodUMAoGCCqGSM49BAMCA0gAMEUCICMSLEc1zGlO/YQK"
        + "seV+waInuWz4bG5iDOhu5eqx+jW7AiEAvM+C1AaRuck224SxmmJeoO2kK0wgG3pqKWEnf++9dO4="

    /// An authority below `ca` for names below `example`, with no authority below it.
    package static let narrow =
        "MIIBvDCCAWGgAwIBAgIBAzAKBggqhkjOPQQDAjAlMRAwDgYDVQQKDAdFeGFtcGxlMREwDwYDVQQDDAhy"
        + "b290IG9uZTAgFw0yNjExMjcwMTEyNTNaGA8yMTI1MDYyMTAxMTI1M1owIzEQMA4GA1UECgwHRXhhbXBs"
        + "ZTEPMA0GA1UEAwwGbmFycm93MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEA5U2CSIn955dvW9x2gLJ"
        + "1swZ8BzoF/D9ciKZTTTzN0Pmeiv/GIM94dXCXuDPIbHxIU3GlmKPjCsO/9IaJX3YsaOBgTB/MBIGA1Ud"
        + "EwEB/wQIMAYBAf8CAQAwDgYDVR0PAQH/BAQDAgIEMBkGA1UdHgEB/wQPMA2gCzAJggdleGFtcGxlMB0G"
        + "A1UdDgQWBBRX/7xbvhSjWCzFuL7zPHh5FGMwNDAfBgNVHSMEGDAWgBQbhz4JVv5y3W3es27NoRIaYHaH"
        + "VDAKBggqhkjOPQQDAgNJADBGAiEAoc++0FuUzlb1OClZRd7+Y75tqPVQlJuriDIwShWtN9gCIQDbHgN0"
        + "AXeFNidJKNG9uM47XMyRnqu3lxSFdzhGr5Onow=="

    /// A client below `ca`: `/O=Example/OU=eng/OU=ops/CN=web.example`, serial number 4660, with
    /// alternative names, and the extensions 1.2.3.4 (the text `gold`) and 1.2.3.5 (the number 7).
    package static let web =
        "MIICLTCCAdOgAwIBAgICEjQwCgYIKoZIzj0EAwIwJTEQMA4GA1UECgwHRXhhbXBsZTERMA8GA1UEAwwI"
        + "cm9vdCBvbmUwIBcNMjYxMTI3MDExMjU0WhgPMjEyNTA2MjEwMTEyNTRaMEQxEDAOBgNVBAoMB0V4YW1w"
        + "bGUxDDAKBgNVBAsMA2VuZzEMMAoGA1UECwwDb3BzMRQwEgYDVQQDDAt3ZWIuZXhhbXBsZTBZMBMGByqG"
        + "SM49AgEGCCqGSM49AwEHA0IABFqu9KPM6JuFQ+hVhLR0+s3rHhq7Z+oia7mnrLNCGslYlMcfFCdkJwwK"
        + "d6p5tPyKFK/mNRjkxOTMXl0fhAWWawejgdEwgc4wDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4Aw"
        + "EwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0OBBYEFHYNFHijDRDWZETLg/cXr8n8ySNmMB8GA1UdIwQY"
        + "MBaAFBuHPglW/nLdbd6zbs2hEhpgdodUMD4GA1UdEQQ3MDWCC3dlYi5leGFtcGxlgRB3ZWJAbWFpbC5l"
        + "eGFtcGxlhhRzcGlmZmU6Ly9leGFtcGxlL3dlYjANBgMqAwQEBgwEZ29sZDAKBgMqAwUEAwIBBzAKBggq"
        + "hkjOPQQDAgNIADBFAiAHAc5vpEqCpDehcklPRgnuNUhmInboNkqUbMAwvgLtAwIhAP35HuKcqJSRrA6M"
        + "UM+kDqQ5LtWCdVBRAm7hJCxZipRI"

    /// A client below `middle`.
    package static let deep =
        "MIIBqzCCAVCgAwIBAgIBTTAKBggqhkjOPQQDAjAjMRAwDgYDVQQKDAdFeGFtcGxlMQ8wDQYDVQQDDAZt"
        + "aWRkbGUwIBcNMjYxMTI3MDExMjU0WhgPMjEyNTA2MjEwMTEyNTRaMCExEDAOBgNVBAoMB0V4YW1wbGUx"
        + "DTALBgNVBAMMBGRlZXAwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR3mO9XjGT744rNCd8u1E8nhBEI"
        + "a2HwWVMMq0LB5FwtuztKe1YOD2jcremBd8NxNZ6amcNx7bGp+5McSiIk+LWjo3UwczAMBgNVHRMBAf8E"
        + "AjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQU4rzMJFClz1QH"
        + "pe/Jx8HQit6JqXowHwYDVR0jBBgwFoAUgXel/POiZjshq0zjWGKEk8fz+SwwCgYIKoZIzj0EAwIDSQAw"
        + "RgIhAIxxCXmkwwnHeJqZn6UvdG2tmCY5DrJ2EVir9/A/Apg8AiEAmyoK74iSWXJG8f23P5ZHhwdVTB8f"
        + "LxXzF80hx7HdhP0="

    /// A client below `narrow` with a name that it may have.
    package static let inside =
        "MIIBwDCCAWWgAwIBAgIBTjAKBggqhkjOPQQDAjAjMRAwDgYDVQQKDAdFeGFtcGxlMQ8wDQYDVQQDDAZu"
        + "YXJyb3cwIBcNMjYxMTI3MDExMjU0WhgPMjEyNTA2MjEwMTEyNTRaMBkxFzAVBgNVBAMMDmluc2lkZS5l"
        + "eGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAErl7ivG192HUdkXYhzXxXy14zOs5Tz31w0Y0U"
        + "wm9q/qFQQ+Z2CLLcbY4YeVUtCwk2XFKunMl413HJWsY52fAjxqOBkTCBjjAMBgNVHRMBAf8EAjAAMA4G"
        + "A1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQUe0xEG8BD+h9E8lmvLKoA"
        + "iHV6p4swHwYDVR0jBBgwFoAUV/+8W74Uo1gsxbi+8zx4eRRjMDQwGQYDVR0RBBIwEIIOaW5zaWRlLmV4"
        + "YW1wbGUwCgYIKoZIzj0EAwIDSQAwRgIhAJO1Rdau3CNSUTnO0Gutm6jIRrK8lc3iMvMqT8ZMupJ6AiEA"
        + "4YTNiZb73KRXf4ff0tCjelEQMAaEJ6XHU3C/0aLCj1c="

    /// A client below `narrow` with a name that it may not have.
    package static let outside =
        "MIIBtzCCAVygAwIBAgIBTzAKBggqhkjOPQQDAjAjMRAwDgYDVQQKDAdFeGFtcGxlMQ8wDQYDVQQDDAZu"
        + "YXJyb3cwIBcNMjYxMTI3MDExMjU0WhgPMjEyNTA2MjEwMTEyNTRaMBIxEDAOBgNVBAMMB291dHNpZGUw"
        + "WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQEDIfwd3mluU7OkDU+gEkR4/AvQatbC99z+tkG3Yau6Vnj"
        + "LF4nPnuH+z56+7SJHsPSGL2EjdVU8bEza7rrSdPpo4GPMIGMMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/"
        + "BAQDAgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMCMB0GA1UdDgQWBBR+Uw4s/lAiMmgIr6UmfnbtuHFVKDAf"
        + "BgNVHSMEGDAWgBRX/7xbvhSjWCzFuL7zPHh5FGMwNDAXBgNVHREEEDAOggxvdXRzaWRlLnRlc3QwCgYI"
        + "KoZIzj0EAwIDSQAwRgIhAOAqmCEKrylmCVUE+aHrXDHa/UtAnGfdCSzSyD+OvTuuAiEAvu6Ao3fuucZa"
        + "gXDr4vYSINY+LjkoaWp4tKrr2x1Bv4c="

    /// An authority below `narrow`, which must not be.
    package static let lower =
        "MIIBhzCCAS2gAwIBAgIBUDAKBggqhkjOPQQDAjAjMRAwDgYDVQQKDAdFeGFtcGxlMQ8wDQYDVQQDDAZu"
        + "YXJyb3cwIBcNMjYxMTI3MDExMjU0WhgPMjEyNTA2MjEwMTEyNTRaMBAxDjAMBgNVBAMMBWxvd2VyMFkw"
        + "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEprCFdPbSy4fKp74OYYJzcTRf/FXtG4M0K3ldy2Pjd1j2Kofv"
        + "pyA922swplMFo7roxb3+OeqnucnohnvHYySGNKNjMGEwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8E"
        + "BAMCAYYwHQYDVR0OBBYEFIznK6tDJQgQjCHHI8FrQg6U4HL3MB8GA1UdIwQYMBaAFFf/vFu+FKNYLMW4"
        + "vvM8eHkUYzA0MAoGCCqGSM49BAMCA0gAMEUCIQCS59lhLJNUwI1eWQqIKtu7JStk0aGxnX8iz3luVnPR"
        + "dQIgUb20XPkfuLiR3das+SAkne96Tq9vLkFce/5C6BQLh/Y="

    /// A client below `lower`.
    package static let toodeep =
        "MIIBiDCCAS6gAwIBAgIBUTAKBggqhkjOPQQDAjAQMQ4wDAYDVQQDDAVsb3dlcjAgFw0yNjExMjcwMTEy"
        + "NTRaGA8yMTI1MDYyMTAxMTI1NFowEjEQMA4GA1UEAwwHdG9vZGVlcDBZMBMGByqGSM49AgEGCCqGSM49"
        + "AwEHA0IABLJCLzdO8H8w8NeRcjvQHMG8kIPKjGk0TOXW1+BJaKfFR8OZTyOIdvGfgsBlFXjCtfMSF03k"
        + "fsyTktML4vZ96EWjdTBzMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgeAMBMGA1UdJQQMMAoGCCsG"
        + "AQUFBwMCMB0GA1UdDgQWBBSsfjE1+N0+eSFl96bkfMwg8pMwvzAfBgNVHSMEGDAWgBSM5yurQyUIEIwh"
        + "xyPBa0IOlOBy9zAKBggqhkjOPQQDAgNIADBFAiEApzjie5vV/tOcav6dQoNvyVKbsU9u7ZodSSwtgOO+"
        + "SNUCICnP3zyk0jhuUXmPpetEFR/ICy5MKQ3za+iB7WD4DCZU"

    /// A client that vouches for itself.
    package static let lone =
        "MIIBYjCCAQmgAwIBAgIBBTAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARsb25lMCAXDTI2MTEyNzAxMTI1"
        + "NFoYDzIxMjUwNjIxMDExMjU0WjAPMQ0wCwYDVQQDDARsb25lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD"
        + "QgAEk7QNmwjAO5PfUl++9bJEjuvUKxWdh2XnHBK9vap8tmNGy29U+FBI4TnRY5B7WOol0X6QraItHQ47"
        + "iFKBV4t04qNUMFIwDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUH"
        + "AwIwHQYDVR0OBBYEFIKerSV45qc06CMETyfrWvM8wcXBMAoGCCqGSM49BAMCA0cAMEQCICGi4lmDzLUV"
        + "D/2NEyTer2532vli+o2DmW2Z0HqSyk3NAiADaQokLUKoCraueSNqqdArMPPZGUgtfGVainaNx1wzTg=="

    /// A server below `ca`.
    package static let forserver =
        "MIIBnzCCAUWgAwIBAgIBBzAKBggqhkjOPQQDAjAlMRAwDgYDVQQKDAdFeGFtcGxlMREwDwYDVQQDDAhy"
        + "b290IG9uZTAgFw0yNjExMjcwMTEyNTRaGA8yMTI1MDYyMTAxMTI1NFowFDESMBAGA1UEAwwJZm9yc2Vy"
        + "dmVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQn9qKVBeEpHVet2LZczuaCnxjxLqiCcbVOoLnNDq"
        + "oTu8khe6Gm1bphrwxTVlQZUHQlKGNBNqaHacpNtF1ls4P6N1MHMwDAYDVR0TAQH/BAIwADAOBgNVHQ8B"
        + "Af8EBAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYEFNjitnwM1JlJyGmbb4yhUrsC6aHm"
        + "MB8GA1UdIwQYMBaAFBuHPglW/nLdbd6zbs2hEhpgdodUMAoGCCqGSM49BAMCA0gAMEUCICOHuWOxmG06"
        + "Ho0PMyFBi3xrgo9/RFsnvVW3TuuQWRIaAiEAnM5aHlMz6Izhy1cyu2w3RnkVOy7npTU4qSl5ZMyJVGY="

    /// Somebody for whom `web` vouches, which must not.
    package static let child =
        "MIIBujCCAWCgAwIBAgIBCTAKBggqhkjOPQQDAjBEMRAwDgYDVQQKDAdFeGFtcGxlMQwwCgYDVQQLDANl"
        + "bmcxDDAKBgNVBAsMA29wczEUMBIGA1UEAwwLd2ViLmV4YW1wbGUwIBcNMjYxMTI3MDExMjU0WhgPMjEy"
        + "NTA2MjEwMTEyNTRaMBAxDjAMBgNVBAMMBWNoaWxkMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHpBu"
        + "hid5G9yeKJ2n7xjIZmRxOY4TCQsFsmr/9fuArTP7MzLOI7MLLbpvw29S+vhdEzw6cLIRTTWourNz8gox"
        + "9KN1MHMwDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYD"
        + "VR0OBBYEFPeDMOeAQ89inBvR5xzF2TiK28/NMB8GA1UdIwQYMBaAFHYNFHijDRDWZETLg/cXr8n8ySNm"
        + "MAoGCCqGSM49BAMCA0gAMEUCIQDWKrdQz4A6BggDzUad864XtvWidRgem34o952GlQwnKAIgDbdlgcTc"
        + "CLz7zjJ9ymE2VxK0BeL2r1uEdXyH4qKrfP4="

    /// A client below `ca` with a critical extension that nobody knows.
    package static let critical =
        "MIIBrjCCAVWgAwIBAgIBCzAKBggqhkjOPQQDAjAlMRAwDgYDVQQKDAdFeGFtcGxlMREwDwYDVQQDDAhy"
        + "b290IG9uZTAgFw0yNjExMjcwMTEyNTRaGA8yMTI1MDYyMTAxMTI1NFowEzERMA8GA1UEAwwIY3JpdGlj"
        + "YWwwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASRfu6VSdB7X1b//gj4Gn2M1OvNiu38zDI70+Er+YOR"
        + "GPJIsxJ18jp6yuxOBuiNvO09gB1JM91jTJWTNzCcvIYlo4GFMIGCMAwGA1UdEwEB/wQCMAAwDgYDVR0P"
        + "AQH/BAQDAgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMCMB0GA1UdDgQWBBQ7LvMThraEC+bZor7K4wIYmvqa"
        + "djAfBgNVHSMEGDAWgBQbhz4JVv5y3W3es27NoRIaYHaHVDANBgMqAwkBAf8EAwwBeDAKBggqhkjOPQQD"
        + "AgNHADBEAiBiPfcuRb2Rjw4mWeUWqHGj0F76XLmrygCqkIMWB9VtxgIgcbPIjZdhgyz/d8NK6I33WEn5"
        + "Mz+p0r7l4Etzxys6ycs="

    /// A client below `ca` without a common name.
    package static let nameless =
        "MIIBnjCCAUOgAwIBAgIBCDAKBggqhkjOPQQDAjAlMRAwDgYDVQQKDAdFeGFtcGxlMREwDwYDVQQDDAhy"
        + "b290IG9uZTAgFw0yNjExMjcwMTEyNTRaGA8yMTI1MDYyMTAxMTI1NFowEjEQMA4GA1UECgwHRXhhbXBs"
        + "ZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBfMLF8G+nxhEyaI965h/VrtEQa7VUt6JRfPdt9PsSYP"
        + "Wzx4r1LRx6imuWEZC2lwuwhisM+PoX7YwzC0XMWWll+jdTBzMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/"
        + "BAQDAgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMCMB0GA1UdDgQWBBRzZBA0ghC0g3r6wpM+zZZpnZy+VTAf"
        + "BgNVHSMEGDAWgBQbhz4JVv5y3W3es27NoRIaYHaHVDAKBggqhkjOPQQDAgNJADBGAiEAzC0jhKWxkst7"
        + "pyly4ZCEv6NnOMKghVDPAKveVwipMbACIQCFiTU4hkmX8LwSnAnPBUW1wwFwtRkCEgqAAUonMMcrmg=="

    /// A client below `ca`, good for one day.
    package static let short =
        "MIIBmDCCAT+gAwIBAgIBDDAKBggqhkjOPQQDAjAlMRAwDgYDVQQKDAdFeGFtcGxlMREwDwYDVQQDDAhy"
        + "b290IG9uZTAeFw0yNjExMjcwMTEyNTRaFw0yNjExMjgwMTEyNTRaMBAxDjAMBgNVBAMMBXNob3J0MFkw"
        + "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwLHfL+oAJX37FMPwj4goAdP25Mh3tuan/6JkfeKtWJ7fWqN4"
        + "HVbwkbE1pH98ph1NRZ8xsKhS4cAyNNa8dIwPBaN1MHMwDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMC"
        + "B4AwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0OBBYEFB1g/WCVrZTWoeOJUgWeMd6pt81nMB8GA1Ud"
        + "IwQYMBaAFBuHPglW/nLdbd6zbs2hEhpgdodUMAoGCCqGSM49BAMCA0cAMEQCIEW5/151B0m98+eq+E1C"
        + "+xpWQ3onHmQ9NLzhE1I74YlkAiAiLeM/Ael6rLNRxfYJ5vTT9yljJdMDutsdsTfe3q2qzQ=="

    /// A client below `ca` whose RSA key has 1,024 bits.
    package static let weak =
        "MIIB4DCCAYegAwIBAgIBDTAKBggqhkjOPQQDAjAlMRAwDgYDVQQKDAdFeGFtcGxlMREwDwYDVQQDDAhy"
        + "b290IG9uZTAgFw0yNjExMjcwMTEyNTRaGA8yMTI1MDYyMTAxMTI1NFowDzENMAsGA1UEAwwEd2VhazCB"
        + "nzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEAy0dwz93pAo7OiqfZzeRqfkgeY9XBTiV/Zo9cO/taPixr"
        + "mPTkPIZT56iDhDbBKRr4yptCQ8dupYC2wiN30YdZfhC3AWgwJV7aqbn9rslu4yczGTSw5ST/Rfk5fRQl"
        + "uN8RmfvYMQhllsz4NjvhSOJsbeST25UcQ25C21PXuGm19RkCAwEAAaN1MHMwDAYDVR0TAQH/BAIwADAO"
        + "BgNVHQ8BAf8EBAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0OBBYEFDBqm7olEdtzLUtURRN3"
        + "UsBNmI4+MB8GA1UdIwQYMBaAFBuHPglW/nLdbd6zbs2hEhpgdodUMAoGCCqGSM49BAMCA0cAMEQCIHym"
        + "BoCGZ1WkzEqyTpxMgMfnPNbOOI6Q0yHVf3auGR+7AiBT2Ccpn/ZeYz12xSusvvC51B/k4v3QUToG87CD"
        + "dXUgNg=="

    /// The client `web`, signed over SHA-1.
    package static let sha1 =
        "MIICKjCCAdGgAwIBAgIBDjAJBgcqhkjOPQQBMCUxEDAOBgNVBAoMB0V4YW1wbGUxETAPBgNVBAMMCHJv"
        + "b3Qgb25lMCAXDTI2MTEyNzAxMTI1NVoYDzIxMjUwNjIxMDExMjU1WjBEMRAwDgYDVQQKDAdFeGFtcGxl"
        + "MQwwCgYDVQQLDANlbmcxDDAKBgNVBAsMA29wczEUMBIGA1UEAwwLd2ViLmV4YW1wbGUwWTATBgcqhkjO"
        + "PQIBBggqhkjOPQMBBwNCAARarvSjzOibhUPoVYS0dPrN6x4au2fqImu5p6yzQhrJWJTHHxQnZCcMCneq"
        + "ebT8ihSv5jUY5MTkzF5dH4QFlmsHo4HRMIHOMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgeAMBMG"
        + "A1UdJQQMMAoGCCsGAQUFBwMCMB0GA1UdDgQWBBR2DRR4ow0Q1mREy4P3F6/J/MkjZjAfBgNVHSMEGDAW"
        + "gBQbhz4JVv5y3W3es27NoRIaYHaHVDA+BgNVHREENzA1ggt3ZWIuZXhhbXBsZYEQd2ViQG1haWwuZXhh"
        + "bXBsZYYUc3BpZmZlOi8vZXhhbXBsZS93ZWIwDQYDKgMEBAYMBGdvbGQwCgYDKgMFBAMCAQcwCQYHKoZI"
        + "zj0EAQNIADBFAiBXR6KOxXC0rZtuygEDpJ6DGBmVHEEX9TwEFBgbhku+JwIhANNykod4a5oqeNXuKLqk"
        + "skfnO/yZNAXrTNWl5OqF7Z0t"

    /// A list of `ca` that revokes the serial numbers 4660 and 300.
    package static let list =
        "MIHVMH0wCgYIKoZIzj0EAwIwJTEQMA4GA1UECgwHRXhhbXBsZTERMA8GA1UEAwwIcm9vdCBvbmUXDTI2"
        + "MTEyNzAxMTI1NVoXDTI2MTIyNzAxMTI1NVowKjATAgIBLBcNMjYwMTAxMDAwMDAwWjATAgISNBcNMjYw"
        + "MTAxMDAwMDAwWjAKBggqhkjOPQQDAgNIADBFAiBsZrR0ZgB/fFKn9bvTQvafkFrsYxochUdijY0Kolju"
        + "VAIhANnQ0ICC7j6OA6eAchW8gYCWr8HWUW8qjwarZNZnfOxK"

    /// A list of `ca` that revokes none.
    package static let emptyList =
        "MIGqMFEwCgYIKoZIzj0EAwIwJTEQMA4GA1UECgwHRXhhbXBsZTERMA8GA1UEAwwIcm9vdCBvbmUXDTI2"
        + "MTEyNzAxMTI1NVoXDTI2MTIyNzAxMTI1NVowCgYIKoZIzj0EAwIDSQAwRgIhAMmiwSV2NzHbHmTEM6r8"
        + "gQDzNekFkhW4focWzv77fyhyAiEA1gIDw6Hv4aYK1+aHeRbB6AT90p/Qw1orzfYYEaWBKgo="
}
