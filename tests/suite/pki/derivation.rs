//! The documented rules of derivation, followed once more with OpenSSL's HKDF.

use base16ct::lower::encode_string;
use bpc::pki::token;

use super::*;

/// The bytes for an info string, as OpenSSL derives them from the vault.
fn derived(openssl: &Reader, length: usize, info: &str) -> Vec<u8> {
    let key = encode_string(b"a public vault for tests, no key");
    let length = length.to_string();
    let options = ["digest:SHA256".into(), format!("hexkey:{key}"), format!("info:{info}")];
    let options = options.iter().flat_map(|option| ["-kdfopt", option]);
    let arguments: Vec<_> =
        ["kdf", "-binary", "-keylen", &length].into_iter().chain(options).chain(["HKDF"]).collect();
    let output = openssl.command(&arguments).output().expect("openssl starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn private_keys_are_the_first_block() {
    let Some(openssl) = Reader::new(On::Host, "openssl", &[]) else { return };
    for (curve, kind, length) in [(Curve::P256, "p256", 32), (Curve::P384, "p384", 48)] {
        let block = derived(&openssl, length, &format!("bpc/1/kube-demo/kubernetes/ca:{kind}:0/0"));
        openssl.add("ca.key", key("kubernetes/ca", curve).private_pem().unwrap().expose());
        let shown = openssl.run(&["ec", "-in", "@ca.key", "-noout", "-text"]);
        let digits: String = shown.split_whitespace().collect::<String>().replace(':', "");
        assert!(digits.contains(&encode_string(&block)), "{shown}");
    }
}

#[test]
fn tokens_follow_the_rules() {
    let Some(openssl) = Reader::new(On::Host, "openssl", &[]) else { return };
    let from = |length, kind: &str| derived(&openssl, length, &format!("bpc/1/kube-demo/kubeadm:{kind}/0"));
    let derivation = derivation("kubeadm");
    assert_eq!(token::salt(&derivation).expose(), &encode_string(&from(16, "salt")));
    assert_eq!(token::corosync_authkey(&derivation).expose()[..], from(256, "corosync-authkey"));
    let drawn = from(32, "bootstrap-token:0").into_iter().filter(|byte| *byte < 252).take(22);
    let alphabet = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let token: String = drawn.map(|byte| char::from(alphabet[usize::from(byte) % 36])).collect();
    assert_eq!(token::bootstrap_token(&derivation).expose(), &format!("{}.{}", &token[..6], &token[6..]));
}

#[test]
fn a_gossip_key_is_32_bytes_in_base64() {
    let Some(openssl) = Reader::new(On::Host, "openssl", &[]) else { return };
    openssl.add("key", format!("{}\n", token::gossip_key(&derivation("consul")).expose()));
    let bytes = openssl.command(&["base64", "-d", "-in", "@key"]).output().unwrap().stdout;
    assert_eq!(bytes, derived(&openssl, 32, "bpc/1/kube-demo/consul:gossip-key/0"));
}
