import COpenSSL

/// The two libcrypto contexts that one XAES operation needs: AES with the long key's schedule, and
/// AES-GCM, which gets a new key for every nonce. One thread at a time.
@safe struct XAESContexts {
    private let block: OpaquePointer
    private let gcm: OpaquePointer

    init(_ key: borrowing SecretBytes) {
        let library = Libcrypto.shared  // before any other call: it gives libcrypto its heap
        guard let block = unsafe EVP_CIPHER_CTX_new(), let gcm = unsafe EVP_CIPHER_CTX_new()
        else { preconditionFailure("libcrypto refused a cipher context") }
        key.withBytes { key in
            unsafe key.withUnsafeBufferPointer { key in
                unsafe Libcrypto.require(
                    EVP_EncryptInit_ex2(block, library.aes256, key.baseAddress, nil, nil),
                    "EVP_EncryptInit_ex2"
                )
            }
        }
        unsafe Libcrypto.require(EVP_CIPHER_CTX_set_padding(block, 0), "EVP_CIPHER_CTX_set_padding")
        unsafe Libcrypto.require(
            EVP_EncryptInit_ex2(gcm, library.aes256GCM, nil, nil, nil),
            "EVP_EncryptInit_ex2"
        )
        unsafe self.block = unsafe block
        unsafe self.gcm = unsafe gcm
    }

    func free() {
        unsafe EVP_CIPHER_CTX_free(block)
        unsafe EVP_CIPHER_CTX_free(gcm)
    }

    /// K1 of CMAC: E(K, 0) doubled in GF(2^128). Source: SP 800-38B, section 6.1.
    func cmacSubkey() -> SecretBytes {
        SecretBytes(count: 16) { bytes in
            unsafe bytes.withUnsafeMutableBufferPointer { buffer in
                unsafe encryptBlocks(buffer)
            }
            let carry = bytes[0] >> 7
            for position in 0..<15 {
                bytes[position] = bytes[position] << 1 | bytes[position + 1] >> 7
            }
            // The reduction happens or not without a branch on the secret bit.
            bytes[15] = bytes[15] << 1 ^ (0 &- carry) & 0x87
        }
    }

    /// Derives the key for `nonce` and sets GCM to it and to the nonce's second half.
    func begin(_ nonce: [UInt8], _ subkey: borrowing SecretBytes, isSealing: Bool) {
        var derived = InlineArray<32, UInt8>(repeating: 0)
        derived[1] = 1
        derived[2] = 0x58  // "X"
        derived[17] = 2
        derived[18] = 0x58
        for position in 0..<12 {
            derived[4 + position] = nonce[position]
            derived[20 + position] = nonce[position]
        }
        subkey.withBytes { subkey in
            for position in 0..<16 {
                derived[position] ^= subkey[position]
                derived[16 + position] ^= subkey[position]
            }
        }
        var span = derived.mutableSpan
        unsafe span.withUnsafeMutableBufferPointer { key in
            unsafe encryptBlocks(key)
            let isReady = unsafe nonce[12...].withUnsafeBufferPointer { nonce in
                unsafe EVP_CipherInit_ex2(
                    gcm,
                    nil,
                    key.baseAddress,
                    nonce.baseAddress,
                    isSealing ? 1 : 0,
                    nil
                )
            }
            Libcrypto.require(isReady, "EVP_CipherInit_ex2")
            unsafe OPENSSL_cleanse(key.baseAddress, key.count)
        }
    }

    /// Writes ciphertext and tag: `plaintext.count + 16` bytes.
    func seal(
        _ plaintext: Span<UInt8>,
        _ associatedData: [UInt8],
        into target: UnsafeMutableBufferPointer<UInt8>
    ) {
        var written: Int32 = 0
        authenticate(associatedData)
        unsafe plaintext.withUnsafeBufferPointer { plaintext in
            guard let base = plaintext.baseAddress, !plaintext.isEmpty else { return }
            unsafe Libcrypto.require(
                EVP_EncryptUpdate(
                    gcm,
                    target.baseAddress,
                    &written,
                    base,
                    Int32(plaintext.count)
                ),
                "EVP_EncryptUpdate"
            )
        }
        let tag = unsafe target.baseAddress.map { unsafe $0 + plaintext.count }
        unsafe Libcrypto.require(EVP_EncryptFinal_ex(gcm, tag, &written), "EVP_EncryptFinal_ex")
        unsafe Libcrypto.require(
            EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, 16, tag),
            "EVP_CTRL_AEAD_GET_TAG"
        )
    }

    /// Writes `box.count - 16` bytes of plaintext; false if the tag does not match.
    func open(
        _ box: [UInt8],
        _ associatedData: [UInt8],
        into target: UnsafeMutablePointer<UInt8>?
    ) -> Bool {
        var written: Int32 = 0
        let count = box.count - 16
        authenticate(associatedData)
        return unsafe box.withUnsafeBufferPointer { box in
            guard let base = box.baseAddress else { return false }
            if count > 0 {
                unsafe Libcrypto.require(
                    EVP_DecryptUpdate(gcm, target, &written, base, Int32(count)),
                    "EVP_DecryptUpdate"
                )
            }
            let tag = unsafe UnsafeMutableRawPointer(mutating: base + count)
            unsafe Libcrypto.require(
                EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, 16, tag),
                "EVP_CTRL_AEAD_SET_TAG"
            )
            // Final writes nothing for GCM, but it wants an address.
            var nothing: UInt8 = 0
            return unsafe EVP_DecryptFinal_ex(gcm, &nothing, &written) == 1
        }
    }

    private func authenticate(_ associatedData: [UInt8]) {
        guard !associatedData.isEmpty else { return }
        var written: Int32 = 0
        unsafe Libcrypto.require(
            EVP_CipherUpdate(gcm, nil, &written, associatedData, Int32(associatedData.count)),
            "EVP_CipherUpdate"
        )
    }

    /// AES-256 over whole blocks, in place.
    private func encryptBlocks(_ blocks: UnsafeMutableBufferPointer<UInt8>) {
        var written: Int32 = 0
        unsafe Libcrypto.require(
            EVP_EncryptUpdate(
                block,
                blocks.baseAddress,
                &written,
                blocks.baseAddress,
                Int32(blocks.count)
            ),
            "EVP_EncryptUpdate"
        )
    }
}
