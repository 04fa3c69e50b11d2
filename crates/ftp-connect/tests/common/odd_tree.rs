//! A tree of three levels with names that shells, listings, servers and file systems have trouble with, and what is
//! in such a tree.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

/// Which names there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code)] // each of the two test programs that share this file needs one
pub(crate) enum Names {
    /// Those that are text.
    Text,
    /// Names in Latin-1 too, which are no UTF-8.
    Bytes,
}

/// Makes so many files, nearly all of them small.
pub(crate) fn make(root: &Path, files: usize, names: Names) {
    let folder = |one: &str, two: &str, three: &str| root.join(one).join(two).join(three);
    let mut folders = Vec::new();
    for one in [" level one ", "-rf", "größe;type=d"] {
        for two in ["[a-z]*", "it's \"two\"", "100%25", "~"] {
            for three in ["three", ".hidden -> x", "\u{1f980}\\"] {
                fs::create_dir_all(folder(one, two, three)).unwrap();
                folders.push(folder(one, two, three));
            }
        }
    }
    for number in 0..files {
        let inside = &folders[number % folders.len()];
        // Next to each other in the folder lie names of every kind.
        let name = name(number, number / folders.len(), names);
        let length = match number % 250 {
            0 => 100 * 1024 + number,
            _ => number * 37 % 2000,
        };
        let content: Vec<u8> = (0..length)
            .map(|at| (at * (number | 1) % 253) as u8)
            .collect();
        fs::write(inside.join(name), content).unwrap();
    }
    // One without a file in it.
    fs::create_dir(root.join("empty")).unwrap();
}

/// Adds names that no command can carry, in files and in a folder that has a file; gives how many names.
#[allow(dead_code)] // one of the two test programs that share this file needs it
pub(crate) fn add_unspeakable(root: &Path) -> usize {
    let inside = root.join(" level one ");
    for name in ["line\nend", "\r", "folder\n/with a file"] {
        let path = inside.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    3
}

/// Takes out again what [`add_unspeakable`] added.
#[allow(dead_code)] // one of the two test programs that share this file needs it
pub(crate) fn without_unspeakable(tree: Tree) -> Tree {
    let speakable = |path: &PathBuf| {
        !path.as_os_str().as_encoded_bytes().contains(&b'\n')
            && !path.as_os_str().as_encoded_bytes().contains(&b'\r')
    };
    tree.into_iter()
        .filter(|(path, _)| speakable(path))
        .collect()
}

fn name(number: usize, kind: usize, names: Names) -> OsString {
    let text = match kind % 20 {
        0 => format!("  {number}  "),
        1 => format!("{number} -> x"),
        2 => format!("-{number}"),
        3 => format!("'{number}\""),
        4 => format!("{number};type=i"),
        5 => format!("[{number}]*?"),
        6 => format!("{number}\\x"),
        7 => format!(".{number}"),
        8 => format!("~{number}日本"),
        9 => format!("{number}%20%"),
        10 => format!("grüße {number}"),
        // The same letters, put together from parts.
        11 => format!("gru\u{308}ße {number}"),
        12 => format!("{number} \u{1f980}\u{200d}\u{2764}\u{fe0f}"),
        // As long as a name may be, in bytes.
        13 => format!("{number:05}{}", "x".repeat(250)),
        14 => format!("{number:05}{}", "ü".repeat(125)),
        15 => format!("{number}\ttab\u{1}"),
        16 => format!("#{number}&|$(x)`y`<>"),
        17 => format!("{number}."),
        18 if names == Names::Bytes => {
            return OsString::from_vec([b"caf\xe9 ", number.to_string().as_bytes()].concat());
        }
        18 => format!("{{{number},x}}!^"),
        _ => format!("{number}.txt"),
    };
    text.into()
}

/// What is below a folder: the content of files, and nothing for folders.
pub(crate) type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Reads a tree.
pub(crate) fn read(folder: &Path) -> Tree {
    let mut items = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(inside).unwrap() {
            let path = entry.unwrap().path();
            let below = path.strip_prefix(folder).unwrap().to_owned();
            let content = path.is_file().then(|| fs::read(&path).unwrap());
            if content.is_none() {
                folders.push(path);
            }
            items.insert(below, content);
        }
    }
    items
}

/// Says the first difference, in a few words.
#[track_caller]
pub(crate) fn check_equal(told: &str, found: &Tree, expected: &Tree) {
    for (path, content) in expected {
        match found.get(path) {
            None => panic!("{told}: {path:?} is missing"),
            Some(other) => assert!(other == content, "{told}: {path:?} differs"),
        }
    }
    let more: Vec<_> = found
        .keys()
        .filter(|path| !expected.contains_key(*path))
        .collect();
    assert!(more.is_empty(), "{told}: there are more: {more:?}");
}
