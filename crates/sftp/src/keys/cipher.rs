//! The block ciphers that encrypt private keys.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::{
    BlockCipherDecrypt, BlockModeDecrypt as _, InnerIvInit as _, KeyInit, KeyIvInit as _,
    StreamCipher as _, block_padding::NoPadding,
};
use des::{Des, TdesEde2, TdesEde3};
use rc2::Rc2;
use rc4::Rc4;
use zeroize::Zeroizing;

/// A cipher with its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128Cbc,
    Aes192Cbc,
    Aes256Cbc,
    TripleDesCbc,
    /// Triple DES whose third key is the first.
    TwoKeyTripleDesCbc,
    DesCbc,
    /// RFC 2268: the bits the key is reduced to.
    Rc2Cbc {
        bits: usize,
    },
    Rc4 {
        bits: usize,
    },
}

impl Cipher {
    /// The length of the key in bytes.
    pub(super) fn key_length(self) -> usize {
        match self {
            Self::Aes128Cbc | Self::TwoKeyTripleDesCbc => 16,
            Self::Aes192Cbc | Self::TripleDesCbc => 24,
            Self::Aes256Cbc => 32,
            Self::DesCbc => 8,
            Self::Rc2Cbc { bits } | Self::Rc4 { bits } => bits / 8,
        }
    }

    /// The length of the initial vector in bytes.
    pub(super) fn iv_length(self) -> usize {
        match self {
            Self::Aes128Cbc | Self::Aes192Cbc | Self::Aes256Cbc => 16,
            Self::TripleDesCbc | Self::TwoKeyTripleDesCbc | Self::DesCbc | Self::Rc2Cbc { .. } => 8,
            Self::Rc4 { .. } => 0,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Aes128Cbc => "AES-128-CBC",
            Self::Aes192Cbc => "AES-192-CBC",
            Self::Aes256Cbc => "AES-256-CBC",
            Self::TripleDesCbc => "DES-EDE3-CBC",
            Self::TwoKeyTripleDesCbc => "DES-EDE-CBC",
            Self::DesCbc => "DES-CBC",
            Self::Rc2Cbc { .. } => "RC2-CBC",
            Self::Rc4 { .. } => "RC4",
        }
    }

    /// Decrypts whole blocks and leaves the padding on; `None` if a length does not fit.
    pub(super) fn decrypt(self, key: &[u8], iv: &[u8], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Aes128Cbc => decrypt::<Aes128>(key, iv, data),
            Self::Aes192Cbc => decrypt::<Aes192>(key, iv, data),
            Self::Aes256Cbc => decrypt::<Aes256>(key, iv, data),
            Self::TripleDesCbc => decrypt::<TdesEde3>(key, iv, data),
            Self::TwoKeyTripleDesCbc => decrypt::<TdesEde2>(key, iv, data),
            Self::DesCbc => decrypt::<Des>(key, iv, data),
            Self::Rc2Cbc { bits } => {
                if key.is_empty() || key.len() > 128 || bits == 0 || bits > 1024 {
                    return None;
                }
                let cipher = Rc2::new_with_eff_key_len(key, bits);
                let cipher = cbc::Decryptor::inner_iv_slice_init(cipher, iv).ok()?;
                let mut data = Zeroizing::new(data.to_vec());
                cipher.decrypt_padded::<NoPadding>(&mut data).ok()?;
                Some(data)
            }
            Self::Rc4 { .. } => {
                let mut data = Zeroizing::new(data.to_vec());
                Rc4::new_from_slice(key).ok()?.apply_keystream(&mut data);
                Some(data)
            }
        }
    }

    /// Decrypts and takes the padding of PKCS#7 off; `None` if there is none, as after decrypting with
    /// a wrong key.
    pub(super) fn decrypt_padded(
        self,
        key: &[u8],
        iv: &[u8],
        data: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut clear = self.decrypt(key, iv, data)?;
        if matches!(self, Self::Rc4 { .. }) {
            return Some(clear);
        }
        let count = usize::from(*clear.last()?);
        let kept = clear.len().checked_sub(count)?;
        let padding = clear.get(kept..)?;
        if count == 0
            || count > self.iv_length()
            || padding.iter().any(|&byte| usize::from(byte) != count)
        {
            return None;
        }
        clear.truncate(kept);
        Some(clear)
    }
}

fn decrypt<C: BlockCipherDecrypt + KeyInit>(
    key: &[u8],
    iv: &[u8],
    data: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    let mut data = Zeroizing::new(data.to_vec());
    cipher.decrypt_padded::<NoPadding>(&mut data).ok()?;
    Some(data)
}
