//! An interruption from the terminal leaves no half file, and says how to go on.

use std::{fs, path::Path, process::Command, time::Duration};

use crate::{program::Said, site::Site, tree::content};

/// Starts a slow command, interrupts it once `begun` says that it is under way, and gives what it said.
fn interrupted(site: &Site, arguments: &[&str], begun: impl Fn() -> bool) -> Said {
    let slow = [arguments, &["--limit-rate", "20k"]].concat();
    let child = site.call(&slow).start();
    // The transfer takes many minutes: there is time.
    for _ in 0..600 {
        if begun() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(begun(), "{arguments:?} does not begin");
    let mut interrupt = Command::new("kill");
    interrupt.args(["-INT", &child.id().to_string()]);
    assert!(interrupt.status().expect("there is kill").success());
    Said::of(child.wait_with_output().expect("it ends"))
}

fn has_part(folder: &Path) -> bool {
    let names = content(folder);
    names
        .iter()
        .any(|(name, bytes)| name.contains(".ftp-connect") && !bytes.is_empty())
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_is_there_still() {
    let site = Site::new().await;
    let here = site.here.path();
    let large = vec![7; 8 << 20];
    for (scheme, root) in [("ftp", site.roots()[0]), ("sftp", site.roots()[3])] {
        fs::create_dir_all(here.join("down")).unwrap();
        fs::create_dir_all(root.join("up")).unwrap();
        fs::write(root.join("large"), &large).unwrap();
        fs::write(here.join("large"), &large).unwrap();
        fs::write(here.join("down/large"), "old").unwrap();
        fs::write(root.join("up/large"), "old").unwrap();

        let url = site.url(scheme, "/large");
        let arguments = ["get", &url, "down/large"];
        let said = interrupted(&site, &arguments, || has_part(&here.join("down")));
        assert_eq!(said.status, 130, "{said:#?}");
        assert!(said.stderr.contains("--resume"), "{said:#?}");
        let left = content(&here.join("down"));
        assert_eq!(left, [("large".to_owned(), b"old".to_vec())], "{scheme}");

        let url = site.url(scheme, "/up/large");
        let arguments = ["put", "large", &url];
        let said = interrupted(&site, &arguments, || has_part(&root.join("up")));
        assert_eq!(said.status, 130, "{said:#?}");
        assert!(said.stderr.contains("--resume"), "{said:#?}");
        assert_eq!(fs::read(root.join("up/large")).unwrap(), b"old");
        // Again, and without the brake: it is whole, and nothing else is left.
        site.call(&["put", "large", &url, "--resume", "--overwrite", "resume"])
            .run()
            .badly(2, "");
        site.call(&["put", "large", &url]).run().well();
        assert_eq!(fs::read(root.join("up/large")).unwrap(), large);
        assert_eq!(content(&root.join("up")).len(), 1, "{scheme}");
        fs::remove_dir_all(here.join("down")).unwrap();
    }
}
