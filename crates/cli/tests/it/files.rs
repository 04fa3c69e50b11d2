//! `get` and `put` of many files: patterns, folders, policies, and what is told of them.

use std::fs;

use crate::{
    site::Site,
    tree::{content, write},
};

#[tokio::test(flavor = "multi_thread")]
async fn patterns_and_folders_come_down() {
    let site = Site::new().await;
    let names = [
        "in/a.csv",
        "in/b.csv",
        "in/[x].csv",
        "in/c.txt",
        "in/d/e.csv",
    ];
    for root in site.roots() {
        write(root, &names);
    }
    for scheme in ["ftp", "ftpes", "ftps", "sftp"] {
        let here = site.here.path().join(scheme);
        let target = here.to_str().unwrap();
        let pattern = site.url(scheme, "/in/*.csv");
        let said = site.call(&["get", &pattern, target, "--json"]).run().well();
        let events = said.events();
        let copied = events.iter().filter(|event| event["event"] == "copied");
        assert_eq!(copied.count(), 3, "{events:#?}");
        let end = events.last().unwrap();
        assert_eq!((&end["event"], &end["copied"]), (&"end".into(), &3.into()));
        let got: Vec<_> = content(&here).into_iter().map(|(name, _)| name).collect();
        assert_eq!(got, ["[x].csv", "a.csv", "b.csv"]);
        // A name that is there is taken for itself, whatever signs it has.
        let literal = site.url(scheme, "/in/[x].csv");
        let said = site.call(&["get", &literal, target]).run().well();
        assert!(
            said.stdout.starts_with("downloaded in/[x].csv"),
            "{said:#?}"
        );

        let deep = site.url(scheme, "/in/**/*.csv");
        let all = here.join("all");
        site.call(&["get", &deep, all.to_str().unwrap(), "--parallel", "2"])
            .run()
            .well();
        assert_eq!(content(&all).len(), 4);

        let folder = site.url(scheme, "/in");
        site.call(&["get", &folder, target])
            .run()
            .badly(1, "folder");
        site.call(&["get", "-r", &folder, target]).run().well();
        let expected = content(&site.roots()[0].join("in"));
        assert_eq!(content(&here.join("in")), expected, "{scheme}");
        site.call(&["get", &site.url(scheme, "/in/*.none"), target])
            .run()
            .badly(6, "nothing matches");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_files_and_folders_go_up() {
    let site = Site::new().await;
    let here = site.here.path();
    write(here, &["a.txt", "b.txt", "c.bin", "d/e.txt", "d/f/g.txt"]);
    for (scheme, root) in ["ftp", "ftpes", "ftps", "sftp"]
        .into_iter()
        .zip(site.roots())
    {
        fs::create_dir(root.join("up")).unwrap();
        let url = site.url(scheme, "/up/");
        let arguments = ["put", "-r", "a.txt", "b.txt", "d", &url, "--parallel", "2"];
        let said = site.call(&arguments).run().well();
        assert!(said.stdout.contains("uploaded 4 files"), "{said:#?}");
        let mut names: Vec<_> = content(&root.join("up")).into_iter().collect();
        names.retain(|(name, _)| name.starts_with('d'));
        let expected: Vec<_> = content(&here.join("d"))
            .into_iter()
            .map(|(name, bytes)| (format!("d/{name}"), bytes))
            .collect();
        assert_eq!(names, expected, "{scheme}");
        // Where no shell has looked, the pattern is taken here.
        site.call(&["put", "*.bin", &url]).run().well();
        assert!(root.join("up/c.bin").exists());
        site.call(&["put", "a.txt", "b.txt", &site.url(scheme, "/nofolder")])
            .run()
            .badly(2, "a folder to go into");
        let input = site.call(&["put", "-", &site.url(scheme, "/piped")]);
        input.run_with_input("from a pipe").well();
        assert_eq!(fs::read(root.join("piped")).unwrap(), b"from a pipe");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_stays_or_goes_as_was_said() {
    let site = Site::new().await;
    let here = site.here.path();
    for (scheme, root) in [("ftp", site.roots()[0]), ("sftp", site.roots()[3])] {
        fs::write(root.join("f"), "the whole file").unwrap();
        let url = site.url(scheme, "/f");
        let get = |policy: &[&str]| {
            let arguments = [&["get", &url, "f", "--json"], policy].concat();
            site.call(&arguments).run()
        };
        fs::write(here.join("f"), "the whole").unwrap();
        get(&["--no-overwrite"]).badly(1, "exists");
        get(&["--overwrite", "refuse"]).badly(1, "exists");
        assert_eq!(fs::read(here.join("f")).unwrap(), b"the whole");
        let resumed = get(&["--resume"]).well().json();
        assert_eq!(resumed["resumed_at"], 9, "{resumed:#}");
        assert_eq!(fs::read(here.join("f")).unwrap(), b"the whole file");
        let skipped = get(&["--overwrite", "size"]).well().json();
        assert_eq!(skipped["skipped"], true, "{skipped:#}");
        let renamed = get(&["--overwrite", "rename"]).well().json();
        let other = renamed["local"].as_str().unwrap();
        assert!(other.ends_with("f (1)"), "{other}");
        assert_eq!(fs::read(here.join(other)).unwrap(), b"the whole file");
        fs::write(here.join("f"), "quite another thing").unwrap();
        let replaced = get(&[]).well().json();
        assert_eq!(
            (&replaced["publish"], &replaced["bytes"]),
            (&"atomic".into(), &14.into())
        );
        let left: Vec<_> = content(here).into_iter().map(|(name, _)| name).collect();
        assert_eq!(left, ["f", "f (1)"], "no debris");
        fs::remove_file(here.join("f (1)")).unwrap();

        // Some of many fail: the others come, and the status says so.
        write(root, &["m/1", "m/2", "m/3"]);
        fs::create_dir_all(here.join("m/2/in the way")).unwrap();
        let said = site
            .call(&["get", &site.url(scheme, "/m/*"), "m", "--json"])
            .run()
            .badly(1, "m/2");
        let end = said.json();
        assert_eq!((&end["copied"], &end["failed"]), (&2.into(), &1.into()));
        fs::remove_dir_all(here.join("m")).unwrap();
    }
}
