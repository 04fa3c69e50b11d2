//! Files in folders: making them, and looking what is there.

use std::{fs, path::Path};

/// Writes files below a folder; each holds its own name, so many times.
pub(crate) fn write(root: &Path, names: &[&str]) {
    for (times, name) in names.iter().enumerate() {
        let path = root.join(name);
        let folder = path.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("folders can be made");
        fs::write(path, name.repeat(times + 1)).expect("files can be written");
    }
}

/// The names of all files below a folder, with what they hold.
pub(crate) fn content(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("it can be listed") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(root).expect("it is below");
            let bytes = fs::read(&path).expect("it can be read");
            all.push((name.to_string_lossy().into_owned(), bytes));
        }
    }
    all.sort();
    all
}
