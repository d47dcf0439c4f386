import Foundation
import KitbagScreens
import Security

/// Secrets that the keychain keeps for this phone alone: they are in no backup, and on no other phone of the person.
enum Keychain {
    /// 32 bytes under a name, made on first use.
    static func secret(_ name: String) throws -> Data {
        let query = item(name)
        query[kSecReturnData] = NSNumber(value: true)
        var found: CFTypeRef?
        switch SecItemCopyMatching(query as CFDictionary, &found) {
        case errSecSuccess:
            guard let secret = found as? Data, secret.count == 32 else { throw SecretGone() }
            return secret
        case errSecItemNotFound: return try made(name)
        // Locked since its start, or a keychain that fails: nothing is made in the place of what may be there.
        default: throw SecretGone()
        }
    }

    private static func made(_ name: String) throws -> Data {
        var secret = Data(count: 32)
        let status = secret.withUnsafeMutableBytes { SecRandomCopyBytes(kSecRandomDefault, $0.count, $0.baseAddress!) }
        guard status == errSecSuccess else { throw SecretGone() }
        let new = item(name)
        new[kSecValueData] = NSData(data: secret)
        new[kSecAttrAccessible] = kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly
        guard SecItemAdd(new as CFDictionary, nil) == errSecSuccess else { throw SecretGone() }
        return secret
    }

    private static func item(_ name: String) -> NSMutableDictionary {
        let item = NSMutableDictionary()
        item[kSecClass] = kSecClassGenericPassword
        item[kSecAttrService] = NSString(string: "org.kitbag.demo")
        item[kSecAttrAccount] = NSString(string: name)
        return item
    }
}
