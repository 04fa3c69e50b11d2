//! From the numbers of a key to a key that signs. Every format ends here, so that a key whose halves
//! do not belong together is told as a damaged file and not as a refused login.

use num_bigint::BigUint;
use russh::keys::{
    pkcs8::decode_pkcs8,
    ssh_key::{
        Mpint,
        private::{
            DsaKeypair, DsaPrivateKey, Ed25519Keypair, KeypairData, RsaKeypair, RsaPrivateKey,
        },
        public::{DsaPublicKey, RsaPublicKey},
    },
};
use zeroize::Zeroizing;

use super::Refusal;

/// An RSA key (RFC 8017 §3.2), all numbers as bytes, the highest first.
#[derive(Clone, Copy)]
pub(super) struct Rsa<'a> {
    pub(super) n: &'a [u8],
    pub(super) e: &'a [u8],
    pub(super) d: &'a [u8],
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
}

impl Rsa<'_> {
    pub(super) fn key(self) -> Result<KeypairData, Refusal> {
        let number = BigUint::from_bytes_be;
        let (n, e, d) = (number(self.n), number(self.e), number(self.d));
        let (p, q) = (number(self.p), number(self.q));
        let one = BigUint::from(1u8);
        if n.bits() > MOST_BITS {
            return Err(Refusal::Kind(format!("RSA keys of {} bits", n.bits())));
        }
        if e.bits() > MOST_EXPONENT_BITS {
            return Err(Refusal::Kind(
                "RSA keys with so large an exponent".to_owned(),
            ));
        }
        if p <= one || q <= one || e <= one || &p * &q != n {
            return Err(MISMATCH);
        }
        let inverse = |prime: &BigUint| (&e * &d) % (prime - &one) == &one % (prime - &one);
        if !inverse(&p) || !inverse(&q) {
            return Err(MISMATCH);
        }
        // What some formats have is the other coefficient, or none; this one is SSH's.
        let iqmp = q.modinv(&p).ok_or(MISMATCH)?;
        let iqmp = Zeroizing::new(iqmp.to_bytes_be());
        let build = || {
            let public = RsaPublicKey::new(mpint(self.e), mpint(self.n))?;
            let private =
                RsaPrivateKey::new(mpint(self.d), mpint(&iqmp), mpint(self.p), mpint(self.q))?;
            RsaKeypair::new(public, private).map(KeypairData::Rsa)
        };
        build().map_err(|_| MISMATCH)
    }
}

/// A DSA key (FIPS 186-4 §4.1), all numbers as bytes, the highest first.
#[derive(Clone, Copy)]
pub(super) struct Dsa<'a> {
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
    pub(super) g: &'a [u8],
    /// Absent where the format leaves it out, since it follows from the others.
    pub(super) y: Option<&'a [u8]>,
    pub(super) x: &'a [u8],
}

impl Dsa<'_> {
    pub(super) fn key(self) -> Result<KeypairData, Refusal> {
        let number = BigUint::from_bytes_be;
        let (p, q, g, x) = (
            number(self.p),
            number(self.q),
            number(self.g),
            number(self.x),
        );
        if p.bits() > MOST_BITS {
            return Err(Refusal::Kind(format!("DSA keys of {} bits", p.bits())));
        }
        let zero = BigUint::ZERO;
        if q == zero || g <= BigUint::from(1u8) || g >= p || x == zero || x >= q {
            return Err(MISMATCH);
        }
        let y = g.modpow(&x, &p);
        if self.y.is_some_and(|given| number(given) != y) {
            return Err(MISMATCH);
        }
        let y = y.to_bytes_be();
        let build = || {
            let public = DsaPublicKey::new(mpint(self.p), mpint(self.q), mpint(self.g), mpint(&y))?;
            let private = DsaPrivateKey::new(mpint(self.x))?;
            DsaKeypair::new(public, private).map(KeypairData::Dsa)
        };
        build().map_err(|_| MISMATCH)
    }
}

/// The curves of RFC 5656 §10.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    /// By the content of its object identifier.
    pub(super) fn from_oid(oid: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.oid() == oid)
    }

    /// By the name in an SSH key.
    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|curve| curve.name().as_bytes() == name)
    }

    /// By the prime of its field, for keys that spell the curve out.
    pub(super) fn from_prime(prime: &[u8]) -> Option<Self> {
        let mut ones = [0xff; 66];
        ones[0] = 1;
        let p256 = b"\xff\xff\xff\xff\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
        let mut p384 = [0xff; 48];
        p384[31] = 0xfe;
        p384[36..44].fill(0);
        match prime {
            _ if prime == p256 => Some(Self::P256),
            _ if prime == p384 => Some(Self::P384),
            _ if prime == ones => Some(Self::P521),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::P256 => "nistp256",
            Self::P384 => "nistp384",
            Self::P521 => "nistp521",
        }
    }

    fn oid(self) -> &'static [u8] {
        match self {
            Self::P256 => b"\x2a\x86\x48\xce\x3d\x03\x01\x07",
            Self::P384 => b"\x2b\x81\x04\x00\x22",
            Self::P521 => b"\x2b\x81\x04\x00\x23",
        }
    }

    /// The length of a coordinate in bytes.
    fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];
}

/// An ECDSA key from its secret number; the point, where the format has it, must be the one that follows
/// from it.
pub(super) fn ecdsa(
    curve: Curve,
    secret: &[u8],
    point: Option<&[u8]>,
) -> Result<KeypairData, Refusal> {
    let size = curve.size();
    let secret = super::der::without_zeros(secret);
    if secret.len() > size {
        return Err(MISMATCH);
    }
    // RFC 5915 §3, of which the SSH library makes the point. Lengths below 128 need one byte.
    let mut der = Zeroizing::new(vec![0x02, 0x01, 0x01, 0x04, size as u8]);
    der.extend(std::iter::repeat_n(0, size - secret.len()));
    der.extend_from_slice(secret);
    let oid = curve.oid();
    der.extend_from_slice(&[0xa0, oid.len() as u8 + 2, 0x06, oid.len() as u8]);
    der.extend_from_slice(oid);
    let mut sequence = Zeroizing::new(vec![0x30, der.len() as u8]);
    sequence.extend_from_slice(&der);
    let key = decode_pkcs8(&sequence, None).map_err(|_| MISMATCH)?;
    let KeypairData::Ecdsa(pair) = key.key_data() else {
        return Err(MISMATCH);
    };
    if point.is_some_and(|point| !is_same_point(point, pair.public_key_bytes(), size)) {
        return Err(MISMATCH);
    }
    Ok(key.key_data().clone())
}

/// Whether a point, which may be compressed (SEC 1 §2.3.3), is this one, which is not.
fn is_same_point(point: &[u8], whole: &[u8], size: usize) -> bool {
    match point {
        [tag @ (2 | 3), x @ ..] => {
            whole.get(1..=size) == Some(x) && whole.last().is_some_and(|y| y & 1 == tag & 1)
        }
        _ => point == whole,
    }
}

/// An Ed25519 key from its seed (RFC 8032 §5.1.5), and its public half where the format has it.
pub(super) fn ed25519(seed: &[u8], public: Option<&[u8]>) -> Result<KeypairData, Refusal> {
    let seed: &[u8; 32] = seed.try_into().map_err(|_| MISMATCH)?;
    let pair = Ed25519Keypair::from_seed(seed);
    if public.is_some_and(|public| public != pair.public.0) {
        return Err(MISMATCH);
    }
    Ok(KeypairData::Ed25519(pair))
}

fn mpint(bytes: &[u8]) -> Mpint {
    Mpint::from_positive_bytes(bytes)
}

/// What a key says whose numbers do not fit each other.
pub(super) const MISMATCH: Refusal = Refusal::Damaged("its numbers do not belong together");

/// What the RSA library signs with.
const MOST_EXPONENT_BITS: u64 = 33;

/// Keys with more bits take minutes for one signature.
const MOST_BITS: u64 = 16 * 1024;
