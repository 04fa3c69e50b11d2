//! `cat`, `tree`, `du`, `touch`, `chmod`, `ln` and `checksum`, and what is printed from the command line itself.

use std::fs;

use crate::{program::Call, site::Site, tree::write};

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_trees_and_files() {
    let site = Site::new().await;
    for root in site.roots() {
        write(root, &["in/a.txt", "in/b/c.txt", "in/b/d/e.txt", "in/z"]);
    }
    for scheme in ["ftp", "ftpes", "ftps", "sftp"] {
        let url = site.url(scheme, "/in");
        let tree = site.call(&["tree", &url]).run().well().stdout;
        assert_eq!(
            tree,
            "in\n├── a.txt\n├── b/\n│   ├── c.txt\n│   └── d/\n│       └── e.txt\n└── z\n\n\
             2 folders, 4 files\n",
            "{scheme}"
        );
        let flat = site.call(&["tree", &url, "--depth", "1"]).run().well();
        assert!(!flat.stdout.contains("c.txt"), "{flat:#?}");
        let sums = site.call(&["du", &url, "--bytes"]).run().well().stdout;
        // Each file holds its path as often as its place says.
        let (b, all) = (2 * 10 + 3 * 12, 8 + 2 * 10 + 3 * 12 + 4 * 4);
        assert_eq!(sums, format!("{b:>12}  b/\n{all:>12}  in 4 files\n"));
        let sums = site.call(&["du", &url, "--json"]).run().well().json();
        assert_eq!(
            (&sums["bytes"], &sums["whole"]),
            (&all.into(), &true.into())
        );

        let file = site.url(scheme, "/in/b/c.txt");
        let printed = site.call(&["cat", &file]).run().well().stdout;
        assert_eq!(printed, "in/b/c.txtin/b/c.txt");
        let pattern = site.url(scheme, "/in/*");
        let printed = site.call(&["cat", &pattern]).run().well().stdout;
        assert_eq!(printed, "in/a.txtin/zin/zin/zin/z");
        site.call(&["cat", &site.url(scheme, "/in/none*")])
            .run()
            .badly(6, "nothing matches");

        let here = ["checksum", &file, "--here", "--algorithm", "sha1"];
        let sum = site.call(&here).run().well().stdout;
        assert_eq!(sum, format!("{}  in/b/c.txt\n", SHA1_OF_C));
    }
    let file = site.url("sftp", "/in/z");
    let said = site.call(&["checksum", &file]).run();
    assert!(said.badly(1, "").stderr.contains("--here"));
}

const SHA1_OF_C: &str = "17193f152a995bfd8f06b8ae3814712e32c23329";

#[tokio::test(flavor = "multi_thread")]
async fn changing_small_things() {
    let site = Site::new().await;
    let root = site.servers.sftp.root();
    write(root, &["a.txt"]);
    let url = |path: &str| site.url("sftp", path);
    let time = ["--time", "2001-02-03T04:05:06Z", "--json"];
    for (name, created) in [("/a.txt", false), ("/new.txt", true)] {
        let url = url(name);
        let arguments = [&["touch", url.as_str()][..], &time].concat();
        let said = site.call(&arguments).run().well().json();
        assert_eq!(
            (&said["created"], &said["path"]),
            (&created.into(), &name[1..].into())
        );
        let found = fs::metadata(root.join(&name[1..])).unwrap();
        let since = found.modified().unwrap();
        let since = since.duration_since(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(since.as_secs(), 981_173_106);
    }
    assert_eq!(fs::read(root.join("a.txt")).unwrap(), b"a.txt");

    site.call(&["chmod", "600", &url("/a.txt")]).run().well();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let found = fs::metadata(root.join("a.txt")).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600);
    }
    site.call(&["ln", "-s", "a.txt", &url("/soft")])
        .run()
        .well();
    site.call(&["ln", "a.txt", &url("/hard")]).run().well();
    assert_eq!(
        fs::read_link(root.join("soft")).unwrap().to_str(),
        Some("a.txt")
    );
    assert!(fs::symlink_metadata(root.join("hard")).unwrap().is_file());
    let tree = site.call(&["tree", &url("")]).run().well().stdout;
    assert!(tree.contains("soft -> a.txt\n"), "{tree}");
    let told = site.call(&["stat", &url("/soft")]).run().well().stdout;
    assert!(told.contains("Target      a.txt\n"), "{told}");
    site.call(&["ln", "-s", "a.txt", &url("/soft")])
        .run()
        .badly(1, "");
}

#[test]
fn completions_and_manual_pages() {
    for shell in ["bash", "zsh", "fish"] {
        let said = Call::new(["completions", shell]).run().well();
        for word in ["mirror", "danger-clear-data", "doctor"] {
            assert!(said.stdout.contains(word), "{shell} {word}");
        }
    }
    let page = Call::new(["man"]).run().well().stdout;
    assert!(
        page.contains(".TH ftp-connect") && page.contains("mirror"),
        "{page}"
    );
    let page = Call::new(["man", "mirror"]).run().well().stdout;
    assert!(
        page.contains("ftp\\-connect\\-mirror") && page.contains("dry\\-run"),
        "{page}"
    );
    Call::new(["man", "sing"]).run().badly(2, "no command");
}
