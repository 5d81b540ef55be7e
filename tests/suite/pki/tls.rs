//! TLS 1.3 handshakes in which both sides show a certificate.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use super::*;

/// A server that ends with its first connection, or with this value.
struct Server {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
    port: String,
}

impl Server {
    /// OpenSSL's server, with `server.crt` and `server.key`, that wants a client of `root.crt`.
    fn start(reader: &Reader) -> Self {
        let mut command = reader.command(&[
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-naccept",
            "1",
            "-tls1_3",
            "-attime",
            NOW,
            "-cert",
            "@server.crt",
            "-cert_chain",
            "@server.crt",
            "-key",
            "@server.key",
            "-CAfile",
            "@root.crt",
            "-x509_strict",
            "-Verify",
            "3",
            "-verify_return_error",
        ]);
        // At the end of its input it would close the connection.
        let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = streams.spawn().expect("the server starts");
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut port = None;
        while port.is_none() {
            let mut line = String::new();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "the server ended");
            port = line.trim_end().strip_prefix("ACCEPT 127.0.0.1:").map(String::from);
        }
        Self { process, output, port: port.unwrap() }
    }

    /// All that the server said, when it has ended.
    fn said(&mut self) -> String {
        let mut said = String::new();
        self.output.read_to_string(&mut said).unwrap();
        self.process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Connects with a client's certificate: whether the client was content, what it said, what the server said.
fn connect(reader: &Reader, client: &str, hostname: &str) -> (bool, String, String) {
    let mut server = Server::start(reader);
    let certificate = format!("@{client}.crt");
    let (content, said) = reader.try_run(&[
        "s_client",
        "-connect",
        &format!("127.0.0.1:{}", server.port),
        "-tls1_3",
        "-attime",
        NOW,
        "-cert",
        &certificate,
        "-cert_chain",
        &certificate,
        "-key",
        &format!("@{client}.key"),
        "-CAfile",
        "@root.crt",
        "-x509_strict",
        "-verify_return_error",
        "-verify_hostname",
        hostname,
    ]);
    (content, said, server.said())
}

fn parties(on: On, curve: Curve) -> Option<Reader> {
    let reader = Reader::new(on, "openssl", &[])?;
    let root = root("root", curve);
    let below = root.subordinate(key("ca", curve), &Subject::named("etcd-ca"), Some(0), decade()).unwrap();
    reader.add("root.crt", root.certificate().pem());
    let client = Leaf { subject: Subject::named("kube-etcd-healthcheck-client"), ..member(Usage::Client) };
    add_leaf(&reader, "server", &below, curve, &member(Usage::Server));
    add_leaf(&reader, "client", &root, curve, &client);
    add_leaf(&reader, "stranger", &self::root("other", curve), curve, &client);
    Some(reader)
}

#[test]
fn a_client_and_a_server_trust_each_other() {
    for on in EVERYWHERE {
        for curve in [Curve::P256, Curve::P384] {
            let Some(reader) = parties(on, curve) else { continue };
            let (content, client, server) = connect(&reader, "client", "kube-mast01.kube.demo");
            assert!(content && client.contains("Verify return code: 0 (ok)"), "{client}");
            assert!(client.contains("New, TLSv1.3"), "{client}");
            assert!(
                server.contains("CN = kube-etcd-healthcheck-client")
                    || server.contains("CN=kube-etcd-healthcheck-client"),
                "{server}"
            );
            assert!(!server.contains("rror"), "{server}");
        }
    }
}

#[test]
fn a_server_refuses_a_server_and_a_stranger() {
    for on in EVERYWHERE {
        let Some(reader) = parties(on, Curve::P256) else { continue };
        // What it says: unsupported certificate purpose (3.0), unsuitable certificate purpose (3.2), unable to get ...
        for (client, because) in [("server", "certificate purpose"), ("stranger", "unable to get")] {
            let (_, _, server) = connect(&reader, client, "localhost");
            assert!(
                server.contains(because) && server.contains("certificate verify failed"),
                "{client}: {server}"
            );
        }
    }
}

#[test]
fn a_client_refuses_another_name() {
    let Some(reader) = parties(On::Host, Curve::P256) else { return };
    let (content, client, _) = connect(&reader, "client", "kube-mast02");
    assert!(!content && client.contains("hostname mismatch"), "{client}");
}
