//! Grains: the parts in which a disk is stored.

use std::io::{self, Read};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::GRAIN;

/// A part of a disk that may hold something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grain {
    /// Its number, counted in grains of 64 KiB from the start of the disk.
    pub index: u64,
    /// Its bytes, up to the last that is not zero.
    pub bytes: Vec<u8>,
}

impl Grain {
    /// What is stored for it, or nothing if it holds nothing but zeros.
    ///
    /// One call compresses all of it: how a stream is cut into calls changes what comes out.
    pub(super) fn compressed(&self) -> Option<Vec<u8>> {
        if self.bytes.iter().all(|byte| *byte == 0) {
            return None;
        }
        let mut padded;
        let bytes = if self.bytes.len() == GRAIN {
            &self.bytes
        } else {
            padded = self.bytes.clone();
            padded.resize(GRAIN, 0);
            &padded
        };
        // What cannot be compressed grows by 5 bytes in every 16 KiB (RFC 1951, section 3.2.4), and a head and a checksum.
        let mut out = Vec::with_capacity(GRAIN + GRAIN / 256 + 64);
        let status =
            Compress::new(Compression::default(), true).compress_vec(bytes, &mut out, FlushCompress::Finish);
        debug_assert!(matches!(status, Ok(Status::StreamEnd)), "{status:?}");
        Some(out)
    }
}

/// The bytes of a grain of so many that was compressed, if that is what it was.
pub(super) fn decompressed(bytes: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(length);
    let status = Decompress::new(true).decompress_vec(bytes, &mut out, FlushDecompress::Finish);
    (matches!(status, Ok(Status::StreamEnd)) && out.len() <= length).then_some(out)
}

/// The grains of a raw image, which is read once from front to back.
#[derive(Debug)]
pub struct Raw<R> {
    from: R,
    next: u64,
}

impl<R: Read> Raw<R> {
    /// The grains of what `from` gives.
    pub const fn new(from: R) -> Self {
        Self { from, next: 0 }
    }
}

impl<R: Read> Iterator for Raw<R> {
    type Item = io::Result<Grain>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = Vec::with_capacity(GRAIN);
        match self.from.by_ref().take(GRAIN as u64).read_to_end(&mut bytes) {
            Ok(0) => None,
            Ok(_) => {
                let index = self.next;
                self.next += 1;
                Some(Ok(Grain { index, bytes }))
            }
            Err(error) => Some(Err(error)),
        }
    }
}
