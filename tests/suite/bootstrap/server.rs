//! A web server on loopback that serves one file, as badly as it is told to.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

/// What is wrong with an answer.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Answer {
    /// Nothing.
    Good,
    /// The connection breaks after this many bytes.
    BreaksAfter(usize),
    /// The whole file, whatever range was asked for.
    NoRanges,
    /// 503.
    Unavailable,
}

/// A running server; its thread ends after its last answer.
pub(super) struct Server {
    port: u16,
    requests: Receiver<String>,
}

impl Server {
    /// Serves the file: one connection for each answer.
    pub(super) fn start(file: Vec<u8>, answers: &[Answer]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (note, requests) = channel();
        let answers = answers.to_vec();
        std::thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                let range = serve(stream, &file, answer);
                // Nobody may be interested any more.
                let _ = note.send(range);
            }
        });
        Self { port, requests }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/file", self.port)
    }

    /// The ranges of the requests so far, a whole file being "".
    pub(super) fn ranges(&self) -> Vec<String> {
        self.requests.try_iter().collect()
    }
}

/// Answers one request and returns the range that it asked for.
fn serve(mut stream: TcpStream, file: &[u8], answer: Answer) -> String {
    let mut range = String::new();
    for line in BufReader::new(stream.try_clone().unwrap()).lines() {
        let line = line.unwrap_or_default();
        if let Some(bytes) = line.strip_prefix("Range: bytes=") {
            bytes.clone_into(&mut range);
        }
        if line.is_empty() {
            break;
        }
    }
    let from =
        range.strip_suffix('-').and_then(|from| from.parse().ok()).filter(|_| answer != Answer::NoRanges);
    let (status, body) = match from {
        _ if answer == Answer::Unavailable => ("503 Service Unavailable".to_owned(), &b"try later"[..]),
        None => ("200 OK".to_owned(), file),
        Some(from) if from < file.len() => (
            format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{}", file.len() - 1, file.len()),
            &file[from..],
        ),
        Some(_) => (format!("416 Range Not Satisfiable\r\nContent-Range: bytes */{}", file.len()), &b""[..]),
    };
    let sent = if let Answer::BreaksAfter(length) = answer { &body[..length] } else { body };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    // A client that has enough closes the connection: that is no error here.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent));
    range
}
