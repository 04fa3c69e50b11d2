//! Month names in the languages and encodings servers write them in.
//!
//! `ls` takes names from the server's locale, shortens them as that locale does, and sends them in that locale's
//! encoding. So a word is compared with stems, the longest that fits counts, and a word that is not UTF-8 is tried
//! in the 8-bit encodings of its time.

/// The month a word names, 1–12; in any case, a dot or comma after it allowed.
pub(super) fn month(word: &[u8]) -> Option<u8> {
    let word = word.strip_suffix(b",").unwrap_or(word);
    let word = word.strip_suffix(b".").unwrap_or(word);
    if word.len() < 3 || word.len() > LONGEST {
        return None;
    }
    if let Some(month) = ENGLISH
        .iter()
        .position(|name| word.eq_ignore_ascii_case(name))
    {
        return u8::try_from(month + 1).ok();
    }
    if let Ok(text) = std::str::from_utf8(word) {
        return named(text.chars());
    }
    ENCODINGS
        .iter()
        .find_map(|decode| named(word.iter().map(|byte| decode(*byte))))
}

fn named(letters: impl Iterator<Item = char>) -> Option<u8> {
    let word: String = letters.flat_map(char::to_lowercase).collect();
    if !word.chars().all(char::is_alphabetic) {
        return None;
    }
    let stems = STEMS.iter().zip(1..).flat_map(|(stems, month)| {
        let stems = stems.split(' ');
        stems.map(move |stem| (stem, month))
    });
    stems
        .filter(|(stem, _)| word.starts_with(stem))
        .max_by_key(|(stem, _)| stem.len())
        .map(|(_, month)| month)
}

/// What nearly all servers write, and so what is looked for first.
const ENGLISH: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Longest name in bytes: Greek has nine letters of two bytes, others less.
const LONGEST: usize = 24;

/// Letters by which a name is known, as short as the locales of `ls` have them; a line a month.
///
/// English, German, French, Spanish, Italian, Portuguese, Dutch, the Nordic languages, Polish, Czech, Hungarian,
/// Romanian, Catalan, Basque, Slovenian, Turkish, the Baltic languages, Russian, Ukrainian, Bulgarian, Greek. Croatian
/// is not here: its names stand for other months than the same names in Polish and Czech.
const STEMS: [&str; 12] = [
    "jan jän jaan ene gen led sty tammi oca ian urt sau янв яну січ ιαν",
    "feb fév fev úno uno lut helmi şub sub ots veeb vas фев лют φεβ",
    "mar mär mrz mrt maa bře bre kov мар бер μαρ μάρ",
    "apr ápr avr abr dub kwi huhti nis api bal апр кві απρ",
    "mai may maj máj maí mag mei kvě kve touko geg май мая тра μαι μάι",
    "jun jún juin juun giu čer cer cze kesä kes haz iun eka bir июн юни чер ιουν ιούν",
    "jul júl juil juul lug červenec čec cec lip heinä hei tem iul uzt lie июл юли лип ιουλ ιούλ",
    "aug ágú aoû aou ago srp sie elo ağu agu abu avg rgp rugp авг сер αυγ αύγ",
    "sep set sze zář zar wrz syys eyl ira rgs rugs сен сеп вер σεπ",
    "oct okt ott out říj rij paź paz loka eki urr spa окт жов οκτ",
    "nov nóv lis marras kas aza lap noi noe ноя ное лис νοε νοέ",
    "dec déc dez dic des det gru pro joulu ara abe дек гру δεκ",
];

/// How the bytes of an 8-bit encoding read; only letters matter, in either case.
const ENCODINGS: [fn(u8) -> char; 3] = [koi8, windows_1251, latin_1];

fn koi8(byte: u8) -> char {
    // RFC 1489: the letters in the order of the Latin ones they sound like.
    const LETTERS: &str = "юабцдефгхийклмнопярстужвьызшэщчъ";
    match byte {
        0xc0.. => LETTERS
            .chars()
            .nth(usize::from(byte & 0x1f))
            .unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::from(byte),
    }
}

fn windows_1251(byte: u8) -> char {
    match byte {
        0xb2 | 0xb3 => 'і',
        0xc0.. => {
            char::from_u32(0x0430 + u32::from(byte & 0x1f)).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        _ => char::from(byte),
    }
}

fn latin_1(byte: u8) -> char {
    char::from(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &str, expected: u8) {
        for word in words.split(' ') {
            assert_eq!(month(word.as_bytes()), Some(expected), "{word}");
        }
    }

    #[test]
    fn languages() {
        check("Jan JAN January Januar, janv. ene. янв января led", 1);
        check("MAR march März marca maalis мар. Mrz", 3);
        check("May Mai mayo maja май мая", 5);
        check("juin Jun. czerwca červen kesä юни", 6);
        check("Juli, juil. lipca červenec heinä июл", 7);
        check("Sep sept. szept setembre wrz", 9);
        check("Okt. październik ott loka", 10);
        check("Nov listopad marras ноя", 11);
        check("Dec. déc. Dezember gru дек", 12);
    }

    #[test]
    fn encodings() {
        assert_eq!(month(b"\xc1\xd0\xd2"), Some(4), "KOI8-R");
        assert_eq!(month(b"\xe0\xef\xf0"), Some(4), "windows-1251");
        assert_eq!(month(b"M\xe4r"), Some(3), "ISO 8859-1");
    }

    #[test]
    fn other_words() {
        for word in ["", "Ja", "Jam", "foo", "12", "mar2", "jan-1", "jui"] {
            assert_eq!(month(word.as_bytes()), None, "{word}");
        }
    }
}
