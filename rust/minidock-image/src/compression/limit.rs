//! What unpacking may cost.

/// Limits of a [`Decoder`](super::Decoder).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes that may come out.
    pub max_unpacked: u64,
    /// Most bytes out for each byte in, once [`ratio_from`](Self::ratio_from) is passed.
    pub max_ratio: u64,
    /// Bytes out below which the ratio does not count: small streams of zeros are no harm.
    pub ratio_from: u64,
}

impl Default for Limits {
    /// 1 TiB; 1,500 times beyond 1 GiB. Deflate reaches at most 1,032 times, zstd more.
    fn default() -> Self {
        Self { max_unpacked: 1 << 40, max_ratio: 1500, ratio_from: 1 << 30 }
    }
}
