//! Algorithms, and the number that stands for an algorithm and a level.

use std::fmt;
use std::str::FromStr;

use super::CompressionError;

/// How the data of a block is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// zlib streams (RFC 1950), `ZL`.
    Zlib,
    /// LZMA2 in .xz streams, `XZ`.
    Lzma,
    /// Deflate data (RFC 1951) without any frame, `CS`: what ROOT used long ago and still reads.
    OldDeflate,
    /// LZ4 blocks with a checksum, `L4`.
    Lz4,
    /// Zstandard frames, `ZS`.
    Zstd,
}

impl Algorithm {
    const ALL: [Self; 5] = [Self::Zlib, Self::Lzma, Self::OldDeflate, Self::Lz4, Self::Zstd];

    /// The hundreds of a compression setting: 1 to 5.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Zlib => 1,
            Self::Lzma => 2,
            Self::OldDeflate => 3,
            Self::Lz4 => 4,
            Self::Zstd => 5,
        }
    }

    /// The algorithm of a code.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.code() == code)
    }

    /// Its name in compression settings and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zlib => "zlib",
            Self::Lzma => "lzma",
            Self::OldDeflate => "old",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The level that ROOT combines with this algorithm in its presets.
    const fn usual_level(self) -> u32 {
        match self {
            Self::Zlib | Self::OldDeflate => 1,
            Self::Lzma => 7,
            Self::Lz4 => 4,
            Self::Zstd => 5,
        }
    }

    /// The first three bytes of a block: algorithm and method.
    pub(super) const fn block_bytes(self) -> [u8; 3] {
        match self {
            Self::Zlib => *b"ZL\x08",
            Self::Lzma => *b"XZ\x00",
            Self::OldDeflate => *b"CS\x08",
            Self::Lz4 => *b"L4\x01",
            Self::Zstd => *b"ZS\x01",
        }
    }

    pub(super) fn from_block(bytes: [u8; 3]) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.block_bytes() == bytes)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Algorithm and level as one number: 100 times the algorithm's code, plus the level.
///
/// Page lists carry it for each column, as information only: a block says itself what it is. Any number may stand
/// there; the ones that can be written with are those with a known algorithm, and those of level 0: no compression.
///
/// As text: `none`, or a name and a level such as `zstd:5`; reading also takes the number and the name alone.
///
/// ```
/// # use rntuple_core::compression::CompressionSettings;
/// let settings: CompressionSettings = "zstd:5".parse()?;
/// assert_eq!(settings.get(), 505);
/// assert_eq!(CompressionSettings::new(404).to_string(), "lz4:4");
/// # Ok::<_, rntuple_core::compression::CompressionError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CompressionSettings(u32);

impl CompressionSettings {
    /// No compression.
    pub const NONE: Self = Self(0);

    /// A setting by its number.
    #[must_use]
    pub const fn new(settings: u32) -> Self {
        Self(settings)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The algorithm, if it is a known one.
    #[must_use]
    pub fn algorithm(self) -> Option<Algorithm> {
        Algorithm::from_code(self.0 / 100)
    }

    /// The level, 0 to 99. Those of use are 1 (fast) to 9 (small).
    #[must_use]
    pub const fn level(self) -> u32 {
        self.0 % 100
    }

    /// Whether nothing is compressed: level 0, whatever the algorithm.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.level() == 0
    }
}

impl Default for CompressionSettings {
    /// zstd, level 5: what ROOT writes with.
    fn default() -> Self {
        Self(505)
    }
}

impl From<u32> for CompressionSettings {
    fn from(settings: u32) -> Self {
        Self(settings)
    }
}

impl fmt::Display for CompressionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.algorithm() {
            Some(algorithm) => write!(f, "{algorithm}:{}", self.level()),
            None if self.0 == 0 => f.write_str("none"),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for CompressionSettings {
    type Err = CompressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || CompressionError::InvalidSettings { text: text.to_owned() };
        if text == "none" {
            return Ok(Self::NONE);
        }
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse::<u32>().ok()).flatten()
        };
        if let Some(settings) = number(text) {
            let settings = Self(settings);
            if settings.0 != 0 && settings.algorithm().is_none() {
                return Err(CompressionError::UnknownSettings { settings: settings.0 });
            }
            return Ok(settings);
        }
        let (name, level) = match text.split_once(':') {
            Some((name, level)) => (name, Some(number(level).filter(|level| *level < 100).ok_or_else(invalid)?)),
            None => (text, None),
        };
        let algorithm = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name).ok_or_else(invalid)?;
        Ok(Self(algorithm.code() * 100 + level.unwrap_or(algorithm.usual_level())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts() {
        for (settings, text) in [
            (505, "zstd:5"),
            (404, "lz4:4"),
            (207, "lzma:7"),
            (101, "zlib:1"),
            (301, "old:1"),
            (0, "none"),
            (500, "zstd:0"),
            (512, "zstd:12"),
        ] {
            assert_eq!(CompressionSettings::new(settings).to_string(), text);
            assert_eq!(text.parse::<CompressionSettings>().unwrap().get(), settings);
            assert_eq!(settings.to_string().parse::<CompressionSettings>().unwrap().get(), settings);
        }
        assert_eq!("zstd".parse(), Ok(CompressionSettings::default()));
        assert_eq!("lzma".parse(), Ok(CompressionSettings::new(207)));
        // as found in a file: shown, not refused
        assert_eq!(CompressionSettings::new(605).to_string(), "605");
        assert_eq!(CompressionSettings::new(u32::MAX).algorithm(), None);
        for text in
            ["", "zstd:", "zstd:100", "zstd:-1", "zstd:+1", "zip", "605", "7", "+505", ":5", "99999999999", "505 "]
        {
            assert!(text.parse::<CompressionSettings>().is_err(), "{text}");
        }
    }

    #[test]
    fn level_zero_is_none() {
        assert!(CompressionSettings::new(0).is_none());
        assert!(CompressionSettings::new(500).is_none());
        assert!(!CompressionSettings::new(501).is_none());
    }
}
